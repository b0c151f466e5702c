"""Judges a reply by the manifest's rules: the one place that says what an answer means. Pure.

The first rule of the status that fits the body decides. Where no rule fits, an error of the platform is judged by its
status, by the table below. An answer that is not in the platform's shape tells nothing of the platform.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

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

FROM_ANY_SENDER: Mapping[int, Outcome] = {
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    407: Outcome.DENIED,
    429: Outcome.RATE_LIMITED,
}
"""Outcomes of an error whoever sent it, the platform or a proxy: a proxy forwards no request that it refuses
(RFC 9110, 15.5)."""
BY_STATUS: Mapping[int, Outcome] = {
    **FROM_ANY_SENDER,
    400: Outcome.INVALID_ARGUMENTS,
    404: Outcome.NOT_FOUND,
    409: Outcome.REFUSED,
    410: Outcome.NOT_FOUND,
    422: Outcome.INVALID_ARGUMENTS,
    423: Outcome.REFUSED,
}
"""Outcomes of an error of the platform by its status (RFC 9110, 15; RFC 6585; RFC 4918); any other is unknown."""

_NOTHING: Mapping[Pointer, Json] = MappingProxyType({})
_REDIRECTS = range(300, 400)
_NOTHING_GOES_ON = frozenset({Outcome.DENIED, Outcome.INVALID_ARGUMENTS, Outcome.NOT_FOUND})
"""Outcomes after which nothing is known that may go on."""


class Cause(StrEnum):
    """Why an outcome does not rest on the platform's own word."""

    UNSENT = "unsent"
    """Nothing left this machine."""
    LOST = "lost"
    """No answer came."""
    UNREADABLE = "unreadable"
    """The answer's body can't be read."""
    REDIRECT = "redirect"
    """The answer is a redirect, which is never followed."""
    FOREIGN = "foreign"
    """The answer doesn't have the platform's shape: a proxy may have sent it."""
    STATUS = "status"
    """The status is an error that no rule explains."""
    BODY = "body"
    """The answer is a success that no rule explains."""


class Verdict(NamedTuple):
    """The outcome of a call, and what it rests on."""

    outcome: Outcome
    work_stopped: WorkStopped = "unknown"
    """What is known of the work: yes or no only where a sign shows it."""
    state: str | None = None
    """The platform's own word for the state of the work."""
    phase: Phase | None = None
    read: Mapping[Pointer, Json] = _NOTHING
    """The fields that decided."""
    notes: tuple[str, ...] = ()
    """Sentences for the agent, beside the outcome's own."""
    cause: Cause | None = None
    may_go_on: frozenset[MayGoOn] = frozenset()
    """What may still run."""
    is_watchable: bool = True
    """Whether a look at the work could tell more."""
    needs_look: bool = False
    """Whether one look decides; where that look tells nothing, the outcome holds."""
    cancel_outcome: Outcome | None = None
    """For a look before a cancel: the outcome of the cancel, which then is not sent; None: it is sent."""


def judge(operation: Operation, reply: Reply, context: Context = ALONE) -> Verdict:
    """The verdict on a call, from its reply or the lack of one.

    Args:
        operation: the one that was called, with the rules of its manifest.
        reply: what came back.
        context: the arguments of the call, and what the look before it showed; the reply's headers are added.
    """
    verdict = _judge(operation, reply, context)
    return _after_repeat(verdict, reply) if reply.repeated and operation.cancel else verdict


def _after_repeat(verdict: Verdict, reply: Reply) -> Verdict:
    """The verdict on a cancel that was sent once more: an earlier sending may have acted, and its answer was lost."""
    has_ended = verdict.outcome is Outcome.ALREADY_FINISHED
    if has_ended and verdict.phase in {Phase.CANCELLED, Phase.HALTED}:
        return verdict._replace(outcome=Outcome.STOPPED)
    is_idle = has_ended or verdict.outcome is Outcome.NOTHING_RUNNING
    says_how = has_ended and reply.succeeded and verdict.state is not None
    if (is_idle and not says_how) or MEANINGS[verdict.outcome].is_error:
        # A later refusal, and that nothing runs now, tell neither whether the earlier sending acted nor what ended it.
        return verdict._replace(outcome=Outcome.UNKNOWN, work_stopped="unknown", cause=verdict.cause or Cause.STATUS)
    return verdict


