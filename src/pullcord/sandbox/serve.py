"""The sandbox behind a real socket."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import uvicorn

from pullcord.sandbox.app import Sandbox


@asynccontextmanager
async def running(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve a sandbox over HTTP for as long as the block runs.

    Args:
        sandbox: what to serve.
        host: the address to listen on.
        port: the port; 0 takes a free one.

    Yields:
        The base URL, which answers from the first line of the block on.
    """
    config = uvicorn.Config(
        sandbox.app,
        access_log=False,
        date_header=False,
        forwarded_allow_ips=[],  # given, as the number of workers is, uvicorn reads no variable of the process for it
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        workers=1,
        ws="none",
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # asyncio switches Nagle's algorithm off only where a socket names its protocol. On, it costs 40 ms each.
    descriptor = socket.create_server((host, port)).detach()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=descriptor) as listener:
        # Not server.serve(): that one takes over the process's signals, and notices its end only by polling.
        await server.startup(sockets=[listener])
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            with anyio.CancelScope(shield=True):
                await server.shutdown(sockets=[listener])
