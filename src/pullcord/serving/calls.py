"""A tool call of an MCP client, handed to the flow, and the flow's answer as MCP carries it."""

import logging
from typing import Any

from mcp import types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import ServerRequestContext
from pydantic_core import to_json

from pullcord.flow.attempt import Call
from pullcord.flow.call import crash, run
from pullcord.flow.engine import Engine
from pullcord.flow.step import Caller
from pullcord.model import sanitize
from pullcord.model.answer import Answer
from pullcord.serving.elicitation import Elicitation, ElicitedPerson

_log = logging.getLogger(__name__)


async def answer(
    call: Call,
    engine: Engine,
    ctx: ServerRequestContext[Any],
    params: types.CallToolRequestParams,
    elicitation: Elicitation | None,
) -> types.CallToolResult | types.InputRequiredResult:
    """Do what a client asks for.

    Args:
        call: the operation, and the arguments as the client gave them.
        engine: what it goes through.
        ctx: of the request.
        params: of the request.
        elicitation: how a person is asked before a cancel; None: nobody is.

    Returns:
        The tool's result; or a question to a person, with whose answer the client makes the call again.
    """
    person = ElicitedPerson(elicitation, ctx, params) if elicitation else None
    try:
        result = await run(call, engine, Caller(_name(ctx), ctx.session.report_progress, person))
    except Exception:  # noqa: BLE001 - whatever fails in pullcord, the agent gets an answer, and no trace of it
        _log.exception("%s failed", call.operation.id)
        result = crash(call)
    return person.question if person and person.question else tool_result(result)


def _name(ctx: ServerRequestContext[Any]) -> str:
    """Who the token says that it is, and what the client calls itself."""
    token = get_access_token()
    client = ctx.session.client_params
    names = [
        *([token.subject or token.client_id] if token else []),
        *([f"{client.client_info.name} {client.client_info.version}"] if client else []),
    ]
    return sanitize.text(", ".join(names), 100)


def tool_result(answer: Answer) -> types.CallToolResult:
    """The answer as MCP carries it: the same JSON in both halves, since clients differ in which a model sees."""
    value = answer.to_json()
    return types.CallToolResult(
        is_error=answer.is_error,
        structured_content=value,
        content=[types.TextContent(type="text", text=to_json(value).decode())],
    )
