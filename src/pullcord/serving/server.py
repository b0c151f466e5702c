"""The MCP server: its handlers call the flow, nothing more."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from mcp import MCPError, types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server

from pullcord import __version__
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.model.nearest import nearest
from pullcord.serving import panel as panels
from pullcord.serving import prompts, resources, skill
from pullcord.serving.extensions import announce
from pullcord.serving.identity import WEBSITE, icon
from pullcord.serving.instructions import instructions
from pullcord.serving.tools import tool

if TYPE_CHECKING:  # a start without --confirm needs no questions
    from pullcord.serving.elicitation import Elicitation

_PUBLIC: tuple[CacheableMethod, ...] = (
    "server/discover",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
)
"""The methods whose answers are the same for every caller."""

View: TypeAlias = Callable[[Any], Surface]
"""Returns what the sender of an HTTP request may call, and with which settings."""


def make(
    surface: Surface,
    engine: Engine,
    *,
    sandbox: bool = False,
    panel: bool = True,
    elicitation: "Elicitation | None" = None,
    view: View | None = None,
) -> Server[Any]:
    """The server for a surface.

    Args:
        surface: what may be called.
        engine: makes the calls.
        sandbox: whether the platforms are pullcord's own sandbox, which the instructions then say.
        panel: whether hosts that can are to show people the panel beside each answer.
        elicitation: how a person is asked before each cancel; None: no person is asked.
        view: narrows the surface for each HTTP request; None: it is the same for every caller.
    """
    meta = panels.TOOL_META if panel else None
    tools = {name: tool(operation, meta) for name, operation in surface.tools.items()}

    def surface_of(ctx: ServerRequestContext[Any]) -> Surface:
        return view(ctx.request) if view else surface

    async def list_tools(
        ctx: ServerRequestContext[Any], _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tools[name] for name in surface_of(ctx).tools])

    async def call_tool(ctx: ServerRequestContext[Any], params: types.CallToolRequestParams) -> HandlerResult:
        callable_surface = surface_of(ctx)
        operation = callable_surface.tools.get(params.name)
        if operation is None:
            raise MCPError(code=types.INVALID_PARAMS, message=_unknown(params.name, callable_surface, surface))
        # What only calls need is imported by the first one: a start answers tools/list without it.
        from pullcord.flow.attempt import Call  # noqa: PLC0415
        from pullcord.serving.calls import answer  # noqa: PLC0415

        return await answer(Call(callable_surface, operation, params.arguments or {}), engine, ctx, params, elicitation)

    server = Server(
        "pullcord",
        title="pullcord",
        version=__version__,
        instructions=instructions(surface, sandbox=sandbox),
        website_url=WEBSITE,
        icons=[icon()],
        on_list_tools=list_tools,
        # Without it the SDK lists all tools before each call over HTTP.
        get_tool_input_schema=lambda name: tools[name].input_schema if name in tools else None,
        cache_hints={
            "tools/list": CacheHint(ttl_ms=300_000, scope="private" if view else "public"),
            "resources/read": CacheHint(ttl_ms=300_000, scope="private" if view else "public"),
            **dict.fromkeys(_PUBLIC, CacheHint(ttl_ms=300_000, scope="public")),
        },
    )
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)
    # Whether the client can show it is never asked: some hosts that can don't say so.
    resources.offer(server, [*([panels.page(surface.tools)] if panel else []), skill.SKILL])
    skill.offer(server)
    prompts.offer(server)
    announce(server, {**({panels.EXTENSION: {}} if panel else {}), skill.EXTENSION: {}})
    if elicitation:
        server.middleware.append(elicitation.boundary)
    return server


def _unknown(name: str, callable_surface: Surface, surface: Surface) -> str:
    if name in surface.tools:
        return f"{name} needs a scope that this token doesn't have. tools/list names the tools that it may call."
    if obstacle := surface.obstacle(name):
        return obstacle
    match = nearest(name, callable_surface.tools)
    return f"There is no tool of this name. {f'Did you mean {match}?' if match else 'tools/list names all.'}"
