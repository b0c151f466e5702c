"""Connections to the platforms, each for one request at a time.

The connections are those of httpcore2, the engine of httpx2, without its pool: the pool searches all its connections
twice for each request, and hides bytes that follow an answer. Here the newest idle connection is taken, and one becomes
idle only if exactly one answer came on it.
"""

import functools
import os
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import NamedTuple, Protocol, cast

import anyio
import httpcore2

from pullcord.upstream.request import Request
from pullcord.upstream.way import NO_PROXY, WayError, way
from pullcord.upstream.wire import Wire

IDLE_SECONDS = 5.0
"""Seconds after which an idle connection is closed: fewer than servers, and proxies before them, keep one open."""

CANCELS_PART = 8
"""One connection in so many is for cancels alone."""

_REASONS: Mapping[type[BaseException], str] = {
    httpcore2.LocalProtocolError: "the request can't be written as HTTP",
    httpcore2.ProxyError: "the proxy refused the connection",
    httpcore2.ConnectTimeout: "connecting took too long",
    socket.gaierror: "there is no such host: its name could not be resolved",
    ConnectionRefusedError: "the connection was refused: nobody listens there",
    ssl.SSLCertVerificationError: "its TLS certificate is not trusted ({error.verify_message})",
    ssl.SSLError: "the TLS handshake failed",
}
"""Why nothing was sent, by the kind of the error or of one of its causes; the first that fits."""


class UnsentError(Exception):
    """Nothing of a request left this machine. Its message says why, in words that an agent may read."""


class LostError(Exception):
    """Something of a request was sent, and then its connection failed. Its message says how, in such words."""


class Body(Protocol):
    """The body of an answer, in pieces as they come. It raises LostError where the connection fails."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces."""

    async def aclose(self, *, reusable: bool) -> None:
        """End the use of its connection.

        Args:
            reusable: whether the connection may be used again, if nothing in the answer speaks against it.
        """


class Answer(NamedTuple):
    """The head of an answer, and its body, which must be closed."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: Body


class Transport(Protocol):
    """Carries requests: `Connections`, or what stands for them in a test."""

    async def send(self, request: Request, limit: float) -> Answer:
        """Send a request, and read the head of its answer.

        Args:
            request: as request.build makes it.
            limit: seconds to wait for a place, and as many to open a connection.

        Raises:
            UnsentError: nothing was sent.
            LostError: something was sent, and then the connection failed.
        """

    async def aclose(self) -> None:
        """Close the connections."""


class _Connection(NamedTuple):
    """A connection to an origin; the first request on it opens it."""

    origin: str
    wire: Wire
    engine: httpcore2.AsyncConnectionInterface
    """Speaks HTTP on the wire."""
    is_proxied: bool = False

    async def send(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request, and read the head of its answer.

        Raises:
            UnsentError: nothing was sent.
            LostError: something was sent, and then the connection failed.
        """
        self.wire.begin()
        try:
            return await self.engine.handle_async_request(request)
        except Exception as error:
            if self.wire.sent:
                raise _broken(error) from error
            by_proxy = " (by way of the proxy that the environment names)" if self.is_proxied else ""
            raise UnsentError(_reason(error) + by_proxy) from error

    async def close(self) -> None:
        # Shielded, so that a cancelled caller leaves no socket open; closing sends nothing, so that it can't wait.
        with anyio.CancelScope(shield=True):
            await self.engine.aclose()


def _broken(error: Exception) -> LostError:
    is_no_http = isinstance(error, httpcore2.RemoteProtocolError)
    return LostError("the answer was no HTTP, or broke off" if is_no_http else "the connection broke")


def _reason(error: BaseException) -> str:
    causes = list(_causes(error))
    for kind, reason in _REASONS.items():
        for cause in causes:
            if isinstance(cause, kind):
                return reason.format(error=cause)
    codes = [os.strerror(cause.errno) for cause in causes if isinstance(cause, OSError) and cause.errno]
    return f"the connection could not be made{f' ({codes[0]})' if codes else ''}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and the errors that caused it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    if error.__cause__:
        yield from _causes(error.__cause__)


class _Body:
    """The body of an answer on a connection; a `Body`.

    Args:
        response: the answer.
        leave: ends the use of the connection; its argument is the number of bytes that the body had, or None.
    """

    def __init__(self, response: httpcore2.Response, leave: Callable[[int | None], Awaitable[None]]) -> None:
        self._response = response
        self._leave = leave
        self._length = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = cast("AsyncIterable[bytes]", self._response.stream)  # as every asynchronous engine gives it
        try:
            async for chunk in stream:
                self._length += len(chunk)
                yield chunk
        except Exception as error:
            raise _broken(error) from error

    async def aclose(self, *, reusable: bool) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._leave(self._length if reusable else None)


