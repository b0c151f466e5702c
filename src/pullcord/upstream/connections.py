"""Connections to the platforms, each for one request at a time: what httpx2 calls a transport.

They are httpcore2's, the engine of httpx2, without its pool: a pool looks through all that it has twice for each
request, and hides what came behind an answer. Here the newest that waits is taken, and a connection waits for its next
request only if exactly one answer came on it.
"""

import functools
import os
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import NamedTuple

import anyio
import httpcore2
import httpx2

from pullcord.upstream.proxy import proxy
from pullcord.upstream.wire import Wire

WAITING = 5.0
"""Seconds for which a connection waits for its next request: fewer than servers and what stands before them allow."""

_REASONS: Mapping[type[BaseException], str] = {
    httpcore2.LocalProtocolError: "the request can't be written as HTTP",
    httpcore2.ProxyError: "the proxy refused the connection",
    httpcore2.ConnectTimeout: "connecting took too long",
    socket.gaierror: "there is no such host: its name could not be resolved",
    ConnectionRefusedError: "the connection was refused: nobody listens there",
    ssl.SSLCertVerificationError: "its TLS certificate is not trusted ({error.verify_message})",
    ssl.SSLError: "the TLS handshake failed",
}
"""Why nothing was sent: the first kind of which an error is, or one that led to it."""


class UnsentError(httpx2.TransportError):
    """Nothing of a request left this machine. It says why, in words to be shown."""


class _Connection(NamedTuple):
    """One to an origin; it is made by its first request."""

    origin: httpcore2.Origin
    wire: Wire
    engine: httpcore2.AsyncConnectionInterface
    """Speaks HTTP on the wire."""
    is_proxied: bool = False

    async def send(self, request: httpcore2.Request) -> httpcore2.Response:
        """The head of the answer.

        Raises:
            UnsentError: nothing was sent.
            TransportError: something was, and then it failed.
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
        with anyio.CancelScope(shield=True):  # it says goodbye to nobody, and so takes no time
            await self.engine.aclose()


def _broken(error: Exception) -> httpx2.TransportError:
    kind = httpx2.RemoteProtocolError if isinstance(error, httpcore2.RemoteProtocolError) else httpx2.NetworkError
    return kind(str(error))


def _reason(error: BaseException) -> str:
    led = list(_led(error))
    for kind, reason in _REASONS.items():
        for each in led:
            if isinstance(each, kind):
                return reason.format(error=each)
    codes = [os.strerror(each.errno) for each in led if isinstance(each, OSError) and each.errno]
    return f"the connection could not be made{f' ({codes[0]})' if codes else ''}"


def _led(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that led to it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _led(each)
    if error.__cause__:
        yield from _led(error.__cause__)


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; to close it ends the use of its connection.

    Args:
        response: what came.
        leave: ends the use; it is told how many bytes the body had.
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
    """Those that wait, by origin, and a bound on those in use.

    A request that says "Connection: close" has one of its own, which is closed behind its answer.

    Args:
        environ: names the proxy and the certificates to trust, by the names that httpx2 reads.
        limit: how many may be in use at once.
        network: dials; for tests; None: sockets.
    """

    def __init__(
        self, environ: Mapping[str, str], limit: int, network: httpcore2.AsyncNetworkBackend | None = None
    ) -> None:
        self._environ = environ
        self._network = network or httpcore2.AnyIOBackend()
        self._turns = anyio.Semaphore(limit, fast_acquire=True)
        self._waiting: defaultdict[str, list[_Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and read the head of its answer; the connection is in use until the answer is closed.

        Raises:
            UnsentError: nothing was sent.
            TransportError: something was, and then it failed.
        """
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        kept = request.headers.get("connection") != "close"
        connection = await self._take(url, request.extensions["timeout"]["pool"], kept=kept)
        sent = httpcore2.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        try:
            response = await connection.send(sent)
        except BaseException:
            await self._leave(connection)
            raise
        return httpx2.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response, lambda length: self._leave(connection, length)),
            extensions=response.extensions,
        )

    async def _take(self, url: httpcore2.URL, patience: float, *, kept: bool) -> _Connection:
        """A connection that nobody else uses until it is left.

        Args:
            url: where it goes.
            patience: seconds for which it is waited for while too many are in use.
            kept: whether it may have carried other requests before.

        Raises:
            UnsentError: there is none.
        """
        if url.scheme not in {b"http", b"https"}:
            raise UnsentError("the base URL is neither http nor https")
        with anyio.move_on_after(patience) as waited:
            await self._turns.acquire()
        if waited.cancelled_caught:
            raise UnsentError("too many calls are under way")
        try:
            return (await self._newest(url.origin) if kept else None) or self._dial(url.origin)
        except BaseException:
            self._turns.release()
            raise

    async def _newest(self, origin: httpcore2.Origin) -> _Connection | None:
        waiting = self._waiting[str(origin)]
        while waiting:
            connection = waiting.pop()
            if not connection.engine.has_expired():
                return connection
            await connection.close()
        return None

    def _dial(self, origin: httpcore2.Origin) -> _Connection:
        """A connection to be made: with TLS by the proxy that the environment names, without it past any proxy.

        Plain http is for this machine, and for hosts near it that the operator names.
        """
        if origin.scheme == b"http":
            wire = Wire(self._network, secure=False)
            plain = httpcore2.AsyncConnectionPool(keepalive_expiry=WAITING, network_backend=wire)
            return _Connection(origin, wire, plain.create_connection(origin))
        wire = Wire(self._network, secure=True)
        try:
            certificates = trusted(self._environ.get("SSL_CERT_FILE"), self._environ.get("SSL_CERT_DIR"))
        except OSError:
            raise UnsentError("the certificates that this machine's environment names can't be read") from None
        try:
            by = proxy(self._environ, origin.host.decode(), origin.port)
            pool = httpcore2.AsyncConnectionPool(
                ssl_context=certificates,
                proxy=httpcore2.Proxy(str(by.url), auth=by.raw_auth) if by else None,
                keepalive_expiry=WAITING,
                network_backend=wire,
            )
            return _Connection(origin, wire, pool.create_connection(origin), is_proxied=by is not None)
        except (ImportError, ValueError):  # as for SOCKS without its package
            raise UnsentError("the proxy that this machine's environment names can't be used") from None

    async def _leave(self, connection: _Connection, length: int | None = None) -> None:
        """End the use of a connection: it waits for a further request if it stands, and exactly one answer came on it.

        Args:
            connection: is closed otherwise.
            length: the bytes of the answer's body; None: it may not wait.
        """
        try:
            await self._sweep()
            if length is not None and connection.engine.is_available() and connection.wire.had_only(length):
                self._waiting[str(connection.origin)].append(connection)
            else:
                await connection.close()
        finally:
            self._turns.release()

    async def _sweep(self) -> None:
        """Close those that have waited too long: of each origin the first are the oldest."""
        for waiting in [*self._waiting.values()]:
            while waiting and waiting[0].engine.has_expired():
                await waiting.pop(0).close()

    async def aclose(self) -> None:
        """Close those that wait."""
        for waiting in self._waiting.values():
            while waiting:
                await waiting.pop().close()


@functools.cache
def trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The context for TLS, with the authorities that are trusted. It takes a quarter of a second.

    Args:
        file: of certificates; None or empty: not named.
        folder: of certificates, heeded where no file is named; neither: those that this machine trusts.

    Raises:
        OSError: they can't be read.
    """
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    return httpx2.create_ssl_context(trust_env=False)
