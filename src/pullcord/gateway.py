"""The one room that sends: it owns the connections, bounds each call, and repeats only what is safe.

A reply or a failure comes back, never an exception: what a platform or the network does wrong is an outcome.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import NoReturn, Self

import anyio
import anyio.lowlevel
import httpcore2
from opentelemetry import propagate

from pullcord import problem
from pullcord.connections import Connect, Connections, EnvironmentFaultError, dialler
from pullcord.operation import Failure, Json, Operation, Reply
from pullcord.pointer import look_up
from pullcord.request import Named, Request

BODY_LIMIT = 1024 * 1024
"""Bytes of a reply that are read."""
REPEATS = 2
"""Further tries after a failure to connect, or after a 429 or 503 that names a short wait."""
FIRST_WAIT = 0.1
"""Seconds before the first repeat; a failure to connect doubles them."""
SHORT_WAIT = 5
"""Seconds that are waited out within a call."""
CONNECTIONS = 256
"""Requests that are on the wire at once; further ones wait as long as connecting may take."""
SECRET = 8
"""Characters of the shortest key that is hidden in replies: a shorter one is no secret, and may be part of any word."""

# The first that fits. Nothing was sent where the connection never stood; all else may have reached the platform.
_FAILURES: Mapping[type[Exception], Failure] = {
    httpcore2.ConnectTimeout: Failure(sent=False, what="connecting took too long"),
    httpcore2.PoolTimeout: Failure(sent=False, what="too many calls are under way"),
    httpcore2.ProxyError: Failure(sent=False, what="the proxy refused the connection"),
    httpcore2.UnsupportedProtocol: Failure(sent=False, what="the base URL is neither http nor https"),
    httpcore2.ConnectError: Failure(sent=False, what="the connection could not be made"),
    httpcore2.ConnectionNotAvailable: Failure(sent=False, what="the connection could not be made"),
    httpcore2.TimeoutException: Failure(sent=True, what="no answer came in time"),
    httpcore2.RemoteProtocolError: Failure(sent=True, what="the answer was no HTTP, or broke off"),
    httpcore2.ProtocolError: Failure(sent=True, what="the connection broke"),
    httpcore2.NetworkError: Failure(sent=True, what="the connection broke"),
    OSError: Failure(sent=True, what="the connection broke"),  # as TLS raises
}
_RAISED = tuple(_FAILURES)


class Gateway:
    """Sends requests.

    Args:
        dial: makes a connection; for tests; None: real ones.
        connect: seconds for one connection.
        total: seconds for a whole call, repeats included.
        connections: how many there may be at once.
        now: the time in seconds, from any start; for tests.
        sleep: waits for seconds; for tests.
    """

    def __init__(
        self,
        dial: Connect | None = None,
        *,
        connect: float = 5.0,
        total: float = 30.0,
        connections: int = CONNECTIONS,
        now: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self.ending = anyio.Event()
        """Set where the process is about to end: nothing is waited for any more."""
        self._connections = Connections(dial or dialler(), connections, connect)
        self._extensions = {"timeout": {"connect": connect}}  # all else ends with the whole call's time
        self._total = total

    async def __aenter__(self) -> Self:
        """A connection is made by the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._connections.close()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than this process lives."""
        async with anyio.create_task_group() as tasks:

            async def until_ending() -> None:
                await self.ending.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_ending)
            await self.sleep(seconds)
            tasks.cancel_scope.cancel()

    async def send(self, operation: Operation, request: Request) -> Reply | Failure:
        """Send a request, and again where that is safe, within the whole call's time.

        A cancel that is on the wire is finished even if the caller goes away, so that its outcome is known.

        Args:
            operation: what is called: it tells whether repeating is safe.
            request: as request.build makes it.

        Returns:
            The reply, or why there is none and whether the platform may have acted.
        """
        propagate.inject(request.headers)  # continues the caller's trace; nothing where no SDK is installed
        await anyio.lowlevel.checkpoint_if_cancelled()
        key = operation.platform.key
        secret = request.headers.get(key.header, "").removeprefix(key.prefix)
        deadline = self.now() + self._total
        repeats = 0
        lost: Reply | Failure | None = None
        while True:
            answer = await self._attempt(request, secret, deadline, shield=operation.cancel is not None)
            wait = self._wait(operation, answer, repeats, lost)
            if wait is None or self.now() + wait >= deadline:
                # What an earlier try may have done, a later one that failed can't undo, whatever it says.
                return lost if lost and operation.cancel and not _succeeded(answer) else answer
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

    async def _attempt(self, request: Request, secret: str, deadline: float, *, shield: bool) -> Reply | Failure:
        with anyio.move_on_after(deadline - self.now(), shield=shield):
            return await self._exchange(request, secret)
        return Failure(sent=True, what="no answer came in time")

    async def _exchange(self, request: Request, secret: str) -> Reply | Failure:
        url = httpcore2.URL(request.url)
        try:
            # A used connection may hold bytes behind the last answer, which would be taken for the answer to this
            # request. Where answers name their work that shows; where they don't, each request has its own connection.
            async with self._connections.one(url.origin, kept=bool(request.named)) as connection:
                async with connection.stream(
                    request.method, url, headers=list(request.headers.items()), extensions=self._extensions
                ) as response:
                    reply = await _read(response, secret)
                if _succeeded(reply) and _is_foreign(reply, request.named):
                    await connection.aclose()
                    return reply._replace(body=None, unreadable="it is about other work than was asked for")
                return reply
        except EnvironmentFaultError as error:
            return Failure(sent=False, what=str(error))
        except _RAISED as error:
            return next(failure for kind, failure in _FAILURES.items() if isinstance(error, kind))


def _is_foreign(reply: Reply, named: Named) -> bool:
    """Whether an answer names other work than was asked about. Ids are compared whatever their case."""
    found = ((look_up(reply.body, pointer), asked) for pointer, asked in named)
    return any(isinstance(answered, str) and answered.lower() != asked.lower() for answered, asked in found)


def _is_lost(answer: Reply | Failure) -> bool:
    """Whether nothing tells what the platform did. An unreadable refusal still is one: its status tells."""
    if isinstance(answer, Failure):
        return answer.sent
    return answer.unreadable is not None and answer.status // 100 in {2, 5} and not _did_nothing(answer)


def _did_nothing(answer: Reply) -> bool:
    return answer.status in {429, 503}


def _succeeded(answer: Reply | Failure) -> bool:
    return isinstance(answer, Reply) and answer.status // 100 == 2  # noqa: PLR2004 - the class of success


async def _read(response: httpcore2.Response, secret: str) -> Reply:
    headers = _headers(response, secret)
    body: Json = None
    unreadable = None
    try:
        body = _parse(await _bounded(response, headers), secret)
    except ValueError as error:
        unreadable = str(error)
    except _RAISED:
        unreadable = "it broke off"
    return Reply(response.status, headers, body, unreadable)


def _headers(response: httpcore2.Response, secret: str) -> dict[str, str]:
    """By their names in small letters; what was sent more than once is joined (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), str(_without(secret, raw_value.decode("utf-8", "replace")))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _bounded(response: httpcore2.Response, headers: Mapping[str, str]) -> bytes:
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ValueError("it is compressed, although pullcord asked for plain text")
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > BODY_LIMIT:
            raise ValueError("it is larger than 1 MiB")
    return bytes(content)


def _parse(content: bytes, secret: str) -> Json:
    """JSON or nothing, without the key.

    Raises:
        ValueError: in words that can be shown.
    """
    if not content.strip():
        return None
    try:
        value = json.loads(content, parse_constant=_no_constant)
        # Nothing but an escape, or an encoding with zeros, hides the key in the bytes.
        hidden = b"\\" in content or b"\0" in content
        return _without(secret, value) if hidden or secret.encode() in content else value
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None


def _without(secret: str, given: Json) -> Json:
    """A value in which a platform that quotes the key has not quoted it."""
    match given:
        case str() if len(secret) >= SECRET:
            return given.replace(secret, "[key]")
        case list():
            return [_without(secret, item) for item in given]
        case dict():
            return {str(_without(secret, name)): _without(secret, value) for name, value in given.items()}
    return given


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
