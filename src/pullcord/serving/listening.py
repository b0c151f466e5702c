"""The socket that an ASGI application is served on, by uvicorn, and the connections to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import anyio
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from pullcord.model.errors import SettingsError
from pullcord.serving.front import Front

IDLE_SECONDS = 60
"""Seconds that a connection may stay without a request; at most twice as many, if it dribbles one."""
SPARE = 64
"""Connections that may be open besides two for each call: idle ones, and probes."""
CUT_OFF = 2.0
"""Seconds that cutting the others off may take."""


class _Connection(H11Protocol):
    """Uvicorn's, but no connection stays open for long without a request: not even one that dribbles its headers."""

    _watching: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watching.cancel()
        super().connection_lost(exc)

    def _watch(self, before: RequestResponseCycle | None) -> None:
        self._watching = self.loop.call_later(self.timeout_keep_alive, self._look, before)

    def _look(self, before: RequestResponseCycle | None) -> None:
        if self.transport.is_closing():
            self.transport.abort()  # its client doesn't take what it was sent
            return
        over = before is None or before.response_complete
        if over and self.cycle is before:
            self.transport.close()
        self._watch(self.cycle)


@asynccontextmanager
async def listening(app: ASGIApp, front: Front, *, idle: int = IDLE_SECONDS) -> AsyncIterator[str]:
    """Serve an application for as long as the block runs; what is under way at its end is cut off.

    Args:
        app: what to serve.
        front: where, and with which certificate.
        idle: seconds that a connection may stay without a request.

    Yields:
        Where MCP is served.

    Raises:
        SettingsError: the certificate can't be used, or it can't listen there.
    """
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=bool(front.trusted_proxies),
        forwarded_allow_ips=list(front.trusted_proxies),
        limit_concurrency=2 * (front.max_calls + front.max_queue) + SPARE,
        timeout_keep_alive=idle,
        timeout_graceful_shutdown=1,
        ssl_certfile=front.certificate,
        ssl_keyfile=front.private_key,
    )
    try:
        config.load()
    except OSError as error:  # ssl's errors are such, too
        files = f"--tls-cert {front.certificate}, --tls-key {front.private_key}"
        raise SettingsError([f"{files}: can't be used: {error.strerror or error}"]) from None
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with _listener(front) as listener:
        # Not server.serve(): it takes over the process's signals, and dies by them.
        await server.startup(sockets=[listener])
        try:
            yield replace(front, port=listener.getsockname()[1]).url
        finally:
            with anyio.move_on_after(CUT_OFF, shield=True):
                await server.shutdown(sockets=[listener])


def _listener(front: Front) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(front.host, front.port, type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(cast("tuple[str, int]", address[:2]), family=family).detach()
    except OSError as error:
        raise SettingsError([f"--host {front.host} --port {front.port}: {error.strerror}"]) from None
    # asyncio switches Nagle's algorithm off only where a socket names its protocol. On, it costs 40 ms each.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=bound)
