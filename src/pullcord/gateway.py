"""The one room that sends: it owns the HTTP client, bounds each call, and repeats only what is safe.

A reply or a failure comes back, never an exception: what a platform or the network does wrong is an outcome.
"""

import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NoReturn, Self

import anyio
import httpx2
from opentelemetry import propagate

from pullcord import problem
from pullcord.operation import Failure, Json, Operation, Reply

BODY_LIMIT = 1024 * 1024
"""Bytes of a reply that are read."""
REPEATS = 2
"""Further tries after a failure to connect, or after a 429 or 503 that names a short wait."""
FIRST_WAIT = 0.1
"""Seconds before the first repeat; a failure to connect doubles them."""
SHORT_WAIT = 5
"""Seconds that are waited out within a call."""

# Nothing was sent: the connection never stood. Everything else may have reached the platform.
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx2.ConnectTimeout, "connecting took too long"),
    (httpx2.PoolTimeout, "too many calls are under way"),
    (httpx2.ProxyError, "the proxy refused the connection"),
    (httpx2.ConnectError, "the connection could not be made"),
    (httpx2.TimeoutException, "no answer came in time"),
    (httpx2.RemoteProtocolError, "the answer was no HTTP, or broke off"),
    (httpx2.TransportError, "the connection broke"),
)


class Gateway:
    """Sends requests.

    Args:
        transport: for tests; None: real connections.
        connect: seconds for one connection.
        total: seconds for a whole call, repeats included.
        now: the time in seconds, from any start; for tests.
        sleep: waits for seconds; for tests.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        connect: float = 5.0,
        total: float = 30.0,
        now: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self._transport = transport
        self._timeout = httpx2.Timeout(total, connect=connect)
        self._total = total
        self._opened: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """The client itself is made by the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._opened:
            with anyio.CancelScope(shield=True):
                await self._opened.aclose()

    async def send(self, operation: Operation, request: httpx2.Request) -> Reply | Failure:
        """Send a request, and again where that is safe, within the whole call's time.

        A cancel that is on the wire is finished even if the caller goes away, so that its outcome is known.

        Args:
            operation: what is called: it tells whether repeating is safe.
            request: as request.build makes it.

        Returns:
            The reply, or why there is none and whether the platform may have acted.
        """
        propagate.inject(request.headers)  # continues the caller's trace; nothing where no SDK is installed
        deadline = self.now() + self._total
        repeats = 0
        lost: Reply | Failure | None = None
        while True:
            answer = await self._attempt(request, deadline, shield=operation.cancel is not None)
            wait = self._wait(operation, answer, repeats, lost)
            if wait is None or self.now() + wait >= deadline:
                # What an earlier try may have done, a later one that did nothing can't undo.
                return lost if lost and _did_nothing(answer) else answer
            if _is_lost(answer):
                lost = answer
            repeats += 1
            await self.sleep(wait)

    def _wait(
        self, operation: Operation, answer: Reply | Failure, repeats: int, lost: Reply | Failure | None
    ) -> float | None:
        """Seconds before the next try; None if there must be none."""
        if repeats == REPEATS:
            return None
        if _is_lost(answer):
            return FIRST_WAIT if operation.repeatable and lost is None else None
        if isinstance(answer, Failure):
            return FIRST_WAIT * (1 << repeats)
        if _did_nothing(answer):
            seconds = problem.retry_after(operation.platform, answer)
            return seconds if seconds is not None and seconds <= SHORT_WAIT else None
        return None

    async def _attempt(self, request: httpx2.Request, deadline: float, *, shield: bool) -> Reply | Failure:
        with anyio.move_on_after(deadline - self.now(), shield=shield):
            return await self._exchange(request)
        return Failure(sent=True, what="no answer came in time")

    async def _exchange(self, request: httpx2.Request) -> Reply | Failure:
        try:
            response = await self._client().send(request, stream=True)
        except httpx2.HTTPError as error:
            what = next((words for kind, words in _WORDS if isinstance(error, kind)), "the exchange failed")
            return Failure(sent=not isinstance(error, _NOT_SENT), what=what)
        try:
            return await _read(response)
        finally:
            await response.aclose()

    def _client(self) -> httpx2.AsyncClient:
        if self._opened is None:
            self._opened = httpx2.AsyncClient(
                transport=self._transport,
                # Plain http is for this machine only, and never goes by a proxy.
                mounts={"http://": self._transport or httpx2.AsyncHTTPTransport()},
                timeout=self._timeout,
                follow_redirects=False,
            )
        return self._opened


def _is_lost(answer: Reply | Failure) -> bool:
    return answer.sent if isinstance(answer, Failure) else answer.unreadable is not None


def _did_nothing(answer: Reply | Failure) -> bool:
    return not answer.sent if isinstance(answer, Failure) else answer.status in {429, 503}


async def _read(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body: Json = None
    unreadable = None
    try:
        body = _parse(await _bounded(response))
    except ValueError as error:
        unreadable = str(error)
    except httpx2.HTTPError:
        unreadable = "it broke off"
    return Reply(response.status_code, headers, body, unreadable)


async def _bounded(response: httpx2.Response) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ValueError("it is compressed, although pullcord asked for plain text")
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > BODY_LIMIT:
            raise ValueError(f"it is larger than {BODY_LIMIT} bytes")
    return bytes(content)


def _parse(content: bytes) -> Json:
    """JSON or nothing.

    Raises:
        ValueError: in words that can be shown.
    """
    if not content.strip():
        return None
    try:
        parsed: Json = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    return parsed


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
