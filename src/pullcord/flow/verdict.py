"""A reply to its verdict, by the manifest's rules: the one place that says what an answer means. Pure.

The first rule of the status that fits the body decides. Where the manifest has none, an error of the platform's own
is judged by its status, by the table below. What is not in the platform's shape says nothing of the platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pullcord.model import sanitize
from pullcord.model.condition import ALONE, Context, fill
from pullcord.model.listing import items_of
from pullcord.model.operation import Operation
from pullcord.model.outcome import MEANINGS, MayGoOn, Outcome, Phase, WorkStopped
from pullcord.model.pointer import Pointer, look_up
from pullcord.model.reply import Reply
from pullcord.model.rule import Rule, first
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

_REDIRECTS = range(300, 400)
_NOTHING_TO_SAY = frozenset({Outcome.DENIED, Outcome.INVALID_ARGUMENTS, Outcome.NOT_FOUND})
"""After these, nothing is known that may go on."""


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
    work_stopped: WorkStopped = "unknown"
    """What is known of the work: yes or no only where a sign says so."""
    state: str | None = None
    """The platform's own word."""
    phase: Phase | None = None
    read: Mapping[Pointer, Json] = field(default_factory=dict)
    """The fields that decided."""
    notes: tuple[str, ...] = ()
    """Sentences for the agent, beside the outcome's own."""
    cause: Cause | None = None
    may_go_on: frozenset[MayGoOn] = frozenset()
    """What may still run."""
    watch: bool = True
    """Whether looking at the work could teach more."""
    look: bool = False
    """Whether one look must decide; the outcome holds where that can't tell."""
    unsent: Outcome | None = None
    """Of a look before a cancel: what the cancel comes to without being sent; None: it is sent."""


def judge(operation: Operation, reply: Reply, context: Context = ALONE) -> Verdict:
    """What a reply, or the lack of one, says of a call.

    Args:
        operation: what was called, with its manifest's rules.
        reply: what came back.
        context: the call's arguments, and what was seen before; the reply's headers are added.
    """
    judged = _judge(operation, reply, context)
    if reply.repeated and operation.cancel and MEANINGS[judged.outcome].is_error:
        # What an earlier sending may have done, no later refusal can undo.
        return replace(judged, outcome=Outcome.UNKNOWN, work_stopped="unknown", cause=judged.cause or Cause.STATUS)
    return judged


def _judge(operation: Operation, reply: Reply, context: Context) -> Verdict:
    if reply.failure is not None:
        unanswered = Verdict(Outcome.UNKNOWN, cause=Cause.LOST)
        return unanswered if reply.sent else Verdict(Outcome.UNAVAILABLE, cause=Cause.UNSENT)
    context = context._replace(headers=reply.headers)
    state = where(operation.state, reply.body, context) if reply.readable else Standing()
    if state.phase is Phase.ABSENT:
        return _verdict(Outcome.NOT_FOUND, state, None, state.read)
    rule, read = None, dict(state.read)
    if not reply.unreadable and reply.genuine:
        rule, fields = first(operation.response(reply.status).outcomes, reply.body, context)
        read |= fields
    if rule:
        outcome = rule.word
        if reply.repeated and outcome is Outcome.ALREADY_FINISHED and state.phase is Phase.CANCELLED:
            outcome = Outcome.STOPPED  # by this call's first sending, whose answer was lost
        return _verdict(outcome, state, rule, read)
    cause = _cause(operation, reply)
    if cause is None:
        return _verdict(Outcome.OBSERVED, state, None, read)
    by_status = BY_STATUS if reply.genuine else WHOEVER_SAYS_IT
    outcome = Outcome.UNKNOWN if reply.succeeded else by_status.get(reply.status or 0, Outcome.UNKNOWN)
    if outcome is not Outcome.UNKNOWN:
        cause = None if reply.genuine else Cause.FOREIGN
    return _verdict(outcome, state, None, read, cause)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a body says that the work stands."""

    word: str | None = None
    """The platform's own word, cleaned."""
    rule: Rule[Phase] | None = None
    """What it means; None: pullcord doesn't know."""
    read: Mapping[Pointer, Json] = field(default_factory=dict)
    """The fields that tell it."""

    @property
    def phase(self) -> Phase | None:
        """Where the work stands."""
        return self.rule.word if self.rule else None


def where(state: State | None, body: Json, context: Context = ALONE) -> Standing:
    """Where a body says that the work stands.

    Args:
        state: where the platform's word stands, and what it means; None: the manifest doesn't say.
        body: a reply's body, or an item of a list.
        context: what else the rules may read.
    """
    if state is None:
        return Standing()
    at = fill(state.at, context.arguments)
    word = look_up(body, at)
    rule, read = first(state.phases, body, context)
    if not isinstance(word, str):
        return Standing(None, rule, read)
    return Standing(sanitize.text(word, 64), rule, {at: sanitize.text(word, 64), **read})


def _verdict(
    outcome: Outcome,
    state: Standing,
    rule: Rule[Outcome] | None,
    read: Mapping[Pointer, Json],
    cause: Cause | None = None,
) -> Verdict:
    """A verdict from the rules that fitted: the outcome's own word goes before the phase's."""
    rules = [each for each in (rule, state.rule) if each]
    stopped = next((each.work_stopped for each in rules if each.work_stopped), None)
    going_on = frozenset(word for each in rules for word in each.may_go_on)
    return Verdict(
        outcome,
        stopped or ("no" if state.phase is Phase.ACTIVE else "unknown"),
        state.word,
        state.phase,
        read,
        tuple(dict.fromkeys(each.note for each in rules if each.note)),
        cause,
        frozenset() if outcome in _NOTHING_TO_SAY else going_on,
        watch=rule.watch if rule else True,
        look=rule.look if rule else False,
        unsent=state.rule.before if state.rule else None,
    )


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
