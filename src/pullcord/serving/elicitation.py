"""Asking a person before a cancel, by MCP's elicitation, in both protocol eras.

Handshake connections are asked while the call waits; since 2026-07-28 the question is the call's answer, and the client
makes the same call again with what the person said.
"""

import secrets
from collections import deque
from typing import Any

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from pydantic import SecretStr

from pullcord.flow.actions import Call
from pullcord.flow.render import Envelope, withheld
from pullcord.model import sanitize
from pullcord.model.outcome import Outcome

MODERN = "2026-07-28"
"""The first revision in which a question is an answer."""

_NAME = "consent"
_REMEMBERED = 10_000
"""Answers that are known again; more than there can be people to give them while an answer is valid."""
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"cancel": {"type": "boolean", "title": "Cancel it", "description": "Whether to send the cancel."}},
    "required": ["cancel"],
}


class Person:
    """Whoever sits behind the client.

    Args:
        key: shared by all servers that may hear the answer; None: this process asks and is answered alone.
    """

    def __init__(self, key: SecretStr | None) -> None:
        security = RequestStateSecurity(keys=[key.get_secret_value()]) if key else RequestStateSecurity.ephemeral()
        self.boundary = RequestStateBoundary(security, default_audience="pullcord")
        """Binds an answer to the very call that was asked about."""
        self._heard: deque[str] = deque(maxlen=_REMEMBERED)

    async def ask(
        self, ctx: ServerRequestContext[Any], params: types.CallToolRequestParams, call: Call
    ) -> types.InputRequiredResult | Envelope | None:
        """Ask about a cancel.

        Returns:
            None if the person agreed; the question, if it must go out as the call's answer; or why nothing is sent.
        """
        capabilities = ctx.session.client_capabilities
        able = capabilities.elicitation if capabilities else None
        if able is None or (able.form is None and able.url is not None):
            return _unable(call)
        if ctx.protocol_version < MODERN:
            try:
                said = await ctx.session.elicit_form(_question(call), _FORM, related_request_id=ctx.request_id)
            except MCPError:
                return _unable(call)
        elif params.request_state is None or params.request_state in self._heard:
            form = types.ElicitRequestFormParams(message=_question(call), requested_schema=_FORM)
            return types.InputRequiredResult(
                request_state=secrets.token_hex(8), input_requests={_NAME: types.ElicitRequest(params=form)}
            )
        else:
            given = (params.input_responses or {}).get(_NAME)
            if not isinstance(given, types.ElicitResult):
                return _unable(call)
            # Heard once: the same call made again is another cancel, of which the person knows nothing.
            self._heard.append(params.request_state)
            said = given
        if said.action == "accept" and said.content and said.content.get("cancel") is True:
            return None
        message = "Nothing was sent: the person who was asked did not agree to this cancel."
        return withheld(call, Outcome.REFUSED, message, [])


def _question(call: Call) -> str:
    what = ", ".join(f"{name} {sanitize.text(str(value))}" for name, value in call.arguments.items())
    return f"{call.operation.title}? {what}"


def _unable(call: Call) -> Envelope:
    message = "Nothing was sent: this server asks a person before each cancel, and this client can't ask one."
    hint = (
        "Use a client that supports elicitation (forms; over HTTP, by MCP 2026-07-28 or later), or start pullcord"
        " without --confirm."
    )
    return withheld(call, Outcome.DENIED, message, [{"rel": "authorize", "hint": hint}])
