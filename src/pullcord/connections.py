"""Connections to the platforms, each for one request at a time.

They are httpcore2's, the engine of httpx2, without its pool: a pool hides on which connection an answer came, and looks
through all that it has twice for each request. Here the newest that waits is taken, and who used it says whether it is
kept.
"""

import functools
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

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
                if kept and connection.is_available():
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

    async def close(self) -> None:
        """Close those that wait."""
        for waiting in self._waiting.values():
            while waiting:
                await _close(waiting.pop())


async def _close(connection: AsyncConnectionInterface) -> None:
    with anyio.CancelScope(shield=True):  # it says goodbye to nobody, and so takes no time
        await connection.aclose()


def dialler() -> Connect:
    """Makes connections: with TLS by the proxy that the environment names, without it past any proxy.

    Plain http is for this machine alone, as the settings see to.
    """

    @functools.cache
    def maker(scheme: bytes, host: bytes) -> AsyncConnectionPool:
        if scheme == b"http":
            return AsyncConnectionPool(keepalive_expiry=WAITING)
        if scheme == b"https":
            return AsyncConnectionPool(ssl_context=tls(), proxy=_proxy(host.decode()), keepalive_expiry=WAITING)
        raise UnsupportedProtocol

    def connect(origin: Origin) -> AsyncConnectionInterface:
        try:
            return maker(origin.scheme, origin.host).create_connection(origin)
        except OSError:
            raise EnvironmentFaultError(
                "the certificates that this machine's environment names can't be read"
            ) from None
        except (ImportError, ValueError, httpx2.InvalidURL):  # as for SOCKS without its package
            raise EnvironmentFaultError("the proxy that this machine's environment names can't be used") from None

    return connect


def _proxy(host: str) -> Proxy | None:
    named = urllib.request.getproxies()
    address = named.get("https") or named.get("all")
    if not address or urllib.request.proxy_bypass(host):
        return None
    proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
    url = URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path)
    return Proxy(url, auth=proxy.raw_auth)
