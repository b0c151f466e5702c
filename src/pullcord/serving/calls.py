"""Hands the tool call of an MCP client to the flow, and the flow's answer to the client."""

from collections.abc import Callable
from typing import Any

from mcp import types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import HandlerResult, ServerRequestContext
from pydantic_core import to_json

from pullcord.flow import call as flow_call
from pullcord.flow.attempt import Call
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.model import sanitize
from pullcord.model.answer import Answer
from pullcord.serving.admission import ON_WATCH
from pullcord.serving.elicitation import Elicitation, ElicitedPerson


async def answer(
    call: Call,
    engine: Engine,
    ctx: ServerRequestContext[Any],
    params: types.CallToolRequestParams,
    elicitation: Elicitation | None,
) -> HandlerResult:
    """Answer the tool call of a client.

    Args:
        call: the operation, and the arguments as the client sent them.
        engine: makes the call.
        ctx: of the request.
        params: of the request.
        elicitation: how a person is asked before a cancel; None: no person is asked.

    Returns:
        The tool's result; or a question to a person, with whose answer the client makes the call again.
    """
    person = ElicitedPerson(elicitation, ctx, params) if elicitation else None
    name = _name(ctx) if engine.journal else ""
    caller = Caller(name, ctx.session.report_progress, person, _on_watch(ctx))
    result = await flow_call.answer(call, engine, caller)
    return person.question if person and person.question else tool_result(result)


def _on_watch(ctx: ServerRequestContext[Any]) -> Callable[[], None] | None:
    """What to call when a call begins to watch work: its request gives its place back. None: there are no places."""
    on_watch: Callable[[], None] | None = ctx.request.scope[ON_WATCH] if ctx.request else None
    return on_watch


def _name(ctx: ServerRequestContext[Any]) -> str:
    """The caller's name for the journal: the one in its token, and the client's own."""
    token = get_access_token()
    client = ctx.session.client_params
    names = [
        *([token.subject or token.client_id] if token else []),
        *([f"{client.client_info.name} {client.client_info.version}"] if client else []),
    ]
    return sanitize.text(", ".join(names), 100)


def tool_result(answer: Answer) -> dict[str, Any]:
    """An answer as MCP carries it: the same JSON as text and as structure, since models see one or the other.

    It is a result as it stands on the wire, which the SDK checks: a record of the SDK would be made and unmade again.
    """
    value = answer.to_json()
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": to_json(value).decode()}],
        "structuredContent": value,
        "isError": answer.is_error,
    }
