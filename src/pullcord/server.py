"""The MCP server: its handlers call the flow, nothing more."""

import difflib
import logging
from typing import Any

from mcp import MCPError, types
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from pullcord import __version__, call, clean, consent, result
from pullcord.actions import Call
from pullcord.call import Caller, Desk
from pullcord.scope import Scope
from pullcord.tools import tool

_log = logging.getLogger(__name__)

INSTRUCTIONS = (
    "pullcord asks agent platforms to stop work, and says what came of it. outcome stopping means that the work may"
    " still run; only work_stopped yes means that it has ended. Each result lists its next steps in allowed_actions:"
    " one with tool and arguments is a complete call of that tool."
)
SANDBOX = " This server runs on its embedded sandbox: the platforms and their work are made up."


def make(scope: Scope, desk: Desk, *, sandbox: bool = False, confirm: bool = False) -> Server[Any]:
    """The server for a scope.

    Args:
        scope: what may be called.
        desk: what calls go through.
        sandbox: whether the platforms are pullcord's own sandbox; agents are told.
        confirm: whether a person is asked before each cancel.
    """
    tools = [tool(operation) for operation in scope.tools.values()]

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(
        ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        operation = scope.tools.get(params.name)
        if operation is None:
            raise MCPError(code=types.INVALID_PARAMS, message=_unknown(params.name, scope))
        asked = Call(scope, operation, params.arguments or {})
        try:
            answer = call.refuse(asked)
            if answer is None and confirm and operation.cancel:
                consented = await consent.ask(ctx, params, asked)
                if isinstance(consented, types.InputRequiredResult):
                    return consented
                answer = consented
            answer = answer or await call.run(asked, desk, Caller(_name(ctx), ctx.session.report_progress))
        except Exception:  # noqa: BLE001 - whatever fails in pullcord, the agent gets an answer, and no trace of it
            _log.exception("%s failed", operation.id)
            answer = result.crashed(asked)
        return result.to_mcp(answer)

    hint = CacheHint(ttl_ms=300_000, scope="public")
    server = Server(
        "pullcord",
        title="pullcord",
        version=__version__,
        instructions=INSTRUCTIONS + (SANDBOX if sandbox else ""),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        cache_hints={"tools/list": hint, "server/discover": hint},
    )
    if confirm:
        server.middleware.append(consent.boundary())
    return server


def _name(ctx: ServerRequestContext[Any]) -> str:
    """What the client calls itself."""
    client = ctx.session.client_params
    return clean.text(f"{client.client_info.name} {client.client_info.version}", 100) if client else ""


def _unknown(name: str, scope: Scope) -> str:
    operation = scope.catalogue.get(name)
    missing = scope.settings_of(operation).missing if operation else ()
    if missing:
        return f"{name} is a tool once {' and '.join(missing)} is set where pullcord is started."
    near = difflib.get_close_matches(name, scope.tools, n=1)
    return f"There is no tool of this name. {f'Did you mean {near[0]}?' if near else 'tools/list names all.'}"
