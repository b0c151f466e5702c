"""MCP over standard input and output, until the input ends or a signal arrives."""

import os
import sys
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from pullcord.serving.signals import until_signal
from pullcord.serving.stdio_pipes import available, pipes


async def stdio(server: Server[Any]) -> int:
    """Serve on standard input and output until the input ends, or SIGTERM or SIGINT arrives.

    Returns:
        The exit status: 0, or 128 and the signal's number.
    """
    status = 0
    async with anyio.create_task_group() as tasks:
        serving = anyio.CancelScope()

        async def watch() -> None:
            nonlocal status
            status = await until_signal()
            serving.cancel()

        tasks.start_soon(watch)
        piped = available()
        async with pipes() if piped else stdio_server() as (read, write):
            with serving:
                await server.run(read, write, server.create_initialization_options())
            if serving.cancelled_caught and not piped:
                sys.stderr.flush()
                # A read of standard input blocks its thread until the client closes it: nothing but this ends it.
                os._exit(status)
        tasks.cancel_scope.cancel()
    return status
