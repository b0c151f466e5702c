"""A reply to its verdict, by the manifest's rules: the one place that says what an answer means. Pure.

The first rule of the status that fits the body decides. Where the manifest has none, an error of the platform's own
is judged by its status, by the table below. What is not in the platform's shape says nothing of the platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pullcord.model import sanitize
from pullcord.model.listing import items_of
from pullcord.model.operation import Operation
from pullcord.model.outcome import MEANINGS, Outcome, Phase, WorkStopped
from pullcord.model.pointer import Pointer, look_up
from pullcord.model.reply import Reply
from pullcord.model.rule import first
from pullcord.model.state import State
from pullcord.model.value import Json

WHOEVER_SAYS_IT: Mapping[int, Outcome] = {
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    407: Outcome.DENIED,
    429: Outcome.RATE_LIMITED,
}
"""What an error says even if somebody in between sent it: nobody forwards what he has refused (RFC 9110, 15.5)."""
BY_STATUS: Mapping[int, Outcome] = {
    **WHOEVER_SAYS_IT,
    400: Outcome.INVALID_ARGUMENTS,
    404: Outcome.NOT_FOUND,
    409: Outcome.REFUSED,
    410: Outcome.NOT_FOUND,
    422: Outcome.INVALID_ARGUMENTS,
    423: Outcome.REFUSED,
}
"""What an error of the platform says by its status alone (RFC 9110, 15; RFC 6585; RFC 4918). Any other: unknown."""

WORK: Mapping[Phase | None, WorkStopped] = {
    Phase.ACTIVE: "no",
    Phase.PAUSED: "no",
    Phase.ENDED: "yes",
    Phase.CANCELLED: "yes",
    None: "unknown",
}
"""What a look's phase says of the work."""

_REDIRECTS = range(300, 400)


class Cause(StrEnum):
    """Why an outcome is less than the platform's plain word."""

    UNSENT = "unsent"
    """Nothing left this machine."""
    LOST = "lost"
    """No answer came."""
    UNREADABLE = "unreadable"
    """The answer's body can't be read."""
    REDIRECT = "redirect"
    """It points elsewhere, and is never followed."""
    FOREIGN = "foreign"
    """It doesn't have the platform's shape: somebody in between may have answered."""
    STATUS = "status"
    """The status is an error that nothing explains."""
    BODY = "body"
    """A success that no rule explains."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a call, and what that rests on."""

    outcome: Outcome
    work_stopped: WorkStopped
    state: str | None = None
    """The platform's own word."""
    phase: Phase | None = None
    read: Mapping[Pointer, Json] = field(default_factory=dict)
    """The fields that decided."""
    note: str | None = None
    """Sentences for the agent, beside the outcome's own."""
    cause: Cause | None = None


def verdict(outcome: Outcome, cause: Cause | None = None) -> Verdict:
    """An outcome that rests on nothing a platform sent."""
    return Verdict(outcome, MEANINGS[outcome].work_stopped, cause=cause)


def judge(operation: Operation, reply: Reply) -> Verdict:
    """What a reply, or the lack of one, says of a call.

    Args:
        operation: what was called, with its manifest's rules.
        reply: what came back.
    """
    if reply.failure is not None:
        return verdict(Outcome.UNKNOWN, Cause.LOST) if reply.sent else verdict(Outcome.UNAVAILABLE, Cause.UNSENT)
    state, phase, read = where(operation.state, reply.body) if reply.readable else (None, None, {})
    rule = None
    if not reply.unreadable and reply.genuine:
        rule, fields = first(operation.response(reply.status).outcomes, reply.body)
        read |= fields
    if rule:
        outcome, stopped = rule.word, rule.work_stopped or MEANINGS[rule.word].work_stopped
        if reply.repeated and outcome is Outcome.ALREADY_FINISHED and phase is Phase.CANCELLED:
            outcome = Outcome.STOPPED  # by this call's first sending, whose answer was lost
        return Verdict(outcome, stopped, state, phase, read, rule.note)
    cause = _cause(operation, reply)
    if cause is None:
        return Verdict(Outcome.OBSERVED, WORK[phase], state, phase, read)
    by_status = BY_STATUS if reply.genuine else WHOEVER_SAYS_IT
    outcome = Outcome.UNKNOWN if reply.succeeded else by_status.get(reply.status or 0, Outcome.UNKNOWN)
    if outcome is not Outcome.UNKNOWN:
        cause = None if reply.genuine else Cause.FOREIGN
    return Verdict(outcome, MEANINGS[outcome].work_stopped, state, phase, read, cause=cause)


def _cause(operation: Operation, reply: Reply) -> Cause | None:
    """Why a reply that no rule explains says less than it seems to; None: it is a look's plain answer."""
    if reply.unreadable:
        return Cause.UNREADABLE
    if reply.status in _REDIRECTS:
        return Cause.REDIRECT
    if not reply.genuine:
        return Cause.FOREIGN
    if not reply.succeeded:
        return Cause.STATUS
    return None if not operation.cancel and _is_expected(operation, reply.body) else Cause.BODY


def _is_expected(operation: Operation, body: Json) -> bool:
    if operation.listing:
        return items_of(operation.listing, body) is not None
    return isinstance(body, dict)


def where(state: State | None, body: Json) -> tuple[str | None, Phase | None, dict[Pointer, Json]]:
    """The platform's word for the state, the phase that it means, and the fields read. Unknown words have no phase."""
    if state is None:
        return None, None, {}
    word = look_up(body, state.at)
    rule, read = first(state.phases, body)
    if not isinstance(word, str):
        return None, rule.word if rule else None, read
    return sanitize.text(word, 64), rule.word if rule else None, {state.at: sanitize.text(word, 64), **read}
