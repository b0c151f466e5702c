"""Connections of callers: how many are open at once, how long each may say nothing, and which one gives way."""

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
"""Descriptors that are left for files, pipes, probes and an issuer."""
LEAST = 16
"""Connections without which serving makes no sense."""
LINGER = 1.0
"""Seconds in which a client may take what it was sent before its connection is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What connections may take up."""

    total: int
    """Connections that may be open at once, TLS handshakes included."""
    share: int
    """Those of them that may come from one address."""
    first: float = 5.0
    """Seconds in which a connection's first request must be here, the TLS handshake included."""
    idle: float = 60.0
    """Seconds from an answer to the next request."""


def bounds(max_calls: int, max_queue: int) -> Bounds:
    """The bounds that so many requests need, and that fit this process's limit of open files.

    Args:
        max_calls: requests that are handled at once; each may have a connection to a platform, too.
        max_queue: further requests that wait.

    Raises:
        SettingsError: the process may open too few files to serve anybody.
    """
    total = 2 * (max_calls + max_queue) + SPARE
    limit = open_files()
    if limit is not None:
        left = limit - RESERVE
        total = min(total, max(left - max_calls, left // 2))
        if total < LEAST:
            least = RESERVE + 2 * LEAST
            raise SettingsError([f"this process may open {limit} files only; let it open {least} or more (ulimit -n)"])
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
    """Uvicorn's protocol, and whose turn it is: the client's, or ours.

    Args:
        peer: whose it is.
        within: how long it may say nothing.
        config: uvicorn's.
        state: uvicorn's.
        app_state: the application's, as its lifespan left it.
    """

    def __init__(
        self, peer: str, within: Bounds, config: Config, state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config=config, server_state=state, app_state=app_state)
        self.peer = peer
        self.quiet_since = anyio.current_time()
        self.served = False
        self.dropped = False
        self.ended = anyio.Event()
        self.life = anyio.CancelScope(deadline=self.quiet_since + within.first)
        self._idle = within.idle

    @property
    def _request(self) -> RequestResponseCycle | None:
        """The newest; None before the first."""
        return self.cycle

    @property
    def quiet(self) -> bool:
        """Whether it is the client's turn: no request is here, or not all of one."""
        request = self._request
        return request is None or request.response_complete or request.more_body

    def drop(self) -> None:
        """End it at once."""
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

    Where one would be too many, of all or of its address, the quietest of those gives way: one that never brought a
    request before one that did, and the oldest first. Where all are at work, the new one is closed.

    Args:
        bounds: what they may take up.
        many: networks whose addresses stand for many clients each: they have no share.
        config: uvicorn's.
        state: uvicorn's.
        app_state: the application's, as its lifespan left it.
    """

    def __init__(
        self, bounds: Bounds, many: Sequence[str], config: Config, state: ServerState, app_state: dict[str, Any]
    ) -> None:
        self._bounds = bounds
        self._many = [ipaddress.ip_network(each) for each in many]
        self._uvicorn = (config, state, app_state)
        self._tls: SSLContext | None = config.ssl
        self._open: set[_Connection] = set()

    async def serve(self, accepted: socket.socket, address: str) -> None:
        """Serve an accepted connection to its end.

        Args:
            accepted: its socket, non-blocking.
            address: the other side's.
        """
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        peer = _one_side(ip)
        many = any(ip in network for network in self._many)
        if not self._has_room(peer, self._bounds.total if many else self._bounds.share):
            accepted.close()
            return
        connection = _Connection(peer, self._bounds, *self._uvicorn)
        self._open.add(connection)
        try:
            await self._converse(accepted, connection)
        finally:
            self._open.discard(connection)

    async def _converse(self, accepted: socket.socket, connection: _Connection) -> None:
        transport: asyncio.Transport | None = None
        try:
            with connection.life:
                transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: connection, accepted, ssl=self._tls
                )
                await connection.ended.wait()
            if transport and not connection.dropped:
                transport.close()
                with anyio.move_on_after(LINGER):
                    await connection.ended.wait()
        except OSError:
            pass  # no TLS came of it
        finally:
            if transport and (
                connection.dropped or connection.quiet
            ):  # else somebody is still told why a call was cut off
                transport.abort()

    def _has_room(self, peer: str, share: int) -> bool:
        """Whether there is room for one more; makes it where it can."""
        theirs = [each for each in self._open if each.peer == peer]
        if len(theirs) < share and len(self._open) < self._bounds.total:
            return True
        crowd = theirs if len(theirs) >= share else self._open
        quiet = [each for each in crowd if each.quiet and not each.dropped]
        if quiet:
            min(quiet, key=lambda each: (each.served, each.quiet_since)).drop()
        return bool(quiet)


def _one_side(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Whom an address stands for: itself; in IPv6 its network of 64 bits, since one machine may have all of those."""
    return str(ipaddress.ip_network((ip, 64), strict=False) if ip.version == 6 else ip)  # noqa: PLR2004 - IPv6
