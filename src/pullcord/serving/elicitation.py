"""Asking a person before a cancel, by MCP's elicitation, in both protocol eras.

Handshake connections are asked while the call waits; since 2026-07-28 the question is the call's answer, and the client
makes the same call again with what the person said.
"""

import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from pydantic import SecretStr

from pullcord.flow.consent import SECONDS, Consent, Question

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


class Elicitation:
    """How the people behind all clients of a server are asked.

    Args:
        key: shared by all servers that may hear the answer; None: this process asks and is answered alone.
        now: the time in seconds since 1970, which all those servers share.
    """

    def __init__(self, key: SecretStr | None, now: Callable[[], float] = time.time) -> None:
        security = RequestStateSecurity(keys=[key.get_secret_value()]) if key else RequestStateSecurity.ephemeral()
        self.boundary = RequestStateBoundary(security, default_audience="pullcord")
        """Binds an answer to the very call that was asked about, and hides what was asked from the client."""
        self.now = now
        self._heard: deque[str] = deque(maxlen=_REMEMBERED)

    def use(self, state: str) -> bool:
        """Whether a consent is used for the first time: made again, the same call is another cancel."""
        if state in self._heard:
            return False
        self._heard.append(state)
        return True


class ElicitedPerson:
    """The person behind the client of one call.

    Args:
        elicitation: how the server asks.
        ctx: of the call.
        params: of the call, with the person's answer where it comes again.
    """

    def __init__(
        self, elicitation: Elicitation, ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> None:
        self._elicitation, self._ctx, self._params = elicitation, ctx, params
        self.question: types.InputRequiredResult | None = None
        """What must go out as the call's answer, after a consent that is pending."""

    async def ask(self, question: Question) -> Consent:
        """Ask about a cancel, or hear what the person said to the question before."""
        capabilities = self._ctx.session.client_capabilities
        able = capabilities.elicitation if capabilities else None
        if able is None or (able.form is None and able.url is not None):
            return Consent.UNASKED
        if self._ctx.protocol_version < MODERN:
            return await self._ask_now(question)
        state = self._params.request_state
        if state is None:
            return self._ask_by_answer(question)
        asked = json.loads(state)
        if self._elicitation.now() - asked["at"] > SECONDS or not self._elicitation.use(asked["id"]):
            return self._ask_by_answer(question)
        return self._hear(asked["target"], question)

    def _hear(self, target: object, question: Question) -> Consent:
        reaction = (self._params.input_responses or {}).get(_NAME)
        if isinstance(reaction, types.ElicitResult) and _agrees(reaction):
            return Consent.GIVEN if target == question.target else Consent.CHANGED
        return Consent.DECLINED if isinstance(reaction, types.ElicitResult) else Consent.UNASKED

    async def _ask_now(self, question: Question) -> Consent:
        started = self._elicitation.now()
        try:
            reaction = await self._ctx.session.elicit_form(
                question.sentence, _FORM, related_request_id=self._ctx.request_id
            )
        except MCPError:
            return Consent.UNASKED
        # What a person says so late is about a target of long ago.
        in_time = self._elicitation.now() - started <= SECONDS
        return Consent.GIVEN_LATER if in_time and _agrees(reaction) else Consent.DECLINED

    def _ask_by_answer(self, question: Question) -> Consent:
        form = types.ElicitRequestFormParams(message=question.sentence, requested_schema=_FORM)
        state = {"id": secrets.token_hex(8), "at": self._elicitation.now(), "target": dict(question.target)}
        self.question = types.InputRequiredResult(
            request_state=json.dumps(state), input_requests={_NAME: types.ElicitRequest(params=form)}
        )
        return Consent.PENDING


def _agrees(reaction: types.ElicitResult) -> bool:
    return reaction.action == "accept" and bool(reaction.content) and (reaction.content or {}).get("cancel") is True
