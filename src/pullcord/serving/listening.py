"""Serves ASGI applications on sockets: connections are accepted here, within bounds; uvicorn speaks HTTP on them."""

import asyncio
import logging
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import anyio
import anyio.abc
import anyio.lowlevel
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from pullcord.model.errors import SettingsError
from pullcord.serving.connections import Bounds, Connections, bounds
from pullcord.serving.front import Front

SHUTDOWN_SECONDS = 2.0
"""Seconds for ending the requests that are still under way."""
BACKLOG = 2048
"""Connections that the system holds until they are accepted; the system may allow fewer."""
BATCH = 4
"""New connections for each turn of the requests under way. With one, a cancel of a new caller waits as many turns as
callers came before it: seconds, where each turn is long. With many, a flood is let in faster than it is dropped."""
RETRY_SECONDS = 0.1
"""Seconds to wait after a connection could not be accepted."""
REPORT_SECONDS = 60.0
"""Seconds between two lines of the log that connections can't be accepted."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def listening(app: ASGIApp, front: Front, limits: Bounds | None = None) -> AsyncIterator[str]:
    """Serve an application for as long as the block runs; requests under way at its end are cut off.

    Args:
        app: the application.
        front: where to listen, with which certificate, and behind which proxies.
        limits: on connections; None: those that fit the front's number of calls.

    Yields:
        The origin under which it is reached: scheme, host and port.

    Raises:
        SettingsError: the certificate can't be used, it can't listen there, or this process may open too few files.
    """
    limits = limits or bounds(front.max_calls, front.max_queue)
    config = uvicorn.Config(
        app,
        http=H11Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=bool(front.trusted_proxies),
        forwarded_allow_ips=list(front.trusted_proxies),
        timeout_graceful_shutdown=1,
        timeout_keep_alive=math.ceil(limits.idle) + 1,  # the bounds on connections end them first
        workers=1,  # given, uvicorn reads no variable of the process for it
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
        # Not server.serve(): it handles the process's signals, and ends by them. And uvicorn doesn't get the socket:
        # asyncio counts no handshakes, and logs a line for each connection of its backlog when it can't accept.
        await server.startup(sockets=[])
        connections = Connections(limits, front.trusted_proxies, config, server.server_state, server.lifespan.state)
        async with anyio.create_task_group() as conversations:
            try:
                async with anyio.create_task_group() as accepting:
                    accepting.start_soon(_accept, listener, connections, conversations)
                    try:
                        yield replace(front, port=listener.getsockname()[1]).origin
                    finally:
                        accepting.cancel_scope.cancel()
            finally:
                listener.close()
                with anyio.move_on_after(SHUTDOWN_SECONDS, shield=True):
                    await server.shutdown()
                conversations.cancel_scope.cancel()


async def _accept(listener: socket.socket, connections: Connections, conversations: anyio.abc.TaskGroup) -> None:
    """Accept connections, each served by a task of its own."""
    loop = asyncio.get_running_loop()
    last_report = -REPORT_SECONDS
    while True:
        for _ in range(BATCH):
            try:
                client, address = await loop.sock_accept(listener)
            except OSError as error:
                if loop.time() - last_report >= REPORT_SECONDS:
                    last_report = loop.time()
                    _log.error("no connection can be accepted: %s", error.strerror)
                await anyio.sleep(RETRY_SECONDS)
            else:
                conversations.start_soon(connections.serve, client, address[0])
        await anyio.lowlevel.checkpoint()  # with many new connections those that are open go on, too


def _listener(front: Front) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(front.host, front.port, type=socket.SOCK_STREAM)[0]
        descriptor = socket.create_server(cast("tuple[str, int]", address[:2]), family=family, backlog=BACKLOG).detach()
    except OSError as error:
        raise SettingsError([f"--host {front.host} --port {front.port}: {error.strerror}"]) from None
    # asyncio switches Nagle's algorithm off only where a socket names its protocol. On, it costs 40 ms each.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=descriptor)
    listener.settimeout(0)
    return listener