def _judge(operation: Operation, reply: Reply, context: Context) -> Verdict:
    if reply.failure is not None:
        verdict = Verdict(Outcome.UNKNOWN, cause=Cause.LOST)
        return verdict if reply.sent else Verdict(Outcome.UNAVAILABLE, cause=Cause.UNSENT)
    context = context._replace(headers=reply.headers)
    standing = standing_of(operation.state, reply.body, context) if reply.readable and reply.genuine else Standing()
    if standing.phase is Phase.ABSENT:
        return _verdict(Outcome.NOT_FOUND, standing, None, standing.read)
    rule, fields = None, dict(standing.read)
    if not reply.unreadable and reply.genuine:
        rule, rule_fields = first(operation.response(reply.status).outcomes, reply.body, context)
        fields |= rule_fields
    if rule:
        return _verdict(rule.word, standing, rule, fields)
    cause = _cause(operation, reply)
    if cause is None:
        return _verdict(Outcome.OBSERVED, standing, None, fields)
    by_status = BY_STATUS if reply.genuine else FROM_ANY_SENDER
    outcome = Outcome.UNKNOWN if reply.succeeded else by_status.get(reply.status or 0, Outcome.UNKNOWN)
    if outcome is not Outcome.UNKNOWN:
        cause = None if reply.genuine else Cause.FOREIGN
    return _verdict(outcome, standing, None, fields, cause)


class Standing(NamedTuple):
    """The state of the work, by a body."""

    word: str | None = None
    """The platform's own word for it, cleaned."""
    rule: Rule[Phase] | None = None
    """The rule that fits; None: none does."""
    read: Mapping[Pointer, Json] = _NOTHING
    """The fields that the rule reads."""

    @property
    def phase(self) -> Phase | None:
        """The phase of the work; None: it is unknown."""
        return self.rule.word if self.rule else None


def standing_of(state: State | None, body: Json, context: Context = ALONE) -> Standing:
    """The state of the work, by a body.

    Args:
        state: the manifest's x-state; None: it has none.
        body: a reply's body, or an item of a list.
        context: what else the rules may read.
    """
    if state is None:
        return Standing()
    pointer = fill(state.at, context.arguments)
    word = look_up(body, pointer)
    rule, read = first(state.phases, body, context)
    if not isinstance(word, str):
        return Standing(None, rule, read)
    word = sanitize.text(word, 64)
    return Standing(word, rule, {pointer: word, **read})


def _verdict(
    outcome: Outcome,
    standing: Standing,
    rule: Rule[Outcome] | None,
    read: Mapping[Pointer, Json],
    cause: Cause | None = None,
) -> Verdict:
    """The verdict from the rules that fit: that of the outcome goes before that of the phase."""
    rules = [each for each in (rule, standing.rule) if each]
    work_stopped = next((each.work_stopped for each in rules if each.work_stopped), None)
    may_go_on = frozenset(word for each in rules for word in each.may_go_on)
    return Verdict(
        outcome,
        work_stopped or ("no" if standing.phase is Phase.ACTIVE else "unknown"),
        standing.word,
        standing.phase,
        read,
        tuple(dict.fromkeys(each.note for each in rules if each.note)),
        cause,
        frozenset() if outcome in _NOTHING_GOES_ON else may_go_on,
        is_watchable=rule.watch if rule else True,
        needs_look=rule.look if rule else False,
        cancel_outcome=standing.rule.before if standing.rule else None,
    )


def _cause(operation: Operation, reply: Reply) -> Cause | None:
    """Why a reply that no rule explains is not the platform's own word; None: it is the answer to a look."""
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
