"""Answers pullcord's requests in a test, in the place of connections: by a mock, an application, or the like."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TypeAlias

import httpx2

from pullcord.upstream.connections import Answer
from pullcord.upstream.request import Request

Handler: TypeAlias = (
    Callable[[httpx2.Request], httpx2.Response] | Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]]
)
"""Makes the answer to a request; or raises UnsentError or LostError, as connections do."""


class _Body:
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self, *, reusable: bool) -> None:
        assert isinstance(reusable, bool)
        await self._stream.aclose()


class Over:
    """Carries requests over a transport of httpx2.

    Args:
        transport: answers them.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: Request, limit: float) -> Answer:
        """Send a request; a `Transport`."""
        assert limit > 0
        sent = httpx2.Request(request.method, request.url, headers=request.headers, content=request.content)
        response = await self._transport.handle_async_request(sent)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return Answer(response.status_code, response.headers.raw, _Body(response.stream))

    async def aclose(self) -> None:
        await self._transport.aclose()


def mock(handler: Handler) -> Over:
    """A platform whose answers a function makes."""
    return Over(httpx2.MockTransport(handler))
