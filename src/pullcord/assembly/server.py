"""The MCP server for a program in whose process it runs, and the streams by which MCP clients there speak to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Unpack

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.memory import MessageStream, create_client_server_memory_streams

from pullcord.assembly.closing import UnderWay
from pullcord.assembly.options import ServerOptions, check, opened
from pullcord.model.errors import ClosedError
from pullcord.serving.elicitation import Elicitation
from pullcord.serving.server import make

_CLOSED = -32000
"""The code of the error of a call that was cut off, from the range that JSON-RPC leaves to servers."""


@asynccontextmanager
async def server(**options: Unpack[ServerOptions]) -> AsyncIterator[Server[Any]]:
    """An MCP server, for clients and frameworks that take the SDK's own low-level server.

    At the end of the block calls that wait for work to end answer at once, and a cancel on the wire is finished. Later
    calls are refused.

    Args:
        options: which platforms, and how; see `ServerOptions`.

    Yields:
        The server. It may serve any number of clients.

    Raises:
        SettingsError: the settings can't be used; it holds every fault.
        TypeError: there is no such option.
    """
    check("server", options, ServerOptions)
    confirm = options.get("confirm", False)
    async with opened(options, confirm=confirm) as reach:
        under_way = UnderWay(reach.engine.gateway.ending)
        elicitation = Elicitation(None, consents=reach.engine.consents) if confirm else None
        mcp_server = make(
            reach.surface,
            reach.engine,
            sandbox=options.get("sandbox", False),
            panel=options.get("panel", True),
            elicitation=elicitation,
        )
        mcp_server.middleware.append(counting(under_way))
        try:
            yield mcp_server
        finally:
            await under_way.close()


def counting(under_way: UnderWay) -> ServerMiddleware[Any]:
    """Middleware of the SDK's server that counts its calls of tools among those that are under way."""

    async def handle(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call":  # all else is answered at once, and sends nothing
            return await call_next(ctx)
        try:
            with under_way.call():
                return await call_next(ctx)
        except ClosedError as error:
            raise MCPError(code=_CLOSED, message=str(error)) from None

    return handle


@asynccontextmanager
async def streams(server: Server[Any]) -> AsyncIterator[MessageStream]:
    """Run a server in this process, for one client that takes a pair of streams, such as the SDK's ClientSession.

    Args:
        server: of `server`.

    Yields:
        What the client reads, and what it writes to.
    """
    async with (
        create_client_server_memory_streams() as (client_streams, (read, write)),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(server.run, read, write, server.create_initialization_options())
        yield client_streams
        tasks.cancel_scope.cancel()
