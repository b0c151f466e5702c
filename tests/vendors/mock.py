"""A platform over real HTTP that answers each request that it knows as it was told, and keeps what came."""

import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from pullcord.model.value import Json


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: Json = None
    """JSON; None: none."""
    text: str | None = None
    """Instead of JSON: a page of HTML."""
    headers: Mapping[str, str] = {}

    def response(self) -> Response:
        """The answer, as it goes out."""
        if self.text is not None:
            return Response(self.text, self.status, self.headers, "text/html; charset=utf-8")
        if self.body is None:
            return Response(None, self.status, self.headers)
        return Response(json.dumps(self.body), self.status, self.headers, "application/json; charset=utf-8")


class Came(NamedTuple):
    """A request, as it came in."""

    line: str
    """The method, and the target as it was sent."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Json
    """None where there is no content."""


class Mock:
    """Answers requests by their first line."""

    def __init__(self) -> None:
        self._replies: dict[str, list[Reply]] = {}
        self.url = ""
        """Where it listens."""
        self.came: list[Came] = []

    def answer(self, replies: Mapping[str, Sequence[Reply]]) -> None:
        """From now on, give these answers.

        Args:
            replies: by the request's first line, in turn; the last one stays. Anything else is a 418.
        """
        self._replies = {line: [*each] for line, each in replies.items()}
        self.came = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        request = Request(scope, receive)
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        line = f"{request.method} {scope['raw_path'].decode()}{query}"
        content = await request.body()
        self.came.append(Came(line, dict(request.headers), json.loads(content) if content else None))
        replies = self._replies.get(line, [])
        response: Response = PlainTextResponse("nobody told what this is answered with", 418)
        if replies:
            response = (replies.pop(0) if len(replies) > 1 else replies[0]).response()
        await response(scope, receive, send)


@asynccontextmanager
async def listening() -> AsyncIterator[Mock]:
    """A platform that listens on this machine for as long as the block runs."""
    mock = Mock()
    config = uvicorn.Config(mock, access_log=False, lifespan="off", log_config=None, ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Not server.serve(): that one takes over the process's signals.
        await server.startup(sockets=[listener])
        mock.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield mock
        finally:
            with anyio.CancelScope(shield=True):
                await server.shutdown(sockets=[listener])


def environment(given: Mapping[str, Any], url: str) -> dict[str, str]:
    """Settings in which {url} stands for where the mock listens."""
    return {name: str(value).replace("{url}", url) for name, value in given.items()}
