"""Connections to the platforms, each for one request at a time.

They are httpcore2's, the engine of httpx2, without its pool: a pool hides on which connection an answer came, and looks
through all that it has twice for each request. Here the newest that waits is taken, and who used it says whether it is
kept.
"""

import functools
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies

import anyio
import httpx2
from httpcore2 import (
    URL,
    AsyncConnectionInterface,
    AsyncConnectionPool,
    Origin,
    PoolTimeout,
    Proxy,
    UnsupportedProtocol,
)

Connect: TypeAlias = Callable[[Origin], AsyncConnectionInterface]
"""Makes a connection to an origin; it is made on the wire by its first request."""

WAITING = 5.0
"""Seconds for which a connection waits for its next request: fewer than servers and what stands before them allow."""

tls = functools.cache(httpx2.create_ssl_context)
"""The context for TLS, with the authorities that this machine trusts. It takes a quarter of a second."""


class EnvironmentFaultError(Exception):
    """What this machine's environment names for its connections can't be used. It says so in words to be shown."""


class Connections:
    """Those that wait, by origin, and a bound on those in use.

    Args:
        connect: makes one.
        limit: how many may be in use at once.
        patience: seconds for which a further request waits.
    """

    def __init__(self, connect: Connect, limit: int, patience: float) -> None:
        self._connect = connect
        self._turns = anyio.Semaphore(limit, fast_acquire=True)
        self._patience = patience
        self._waiting: defaultdict[tuple[bytes, bytes, int], list[AsyncConnectionInterface]] = defaultdict(list)

    @asynccontextmanager
    async def one(self, origin: Origin, *, kept: bool) -> AsyncIterator[AsyncConnectionInterface]:
        """A connection that nobody else uses meanwhile.

        Args:
            origin: where it goes.
            kept: whether it may have carried other requests before, and waits for further ones unless it was closed.

        Raises:
            PoolTimeout: too many are in use.
            UnsupportedProtocol: the origin is neither https nor http.
            EnvironmentFaultError: as it says.
        """
        with anyio.move_on_after(self._patience) as patience:
            await self._turns.acquire()
        if patience.cancelled_caught:
            raise PoolTimeout
        try:
            waiting = self._waiting[origin.scheme, origin.host, origin.port]
            connection = await self._newest(waiting) if kept else None
            connection = connection or self._connect(origin)
            try:
                yield connection
            finally:
                await self._sweep()
                if kept and connection.is_available() and not _has_more(connection, origin):
                    waiting.append(connection)
                else:
                    await _close(connection)
        finally:
            self._turns.release()

    async def _newest(self, waiting: list[AsyncConnectionInterface]) -> AsyncConnectionInterface | None:
        while waiting:
            connection = waiting.pop()
            if not connection.has_expired():
                return connection
            await _close(connection)
        return None

    async def _sweep(self) -> None:
        """Close those that have waited too long: of each origin the first are the oldest."""
        for waiting in [*self._waiting.values()]:
            while waiting and waiting[0].has_expired():
                await _close(waiting.pop(0))

    async def close(self) -> None:
        """Close those that wait."""
        for waiting in self._waiting.values():
            while waiting:
                await _close(waiting.pop())


def _has_more(connection: AsyncConnectionInterface, origin: Origin) -> bool:
    """Whether more came than an answer: on a connection that is kept it would be taken for the next one, or end it.

    What lies unread in the socket shows when the connection has expired; this is what was read already. Where it can't
    be told, it is taken to be so.
    """
    inner = getattr(connection, "_connection", None)  # httpcore2 shows neither; tests on sockets tell if they move
    state, stream = getattr(inner, "_h11_state", None), getattr(inner, "_network_stream", None)
    if state is None or stream is None:
        return True
    if origin.scheme != b"https" or state.trailing_data[0]:
        return bool(state.trailing_data[0])
    try:
        stream.get_extra_info("ssl_object").read(1)
    except ssl.SSLError as error:
        return not isinstance(error, ssl.SSLWantReadError)  # it has nothing, and would have to ask the socket
    return True


async def _close(connection: AsyncConnectionInterface) -> None:
    with anyio.CancelScope(shield=True):  # it says goodbye to nobody, and so takes no time
        await connection.aclose()


def dialler() -> Connect:
    """Makes connections: with TLS by the proxy that the environment names, without it past any proxy.

    Plain http is for this machine alone, as the settings see to.
    """

    @functools.cache
    def maker(scheme: bytes, host: bytes, port: int) -> AsyncConnectionPool:
        if scheme == b"http":
            return AsyncConnectionPool(keepalive_expiry=WAITING)
        if scheme == b"https":
            return AsyncConnectionPool(ssl_context=tls(), proxy=_proxy(host.decode(), port), keepalive_expiry=WAITING)
        raise UnsupportedProtocol

    def connect(origin: Origin) -> AsyncConnectionInterface:
        try:
            return maker(origin.scheme, origin.host, origin.port).create_connection(origin)
        except OSError:
            raise EnvironmentFaultError(
                "the certificates that this machine's environment names can't be read"
            ) from None
        except (ImportError, ValueError, httpx2.InvalidURL):  # as for SOCKS without its package
            raise EnvironmentFaultError("the proxy that this machine's environment names can't be used") from None

    return connect


def _proxy(host: str, port: int) -> Proxy | None:
    named = getproxies()
    address = named.get("https") or named.get("all")
    excepted = [entry.strip() for entry in named.get("no", "").split(",") if entry.strip()]
    if not address or any(_means(entry, host, port) for entry in excepted):
        return None
    proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
    if (proxy.url.port or 0) >= 2**16:
        raise ValueError(f"there is no port {proxy.url.port}")
    url = URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path)
    return Proxy(url, auth=proxy.raw_auth)


def _means(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means a host, as httpx2 reads it.

    It is an address, a network, a name with all under it, or (.name, *.name) only what is under it; * is every host. A
    port or a scheme before it narrows it.
    """
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of them is a name
        pass
    try:
        parts = urlsplit(entry if "://" in entry else f"//{entry}")
        fits = parts.scheme in {"", "https", "all"} and parts.port in {None, port}
    except ValueError:
        return False
    name = (parts.hostname or "").removeprefix("*")
    return fits and (name in {"", host} or host.endswith(f".{name.removeprefix('.')}"))
