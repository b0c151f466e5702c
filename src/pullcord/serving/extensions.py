"""Announces the extensions of MCP that a server offers, in both protocol eras."""

from collections.abc import Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server


def announce(server: Server[Any], extensions: Mapping[str, Mapping[str, Any]]) -> None:
    """Name extensions among a server's capabilities.

    Args:
        server: names them from then on.
        extensions: the settings of each, by its identifier.
    """
    capabilities = {name: dict(settings) for name, settings in extensions.items()}
    server.extensions |= capabilities

    async def restore(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        # mcp 2.3 drops them from the answers to initialize, since revisions before 2026-07-28 don't know the member;
        # hosts read it there all the same (modelcontextprotocol/modelcontextprotocol#3364).
        if ctx.method == "initialize" and isinstance(result, dict):
            result["capabilities"]["extensions"] = capabilities
        return result

    if capabilities:
        server.middleware.append(restore)
