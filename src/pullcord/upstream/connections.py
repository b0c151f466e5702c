"""Connections to the platforms, each for one request at a time: a transport in the sense of httpx2.

The connections are those of httpcore2, the engine of httpx2, without its pool: the pool searches all its connections
twice for each request, and hides bytes that follow an answer. Here the newest idle connection is taken, and one becomes
idle only if exactly one answer came on it.
"""

import functools
import os
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

import anyio
import httpcore2
import httpx2

from pullcord.upstream.proxy import proxy
from pullcord.upstream.wire import Wire

IDLE_SECONDS = 5.0
"""Seconds after which an idle connection is closed: fewer than servers, and proxies before them, keep one open."""

CANCEL = "pullcord.cancel"
"""The extension of a request that cancels."""
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


class UnsentError(httpx2.TransportError):
    """Nothing of a request left this machine. Its message says why, in words that an agent may read."""


class _Connection(NamedTuple):
    """A connection to an origin; the first request on it opens it."""

    origin: httpcore2.Origin
    wire: Wire
    engine: httpcore2.AsyncConnectionInterface
    """Speaks HTTP on the wire."""
    is_proxied: bool = False

    async def send(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request, and read the head of its answer.

        Raises:
            UnsentError: nothing was sent.
            TransportError: something was sent, and then the connection failed.
        """
        self.wire.begin()
        try:
            return await self.engine.handle_async_request(request)
        except Exception as error:
            if self.wire.sent:
                raise _broken(error) from error
            way = " (by way of the proxy that the environment names)" if self.is_proxied else ""
            raise UnsentError(_reason(error) + way) from error

    async def close(self) -> None:
        # Shielded, so that a cancelled caller leaves no socket open; closing sends nothing, so that it can't wait.
        with anyio.CancelScope(shield=True):
            await self.engine.aclose()


def _broken(error: Exception) -> httpx2.TransportError:
    kind = httpx2.RemoteProtocolError if isinstance(error, httpcore2.RemoteProtocolError) else httpx2.NetworkError
    return kind(str(error))


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


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; closing it ends the use of its connection.

    Args:
        response: the answer.
        leave: ends the use of the connection; its argument is the number of bytes that the body had.
    """

    def __init__(self, response: httpcore2.Response, leave: Callable[[int], Awaitable[None]]) -> None:
        self._response = response
        self._leave = leave
        self._length = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_stream():
                self._length += len(chunk)
                yield chunk
        except Exception as error:
            raise _broken(error) from error

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._leave(self._length)


class Connections(httpx2.AsyncBaseTransport):
    """The idle connections, by origin, and a bound on those in use.

    A request with the header "Connection: close" gets a new connection, which is closed after its answer. Looks leave
    an eighth of the connections to cancels: those are the requests with the extension CANCEL.

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

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and read the head of its answer; the connection is in use until the answer is closed.

        Raises:
            UnsentError: nothing was sent.
            TransportError: something was sent, and then the connection failed.
        """
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        if url.scheme not in {b"http", b"https"}:
            raise UnsentError("the base URL is neither http nor https")
        is_shared = request.headers.get("connection") != "close"
        bounds = [self._bound] if CANCEL in request.extensions else [self._bound_on_looks, self._bound]
        async with AsyncExitStack() as turn:
            await _wait(bounds, turn, request.extensions["timeout"]["pool"])
            connection = (await self._newest(url.origin) if is_shared else None) or self._dial(url.origin)
            core_request = httpcore2.Request(
                request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
            )
            try:
                response = await connection.send(core_request)
            except BaseException:
                await self._leave(connection, turn.pop_all())
                raise
            body = _Body(response, partial(self._leave, connection, turn.pop_all()))
        return httpx2.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    async def _newest(self, origin: httpcore2.Origin) -> _Connection | None:
        connections = self._idle[str(origin)]
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
            return _Connection(origin, wire, plain.create_connection(origin))
        wire = Wire(self._network, secure=True)
        try:
            certificates = trusted(self._environ.get("SSL_CERT_FILE"), self._environ.get("SSL_CERT_DIR"))
        except OSError:
            raise UnsentError("the certificates that this machine's environment names can't be read") from None
        try:
            proxy_server = proxy(self._environ, origin.host.decode(), origin.port)
            pool = httpcore2.AsyncConnectionPool(
                ssl_context=certificates,
                proxy=httpcore2.Proxy(str(proxy_server.url), auth=proxy_server.raw_auth) if proxy_server else None,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=wire,
            )
            return _Connection(origin, wire, pool.create_connection(origin), is_proxied=proxy_server is not None)
        except (ImportError, ValueError):  # as for SOCKS without its package
            raise UnsentError("the proxy that this machine's environment names can't be used") from None

    async def _leave(self, connection: _Connection, turn: AsyncExitStack, length: int | None = None) -> None:
        """End the use of a connection: it becomes idle if it is open, and exactly one answer came on it.

        Args:
            connection: otherwise it is closed.
            turn: ends with it.
            length: the bytes of the answer's body; None: it must be closed.
        """
        async with turn:
            await self._sweep()
            if length is not None and connection.engine.is_available() and connection.wire.had_only(length):
                self._idle[str(connection.origin)].append(connection)
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


async def _wait(bounds: Iterable[anyio.Semaphore], turn: AsyncExitStack, patience: float) -> None:
    """Wait until one more connection may be in use.

    Args:
        bounds: on the connections in use, all of which count it.
        turn: at its end none of them counts it any more.
        patience: seconds to wait while too many are in use.

    Raises:
        UnsentError: too many were in use all that time.
    """
    with anyio.move_on_after(patience) as wait:
        for each in bounds:
            await turn.enter_async_context(each)
    if wait.cancelled_caught:
        raise UnsentError("too many calls are under way")


@functools.cache
def trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The TLS context with the trusted authorities; making it takes a quarter of a second.

    Args:
        file: of certificates; None or empty: none is named.
        folder: of certificates, heeded where no file is named. Without both: the authorities that this machine trusts.

    Raises:
        OSError: they can't be read.
    """
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    return httpx2.create_ssl_context(trust_env=False)
