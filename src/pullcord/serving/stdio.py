"""MCP over standard input and output, until the input ends or a signal arrives."""

import os
import sys
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from pullcord.serving.signals import at_signals
from pullcord.serving.stdio_lines import Answering
from pullcord.serving.stdio_pipes import available, pipes


async def stdio(server: Server[Any]) -> int:
    """Serve on standard input and output until the input ends, or a signal to end arrives.

    The first signal ends all calls that wait; a cancel that is under way to a platform is finished and recorded,
    whatever further signals arrive.

    Returns:
        The exit status: 0, or that of the signal.
    """
    run = anyio.CancelScope()
    async with at_signals(run.cancel) as status:
        has_pipes = available()
        async with pipes() if has_pipes else stdio_server() as (read, write):
            with run:
                await server.run(Answering(read, write), write, server.create_initialization_options())
            if run.cancelled_caught and not has_pipes:
                sys.stderr.flush()
                # A read of standard input blocks its thread until the client closes it: nothing but this ends it.
                os._exit(status())
    return status()
