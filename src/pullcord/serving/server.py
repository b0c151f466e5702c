"""The MCP server: its handlers call the flow, nothing more."""

import difflib
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from mcp import MCPError, types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from pullcord import __version__
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import crash, run
from pullcord.flow.step import Caller, Engine
from pullcord.model import sanitize
from pullcord.serving.elicitation import Elicitation, ElicitedPerson
from pullcord.serving.tools import tool, tool_result

_log = logging.getLogger(__name__)

INSTRUCTIONS = (
    "pullcord asks agent platforms to stop work, and says what came of it. outcome stopping means that the work may"
    " still run; only work_stopped yes means that it has ended. Each result lists its next steps in allowed_actions:"
    " one with tool and arguments is a complete call of that tool."
)
SANDBOX = " This server runs on its embedded sandbox: the platforms and their work are made up."


View: TypeAlias = Callable[[Any], Surface]
"""What the sender of an HTTP request may call, and with which settings."""


def make(
    surface: Surface,
    engine: Engine,
    *,
    sandbox: bool = False,
    elicitation: Elicitation | None = None,
    view: View | None = None,
) -> Server[Any]:
    """The server for a surface.

    Args:
        surface: what may be called.
        engine: what calls go through.
        sandbox: whether the platforms are pullcord's own sandbox; agents are told.
        elicitation: how a person is asked before each cancel; None: nobody is.
        view: narrows the surface for each HTTP request; None: it is the same for every caller.
    """
    tools = {name: tool(operation) for name, operation in surface.tools.items()}

    def surface_of(ctx: ServerRequestContext[Any]) -> Surface:
        return view(ctx.request) if view else surface

    async def list_tools(
        ctx: ServerRequestContext[Any], _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tools[name] for name in surface_of(ctx).tools])

    async def call_tool(
        ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        own = surface_of(ctx)
        operation = own.tools.get(params.name)
        if operation is None:
            raise MCPError(code=types.INVALID_PARAMS, message=_unknown(params.name, own, surface))
        call = Call(own, operation, params.arguments or {})
        person = ElicitedPerson(elicitation, ctx, params) if elicitation else None
        try:
            answer = await run(call, engine, Caller(_name(ctx), ctx.session.report_progress, person))
        except Exception:  # noqa: BLE001 - whatever fails in pullcord, the agent gets an answer, and no trace of it
            _log.exception("%s failed", operation.id)
            answer = crash(call)
        return person.question if person and person.question else tool_result(answer)

    server = Server(
        "pullcord",
        title="pullcord",
        version=__version__,
        instructions=INSTRUCTIONS + (SANDBOX if sandbox else ""),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        # Without it the SDK lists all tools before each call over HTTP.
        get_tool_input_schema=lambda name: tools[name].input_schema if name in tools else None,
        cache_hints={
            "tools/list": CacheHint(ttl_ms=300_000, scope="private" if view else "public"),
            "server/discover": CacheHint(ttl_ms=300_000, scope="public"),
        },
    )
    if elicitation:
        server.middleware.append(elicitation.boundary)
    return server


def _name(ctx: ServerRequestContext[Any]) -> str:
    """Who the token says that it is, and what the client calls itself."""
    token = get_access_token()
    client = ctx.session.client_params
    names = [
        *([token.subject or token.client_id] if token else []),
        *([f"{client.client_info.name} {client.client_info.version}"] if client else []),
    ]
    return sanitize.text(", ".join(names), 100)


def _unknown(name: str, own: Surface, surface: Surface) -> str:
    if name in surface.tools:
        return f"{name} needs a scope that this token doesn't have. tools/list names the tools that it may call."
    operation = surface.catalogue.get(name)
    settings = surface.settings_of(operation) if operation else None
    if settings and settings.obstacle:
        return f"{name} is no tool yet, since {settings.obstacle}. {settings.remedy}"
    near = difflib.get_close_matches(name, own.tools, n=1)
    return f"There is no tool of this name. {f'Did you mean {near[0]}?' if near else 'tools/list names all.'}"
