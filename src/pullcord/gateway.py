"""The one room that sends: it owns the HTTP client, bounds each call, and repeats only what is safe.

A reply or a failure comes back, never an exception: what a platform or the network does wrong is an outcome.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import NoReturn, Self, TypeAlias

import anyio
import anyio.lowlevel
import httpx2
from opentelemetry import propagate

from pullcord import problem
from pullcord.operation import Failure, Json, Operation, Pointer, Reply
from pullcord.pointer import look_up
from pullcord.request import NAMED

Named: TypeAlias = Sequence[tuple[Pointer, str]]
"""Where an answer names the work that it is about, and what that must be called."""

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
LEFT = 4
"""Clients that stay open after one of their connections carried other work's answer."""
CLOSING = 2
"""Seconds that closing the connections may take."""
SECRET = 8
"""Characters of the shortest key that is hidden in replies: a shorter one is no secret, and may be part of any word."""

# The first that fits. Nothing was sent where the connection never stood; all else may have reached the platform.
_FAILURES: tuple[tuple[type[httpx2.HTTPError], Failure], ...] = (
    (httpx2.ConnectTimeout, Failure(sent=False, what="connecting took too long")),
    (httpx2.PoolTimeout, Failure(sent=False, what="too many calls are under way")),
    (httpx2.ProxyError, Failure(sent=False, what="the proxy refused the connection")),
    (httpx2.UnsupportedProtocol, Failure(sent=False, what="the base URL is neither http nor https")),
    (httpx2.ConnectError, Failure(sent=False, what="the connection could not be made")),
    (httpx2.TimeoutException, Failure(sent=True, what="no answer came in time")),
    (httpx2.RemoteProtocolError, Failure(sent=True, what="the answer was no HTTP, or broke off")),
    (httpx2.HTTPError, Failure(sent=True, what="the connection broke")),
)


class Gateway:
    """Sends requests.

    Args:
        transport: for tests; None: real connections.
        connect: seconds for one connection.
        total: seconds for a whole call, repeats included.
        connections: how many there may be at once.
        now: the time in seconds, from any start; for tests.
        sleep: waits for seconds; for tests.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport | None = None,
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
        self._connections = connections
        self._transport = transport
        self._timeout = httpx2.Timeout(total, connect=connect, pool=connect)
        self._total = total
        self._clients: dict[bool, httpx2.AsyncClient] = {}
        """Each by whether it keeps its connections."""
        self._dropped: list[httpx2.AsyncClient] = []

    async def __aenter__(self) -> Self:
        """The client itself is made by the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        with anyio.move_on_after(CLOSING, shield=True):
            for client in (*self._clients.values(), *self._dropped):
                await client.aclose()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than this process lives."""
        async with anyio.create_task_group() as tasks:

            async def until_ending() -> None:
                await self.ending.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_ending)
            await self.sleep(seconds)
            tasks.cancel_scope.cancel()

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

    async def _attempt(self, request: httpx2.Request, secret: str, deadline: float, *, shield: bool) -> Reply | Failure:
        with anyio.move_on_after(deadline - self.now(), shield=shield):
            return await self._exchange(request, secret)
        return Failure(sent=True, what="no answer came in time")

    async def _exchange(self, request: httpx2.Request, secret: str) -> Reply | Failure:
        # A used connection may hold bytes behind the last answer, which would be taken for the answer to this request.
        # Where answers name their work that shows; where they don't, each request has a connection of its own.
        named: Named = request.extensions.get(NAMED, ())
        try:
            client = self._client(kept=bool(named))
        except (ImportError, ValueError):  # as httpx2 raises for a proxy that it can't speak to, or read
            return Failure(sent=False, what="the proxy that this machine's environment names can't be used")
        try:
            response = await client.send(request, stream=True)
        except httpx2.HTTPError as error:
            return next(failure for kind, failure in _FAILURES if isinstance(error, kind))
        try:
            reply = await _read(response, secret)
        finally:
            await response.aclose()
        if _succeeded(reply) and _is_foreign(reply, named):
            self._clients = {kept: each for kept, each in self._clients.items() if each is not client}
            # Calls that are on their way in it still need it: only those that were left long ago are closed.
            self._dropped.append(client)
            for old in self._dropped[:-LEFT]:
                await old.aclose()
            self._dropped = self._dropped[-LEFT:]
            return reply._replace(body=None, unreadable="it is about other work than was asked for")
        return reply

    def _client(self, *, kept: bool) -> httpx2.AsyncClient:
        if kept not in self._clients:
            limits = httpx2.Limits(
                max_connections=self._connections, max_keepalive_connections=self._connections if kept else 0
            )
            self._clients[kept] = httpx2.AsyncClient(
                transport=self._transport,
                # Plain http is for this machine only, never goes by a proxy, and needs no certificates to be read.
                mounts={"http://": self._transport or httpx2.AsyncHTTPTransport(verify=False, limits=limits)},
                timeout=self._timeout,
                limits=limits,
                follow_redirects=False,
            )
        return self._clients[kept]


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


async def _read(response: httpx2.Response, secret: str) -> Reply:
    headers = {name.lower(): str(_without(secret, value)) for name, value in response.headers.items()}
    body: Json = None
    unreadable = None
    try:
        body = _parse(await _bounded(response), secret)
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
        return _without(secret, json.loads(content, parse_constant=_no_constant))
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
