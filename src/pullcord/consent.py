"""Asking a person before a cancel, by MCP's elicitation, in both protocol eras.

Handshake connections are asked while the call waits; since 2026-07-28 the question is the call's answer, and the client
makes the same call again with what the person said.
"""

from typing import Any

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity

from pullcord.actions import Call
from pullcord.operation import Arguments, Outcome
from pullcord.result import Envelope, withheld

MODERN = "2026-07-28"
"""The first revision in which a question is an answer."""

_NAME = "consent"
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"cancel": {"type": "boolean", "title": "Cancel it", "description": "Whether to send the cancel."}},
    "required": ["cancel"],
}


def boundary() -> RequestStateBoundary:
    """What binds a person's answer to the very call that was asked about."""
    return RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience="pullcord")


def question(call: Call) -> str:
    """What a person is asked."""
    arguments: Arguments = call.arguments
    what = ", ".join(f"{name} {value}" for name, value in arguments.items())
    return f"{call.operation.title}? {what}"


async def ask(
    ctx: ServerRequestContext[Any], params: types.CallToolRequestParams, call: Call
) -> types.InputRequiredResult | Envelope | None:
    """Ask a person about a cancel.

    Returns:
        None if the person agreed; the question, if it must go out as the call's answer; or why nothing is sent.
    """
    capabilities = ctx.session.client_capabilities
    able = capabilities.elicitation if capabilities else None
    if able is None or (able.form is None and able.url is not None):
        return _unable(call)
    if ctx.protocol_version < MODERN:
        try:
            said = await ctx.session.elicit_form(question(call), _FORM, related_request_id=ctx.request_id)
        except MCPError:
            return _unable(call)
    elif params.request_state is None:
        form = types.ElicitRequestFormParams(message=question(call), requested_schema=_FORM)
        return types.InputRequiredResult(
            request_state="asked", input_requests={_NAME: types.ElicitRequest(params=form)}
        )
    else:
        given = (params.input_responses or {}).get(_NAME)
        if not isinstance(given, types.ElicitResult):
            return _unable(call)
        said = given
    if said.action == "accept" and said.content and said.content.get("cancel") is True:
        return None
    message = "Nothing was sent: the person who was asked did not agree to this cancel."
    return withheld(call, Outcome.REFUSED, message, [])


def _unable(call: Call) -> Envelope:
    message = "Nothing was sent: this server asks a person before each cancel, and this client can't ask one."
    hint = "Use a client that supports elicitation (forms), or start pullcord without --confirm."
    return withheld(call, Outcome.DENIED, message, [{"rel": "authorize", "hint": hint}])
