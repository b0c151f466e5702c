"""Asks a person before a cancel, by MCP's elicitation, in both protocol eras.

On connections with a handshake the call waits for the person; since revision 2026-07-28 the question is the answer to
the call, and the client makes the same call again with the person's answer.
"""

import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import anyio
from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from pydantic import SecretStr

from pullcord.config.environment import own_value
from pullcord.flow.consent import Consent, Question
from pullcord.flow.used_consents import SECONDS, Consents, UsedConsents
from pullcord.model.errors import SettingsError, SharedStateError

STATE_KEY = "PULLCORD_STATE_KEY"
"""The variable of the key that replicas share, so that each can read the answer to a question that another asked."""
STATE_KEY_LENGTH = 32

MODERN = "2026-07-28"
"""The first revision in which the question is the answer to the call."""

_NAME = "consent"
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"cancel": {"type": "boolean", "title": "Cancel it", "description": "Whether to send the cancel."}},
    "required": ["cancel"],
}


class Elicitation:
    """How a server asks the people behind its clients.

    Args:
        key: shared by all replicas, any of which may get the answer; None: there is no other replica.
        now: the time in seconds since 1970, the same for all replicas.
        patience: seconds that a call waits for a person; for tests.
        consents: remembers which consents were used; None: this process does.
    """

    def __init__(
        self,
        key: SecretStr | None,
        now: Callable[[], float] = time.time,
        patience: float = SECONDS,
        consents: Consents | None = None,
    ) -> None:
        security = RequestStateSecurity(keys=[key.get_secret_value()]) if key else RequestStateSecurity.ephemeral()
        self.boundary = RequestStateBoundary(security, default_audience="pullcord")
        """Seals the question's state, so that an answer holds for the same call only, and the client can't read it."""
        self.now = now
        self.patience = patience
        self.consents = consents or UsedConsents()


def state_key(environ: Mapping[str, str]) -> SecretStr | None:
    """The key that replicas share; None: there is no other replica.

    Raises:
        SettingsError: it can't be read, or is too short.
    """
    text, source, fault = own_value(STATE_KEY, environ)
    if text and not fault and len(text) < STATE_KEY_LENGTH:
        fault = f"{source}: write {STATE_KEY_LENGTH} random characters or more, the same for every replica"
    if fault:
        raise SettingsError([fault])
    return SecretStr(text) if text else None


class ElicitedPerson:
    """The person behind the client of one call.

    Args:
        elicitation: how the server asks.
        ctx: of the call.
        params: of the call, with the person's answer where the call is made again.
    """

    def __init__(
        self, elicitation: Elicitation, ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> None:
        self._elicitation, self._ctx, self._params = elicitation, ctx, params
        self.question: types.InputRequiredResult | None = None
        """The question, which is the answer to the call where the consent is pending."""
        self._parts: Collection[str] = ()
        """The parts that the question named which the person has answered."""

    def agreed(self, part: str) -> bool:
        """Whether the question that the person agreed to named a part."""
        return part in self._parts

    async def ask(self, question: Question) -> Consent:
        """Ask about a cancel, or read the person's answer where the call was made again with it."""
        capabilities = self._ctx.session.client_capabilities
        capability = capabilities.elicitation if capabilities else None
        if capability is None or (capability.form is None and capability.url is not None):
            return Consent.UNASKED
        if self._ctx.protocol_version < MODERN:
            return await self._ask_now(question)
        return await self._read_reaction(question)

    async def _read_reaction(self, question: Question) -> Consent:
        """Read the answer to the question with which the last call was answered; there may be none yet."""
        state = self._params.request_state
        if state is None:
            return self._ask_by_answer(question)
        sealed = json.loads(state)
        try:
            is_late = self._elicitation.now() - sealed["at"] > SECONDS
            if is_late or not await self._elicitation.consents.use(sealed["id"]):
                return self._ask_by_answer(question)
        except SharedStateError:
            return Consent.UNVERIFIED
        self._parts = sealed.get("parts", ())  # an older replica seals none
        return self._consent(sealed["target"], question)

    def _consent(self, target: object, question: Question) -> Consent:
        reaction = (self._params.input_responses or {}).get(_NAME)
        if isinstance(reaction, types.ElicitResult) and _is_agreement(reaction):
            return Consent.GIVEN if target == question.target else Consent.CHANGED
        return Consent.DECLINED if isinstance(reaction, types.ElicitResult) else Consent.UNASKED

    async def _ask_now(self, question: Question) -> Consent:
        start = self._elicitation.now()
        self._parts = question.parts
        reaction = types.ElicitResult(action="cancel")
        try:
            with anyio.move_on_after(self._elicitation.patience):
                reaction = await self._ctx.session.elicit_form(
                    question.sentence, _FORM, related_request_id=self._ctx.request_id
                )
        except MCPError:
            return Consent.UNASKED
        # The target may have changed since: an answer that comes too late does not hold.
        is_in_time = self._elicitation.now() - start <= SECONDS
        return Consent.GIVEN_LATER if is_in_time and _is_agreement(reaction) else Consent.DECLINED

    def _ask_by_answer(self, question: Question) -> Consent:
        form = types.ElicitRequestFormParams(message=question.sentence, requested_schema=_FORM)
        state = {
            "id": secrets.token_hex(8),
            "at": self._elicitation.now(),
            "target": dict(question.target),
            "parts": question.parts,
        }
        self.question = types.InputRequiredResult(
            request_state=json.dumps(state), input_requests={_NAME: types.ElicitRequest(params=form)}
        )
        return Consent.PENDING


def _is_agreement(reaction: types.ElicitResult) -> bool:
    return reaction.action == "accept" and bool(reaction.content) and (reaction.content or {}).get("cancel") is True
