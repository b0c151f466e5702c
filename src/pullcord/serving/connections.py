"""Connections of callers: how many are open at once, how long each may be silent, and which one gives way."""

import asyncio
import ipaddress
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import anyio
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from pullcord.model.errors import SettingsError

SPARE = 64
"""Connections that may be open besides two for each request that is handled or waits: idle ones."""
RESERVE = 128
"""File descriptors that are left for files, pipes, probes and an issuer."""
LEAST = 16
"""The least number of connections with which the server starts."""
LINGER = 1.0
"""Seconds in which a client may read the end of an answer before its connection is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds on connections."""

    total: int
    """Connections that may be open at once, TLS handshakes included."""
    share: int
    """Connections that may be open from one address."""
    first: float = 5.0
    """Seconds in which a connection's first request must arrive, the TLS handshake included."""
    idle: float = 60.0
    """Seconds from an answer to the next request."""


def bounds(max_calls: int, max_queue: int) -> Bounds:
    """The bounds on connections for a number of requests, within this process's limit of open files.

    Args:
        max_calls: requests that are handled at once; each may have a connection to a platform, too.
        max_queue: further requests that wait.

    Raises:
        SettingsError: the process may open too few files for any service.
    """
    total = 2 * (max_calls + max_queue) + SPARE
    limit = open_files()
    if limit is not None:
        rest = limit - RESERVE
        total = min(total, max(rest - max_calls, rest // 2))
        if total < LEAST:
            minimum = RESERVE + 2 * LEAST
            raise SettingsError(
                [f"this process may open {limit} files only; let it open {minimum} or more (ulimit -n)"]
            )
    return Bounds(total=total, share=total // 2)


def open_files() -> int | None:
    """How many files, sockets included, this process may have open (RLIMIT_NOFILE); None: no limit is known."""
    try:
        import resource  # noqa: PLC0415 - not every platform has it
    except ImportError:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


class _Connection(H11Protocol):
    """Uvicorn's protocol, which also knows whose turn it is: the client's or the server's.

    Args:
        peer: the address or network of the client.
        limits: how long the client may be silent.
        config: uvicorn's.
        state: uvicorn's.
        app_state: the application's, as its lifespan left it.
    """

    def __init__(
        self, peer: str, limits: Bounds, config: Config, state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config=config, server_state=state, app_state=app_state)
        self.peer = peer
        self.quiet_since = anyio.current_time()
        self.served = False
        self.dropped = False
        self.ended = anyio.Event()
        self.life = anyio.CancelScope(deadline=self.quiet_since + limits.first)
        self._idle = limits.idle

    @property
    def _request(self) -> RequestResponseCycle | None:
        """The newest request; None before the first."""
        return self.cycle

    @property
    def quiet(self) -> bool:
        """Whether it is the client's turn: no request has arrived, or not all of one."""
        request = self._request
        return request is None or request.response_complete or request.more_body

    def drop(self) -> None:
        """End the connection at once."""
        self.dropped = True
        self.life.cancel()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        request = self._request
        if request is not None and not request.response_complete:
            self.life.deadline = math.inf  # from here on the application counts the time

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.served = True
        if self.cycle.response_complete:  # else the next request was here already
            self.quiet_since = anyio.current_time()
            self.life.deadline = self.quiet_since + self._idle

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended.set()


class Connections:
    """The connections that are open.

    Where a new one is too many, in all or from its address, a silent one gives way: first those without a request so
    far, then the one that is silent for the longest time. Where all are at work, the new one is closed.

    Args:
        bounds: on these connections.
        shared_networks: networks in which an address stands for many clients, so that it is not bounded by `share`.
        config: uvicorn's.
        state: uvicorn's.
        app_state: the application's, as its lifespan left it.
    """

    def __init__(
        self,
        bounds: Bounds,
        shared_networks: Sequence[str],
        config: Config,
        state: ServerState,
        app_state: dict[str, Any],
    ) -> None:
        self._bounds = bounds
        self._shared_networks = [ipaddress.ip_network(each) for each in shared_networks]
        self._uvicorn = (config, state, app_state)
        self._tls: SSLContext | None = config.ssl
        self._open: set[_Connection] = set()

    async def serve(self, client: socket.socket, address: str) -> None:
        """Serve an accepted connection to its end.

        Args:
            client: its socket, non-blocking.
            address: of the client.
        """
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        peer = _peer(ip)
        is_shared = any(ip in network for network in self._shared_networks)
        if not self._has_room(peer, self._bounds.total if is_shared else self._bounds.share):
            client.close()
            return
        connection = _Connection(peer, self._bounds, *self._uvicorn)
        self._open.add(connection)
        try:
            await self._converse(client, connection)
        finally:
            self._open.discard(connection)

    async def _converse(self, client: socket.socket, connection: _Connection) -> None:
        transport: asyncio.Transport | None = None
        try:
            with connection.life:
                transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: connection, client, ssl=self._tls
                )
                await connection.ended.wait()
            if transport and not connection.dropped:
                transport.close()
                with anyio.move_on_after(LINGER):
                    await connection.ended.wait()
        except OSError:
            pass  # the TLS handshake failed
        finally:
            # A client whose call was cut off still reads why.
            if transport and (connection.dropped or connection.quiet):
                transport.abort()

    def _has_room(self, peer: str, share: int) -> bool:
        """Whether there is room for one more connection, if need be by dropping a silent one."""
        siblings = [each for each in self._open if each.peer == peer]
        if len(siblings) < share and len(self._open) < self._bounds.total:
            return True
        crowd = siblings if len(siblings) >= share else self._open
        candidates = [each for each in crowd if each.quiet and not each.dropped]
        if candidates:
            min(candidates, key=lambda each: (each.served, each.quiet_since)).drop()
        return bool(candidates)


def _peer(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """What counts as one client: an address; in IPv6 a network of 64 bits, since one machine may have all of it."""
    return str(ipaddress.ip_network((ip, 64), strict=False) if ip.version == 6 else ip)  # noqa: PLR2004 - IPv6
