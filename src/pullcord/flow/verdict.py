"""A reply to its outcome, by the manifest's rules. Pure.

The first rule of the status that fits the body decides. Where the manifest has none, an error's status decides, by the
table below; a success that no rule explains is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pullcord.model import sanitize
from pullcord.model.operation import Operation
from pullcord.model.outcome import MEANINGS, Outcome, Phase, WorkStopped
from pullcord.model.pointer import Pointer, look_up
from pullcord.model.reply import Reply
from pullcord.model.rule import first
from pullcord.model.state import State
from pullcord.model.value import Json

BY_STATUS: Mapping[int, Outcome] = {
    400: Outcome.INVALID_ARGUMENTS,
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    404: Outcome.NOT_FOUND,
    409: Outcome.REFUSED,
    410: Outcome.NOT_FOUND,
    422: Outcome.INVALID_ARGUMENTS,
    423: Outcome.REFUSED,
    429: Outcome.RATE_LIMITED,
    503: Outcome.UNAVAILABLE,
}
"""What an error says by itself (RFC 9110, 15; RFC 6585; RFC 4918). Any other status: unknown."""

_WORK: Mapping[Phase | None, WorkStopped] = {
    Phase.ACTIVE: "no",
    Phase.PAUSED: "no",
    Phase.ENDED: "yes",
    Phase.CANCELLED: "yes",
    None: "unknown",
}


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


def verdict(outcome: Outcome, note: str | None = None) -> Verdict:
    """An outcome that rests on nothing a platform sent."""
    return Verdict(outcome, MEANINGS[outcome].work_stopped, note=note)


def judge(operation: Operation, reply: Reply) -> Verdict:
    """What a reply, or the lack of one, says of a call."""
    if reply.failure is not None:
        return verdict(Outcome.UNKNOWN if reply.sent else Outcome.UNAVAILABLE)
    state, phase, read = where(operation.state, reply.body)
    rule = None
    if not reply.unreadable:
        rule, fields = first(operation.response(reply.status).outcomes, reply.body)
        read |= fields
    if rule:
        outcome, stopped = rule.word, rule.work_stopped or MEANINGS[rule.word].work_stopped
        return Verdict(outcome, stopped, state, phase, read, rule.note)
    if not reply.succeeded:
        outcome = BY_STATUS.get(reply.status or 0, Outcome.UNKNOWN)
    elif operation.cancel or reply.unreadable or not _expected(operation, reply.body):
        outcome = Outcome.UNKNOWN
    else:
        return Verdict(Outcome.OBSERVED, _WORK[phase], state, phase, read)
    return Verdict(outcome, MEANINGS[outcome].work_stopped, state, phase, read)


def where(state: State | None, body: Json) -> tuple[str | None, Phase | None, dict[Pointer, Json]]:
    """The platform's word for the state, the phase that it means, and the fields read. Unknown words have no phase."""
    if state is None:
        return None, None, {}
    word = look_up(body, state.at)
    rule, read = first(state.phases, body)
    if not isinstance(word, str):
        return None, rule.word if rule else None, read
    return sanitize.text(word, 64), rule.word if rule else None, {state.at: sanitize.text(word, 64), **read}


def _expected(operation: Operation, body: Json) -> bool:
    if operation.listing:
        return isinstance(look_up(body, operation.listing.items), list)
    return isinstance(body, dict)