class Connections(Transport):
    """The idle connections, by origin, and a bound on those in use.

    A request that may not share a connection gets a new one, which is closed after its answer. Looks leave an eighth of
    the connections to cancels.

    Args:
        environ: names the proxy and the certificates to trust, by the names that httpx2 reads.
        limit: connections in use at once, at most.
        network: opens connections; for tests; None: sockets.
    """

    def __init__(
        self, environ: Mapping[str, str], limit: int, network: httpcore2.AsyncNetworkBackend | None = None
    ) -> None:
        self._environ = environ
        self._network = network or httpcore2.AnyIOBackend()
        self._bound = anyio.Semaphore(limit, fast_acquire=True)
        self._bound_on_looks = anyio.Semaphore(limit - limit // CANCELS_PART, fast_acquire=True)
        self._idle: defaultdict[str, list[_Connection]] = defaultdict(list)

    async def send(self, request: Request, limit: float) -> Answer:
        """As `Transport` defines it; the connection is in use until the body of the answer is closed."""
        core_request = _core_request(request, limit)
        origin = core_request.url.origin
        bounds = [self._bound] if request.cancels else [self._bound_on_looks, self._bound]
        with ExitStack() as turn:
            await _wait(bounds, turn, limit)
            connection = (await self._newest(str(origin)) if request.kept else None) or self._dial(origin)
            try:
                response = await connection.send(core_request)
            except BaseException:
                await self._leave(connection, turn.pop_all())
                raise
            body = _Body(response, partial(self._leave, connection, turn.pop_all()))
        return Answer(response.status, response.headers, body)

    async def _newest(self, origin: str) -> _Connection | None:
        connections = self._idle[origin]
        while connections:
            connection = connections.pop()
            if not connection.engine.has_expired():
                return connection
            await connection.close()
        return None

    def _dial(self, origin: httpcore2.Origin) -> _Connection:
        """A connection that its first request opens: https by the proxy that the environment names, http without one.

        Plain http is for this machine, and for hosts near it that the operator names.
        """
        if origin.scheme == b"http":
            wire = Wire(self._network, secure=False)
            plain = httpcore2.AsyncConnectionPool(keepalive_expiry=IDLE_SECONDS, network_backend=wire)
            return _Connection(str(origin), wire, plain.create_connection(origin))
        wire = Wire(self._network, secure=True)
        try:
            certificates, proxy_server = way(self._environ, origin.host.decode(), origin.port)
            pool = httpcore2.AsyncConnectionPool(
                ssl_context=certificates,
                proxy=httpcore2.Proxy(str(proxy_server.url), auth=proxy_server.raw_auth) if proxy_server else None,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=wire,
            )
            return _Connection(str(origin), wire, pool.create_connection(origin), is_proxied=proxy_server is not None)
        except WayError as error:
            raise UnsentError(str(error)) from None
        except (ImportError, ValueError):  # as for SOCKS without its package
            raise UnsentError(NO_PROXY) from None

    async def _leave(self, connection: _Connection, turn: ExitStack, length: int | None = None) -> None:
        """End the use of a connection: it becomes idle if it is open, and exactly one answer came on it.

        Args:
            connection: otherwise it is closed.
            turn: ends with it.
            length: the bytes of the answer's body; None: it must be closed.
        """
        with turn:
            await self._sweep()
            if length is not None and connection.engine.is_available() and connection.wire.had_only(length):
                self._idle[connection.origin].append(connection)
            else:
                await connection.close()

    async def _sweep(self) -> None:
        """Close the connections that were idle for too long; of each origin the first is the oldest."""
        for connections in [*self._idle.values()]:
            while connections and connections[0].engine.has_expired():
                await connections.pop(0).close()

    async def aclose(self) -> None:
        """Close the idle connections."""
        for connections in self._idle.values():
            while connections:
                await connections.pop().close()


@functools.lru_cache(maxsize=256)
def _base(url: str) -> httpcore2.URL:
    return httpcore2.URL(url.encode("ascii"))


def _core_request(request: Request, limit: float) -> httpcore2.Request:
    """A request as httpcore2 takes it.

    Args:
        request: as request.build makes it.
        limit: seconds to open a connection.

    Raises:
        UnsentError: it can't be sent.
    """
    headers = request.headers if request.kept else {**request.headers, "Connection": "close"}
    try:
        scheme, _, rest = request.url.partition("://")
        authority, _, path = rest.partition("/")
        base = _base(f"{scheme}://{authority}")
        url = httpcore2.URL(scheme=base.scheme, host=base.host, port=base.port, target=f"/{path}".encode("ascii"))
        fields = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    except ValueError:
        raise UnsentError("the base URL, or a value in the request, can't be sent") from None
    if url.scheme not in {b"http", b"https"}:
        raise UnsentError("the base URL is neither http nor https")
    extensions = {"timeout": {"connect": limit}}
    return httpcore2.Request(request.method, url, headers=fields, content=request.content, extensions=extensions)


async def _wait(bounds: Sequence[anyio.Semaphore], turn: ExitStack, patience: float) -> None:
    """Wait until one more connection may be in use.

    Args:
        bounds: on the connections in use, all of which count it.
        turn: at its end none of them counts it any more.
        patience: seconds to wait while too many are in use.

    Raises:
        UnsentError: too many were in use all that time.
    """
    is_free = all(each.value for each in bounds)  # nearly always; a limit of time would cost more than all else here
    try:
        with nullcontext() if is_free else anyio.fail_after(patience):
            for each in bounds:
                await each.acquire()
                turn.callback(each.release)
    except TimeoutError:
        raise UnsentError("too many calls are under way") from None
