"""One engine step: resolve the target, permit, record, send, judge.

It is called once for a plain cancel or look, and anew when a person's answer arrives.
"""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import anyio.lowlevel

from pullcord.flow.attempt import Aim, Attempt, Call, Obstacle, Watch
from pullcord.flow.caller import Caller
from pullcord.flow.consent import Consent, question
from pullcord.flow.engine import Engine
from pullcord.flow.looking import linked, look
from pullcord.flow.rate_limit import Limiter
from pullcord.flow.record import intent, outcome, record, refusal
from pullcord.flow.settlement import settle
from pullcord.flow.target import Sighting, resolve
from pullcord.flow.verdict import Cause, Verdict, judge
from pullcord.model.condition import Context
from pullcord.model.errors import SharedStateError
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import request

OUTCOMES = {
    Obstacle.MALFORMED: Outcome.INVALID_ARGUMENTS,
    Obstacle.UNCONFIGURED: Outcome.DENIED,
    Obstacle.PROTECTED: Outcome.REFUSED,
    Obstacle.UNGUARDED: Outcome.REFUSED,
    Obstacle.SEVERAL: Outcome.REFUSED,
    Obstacle.CHANGED: Outcome.TARGET_CHANGED,
    Obstacle.IDLE: Outcome.TARGET_CHANGED,
    Obstacle.ASKED: Outcome.REFUSED,
    Obstacle.DECLINED: Outcome.REFUSED,
    Obstacle.UNASKED: Outcome.DENIED,
    Obstacle.BARRED: Outcome.DENIED,
    Obstacle.LATE: Outcome.UNAVAILABLE,
    Obstacle.UNAGREED: Outcome.REFUSED,
    Obstacle.LIMITED: Outcome.RATE_LIMITED,
    Obstacle.UNSHARED: Outcome.UNAVAILABLE,
    Obstacle.UNRECORDED: Outcome.UNAVAILABLE,
    Obstacle.CRASHED: Outcome.UNKNOWN,
}
"""The outcome of a call that meets an obstacle; after a failed look (UNSEEN) it follows from the look's outcome."""

_REFUSALS = {
    Consent.PENDING: Obstacle.ASKED,
    Consent.DECLINED: Obstacle.DECLINED,
    Consent.UNASKED: Obstacle.UNASKED,
    Consent.CHANGED: Obstacle.CHANGED,
    Consent.UNVERIFIED: Obstacle.UNSHARED,
}
_UNAIMED = {Aim.UNKNOWN: Obstacle.UNSEEN, Aim.SEVERAL: Obstacle.SEVERAL, Aim.NOTHING: Obstacle.IDLE}
"""The obstacle, where one target is meant and the look at what runs showed none."""
_RECORDED = frozenset({
    Obstacle.LIMITED, Obstacle.UNSHARED, Obstacle.DECLINED, Obstacle.UNASKED, Obstacle.PROTECTED, Obstacle.UNGUARDED
})  # fmt: skip
"""Obstacles that the journal records."""


def withhold(call: Call, obstacle: Obstacle, sighting: Sighting | None = None, **details: Json) -> Attempt:
    """An attempt at which nothing was sent.

    Args:
        call: the one that was not made.
        obstacle: why it was not.
        sighting: the look at what runs, if there was one.
        details: the values in the sentence about the obstacle, by name.
    """
    look = sighting.look if sighting else None
    return Attempt(
        call,
        _unseen_verdict(look) if look and obstacle is Obstacle.UNSEEN else Verdict(OUTCOMES[obstacle]),
        aim=sighting.aim if sighting else Aim.NAMED,
        look=look,
        obstacle=obstacle,
        details=details,
    )


def _unseen_verdict(look: Attempt) -> Verdict:
    """The verdict on a cancel that needs a look first, where that look failed: nothing was sent."""
    outcome_of_look = look.verdict.outcome
    return Verdict(Outcome.UNAVAILABLE if outcome_of_look is Outcome.UNKNOWN else outcome_of_look)


class Lookups(NamedTuple):
    """What was looked up for a cancel, right before its sending."""

    sighting: Sighting | None = None
    """What runs, where the cancel names no task."""
    before: Attempt | None = None
    """The look at the work itself."""


async def step(call: Call, engine: Engine, caller: Caller, parts: Sequence[Call] = ()) -> Attempt:
    """Make a call once: resolve the target, permit, record, send, judge.

    Args:
        call: checked, with a request id.
        engine: sends, limits and records.
        caller: the client, and the person who must agree.
        parts: the cancels of its parts, about which the person is asked, too.
    """
    if call.operation.cancel is None:
        return await look(call, engine.gateway)
    call, lookups, obstacle = await _look_up(call, engine)
    over = _attempt_without_sending(call, lookups.before)
    # What work that has ended had started may go on, and is not stopped without a person's consent either.
    if over and not (parts and caller.person and over.obstacle is Obstacle.OVER):
        return over
    if obstacle is None and caller.person:
        consent = await caller.person.ask(question(call, parts))
        obstacle = _REFUSALS.get(consent)
        if consent is Consent.GIVEN_LATER:  # it took time, in which all that was looked up may have changed
            agreed_target = call.found
            call, lookups, obstacle = await _look_up(
                call._replace(deadline=engine.gateway.now() + call.allowance), engine
            )
            over = _attempt_without_sending(call, lookups.before)
            if over is None and obstacle is None and call.found != agreed_target:
                obstacle = Obstacle.CHANGED
        if obstacle is Obstacle.CHANGED and lookups.sighting:
            obstacle = _UNAIMED.get(lookups.sighting.aim, obstacle)
    if over and obstacle is None:
        return over
    details: Mapping[str, Json] = {}
    if obstacle is None and engine.rate_limit:
        obstacle, details = await _take(engine.rate_limit)
    if obstacle:
        return await _refuse(withhold(call, obstacle, lookups.sighting, **details), engine, caller)
    return await _cancel(call, engine, caller, lookups)


async def _look_up(call: Call, engine: Engine) -> tuple[Call, Lookups, Obstacle | None]:
    """Look up what a cancel would hit.

    Returns:
        The call with its target, what was looked up, and the obstacle in it; None: there is none.
    """
    cancel = call.operation.cancel
    sighting = None
    obstacle = Obstacle.PROTECTED if call.is_protected else None
    if obstacle is None and cancel and cancel.target:
        sighting = await resolve(call, engine.gateway, cancel.target)
        call = call._replace(found=sighting.found)
        obstacle = _target_obstacle(call, sighting)
    before = await _look_before(call, engine) if obstacle is None and cancel and cancel.before else None
    return call, Lookups(sighting, before), obstacle


def _target_obstacle(call: Call, sighting: Sighting) -> Obstacle | None:
    """The obstacle in what the look at what runs showed; None: there is none."""
    if call.is_protected:
        return Obstacle.PROTECTED
    if call.surface.protected and sighting.aim in {Aim.UNKNOWN, Aim.SEVERAL}:
        return Obstacle.UNGUARDED
    if call.expected is None:
        return None
    changed = None if call.expected in call.found.values() else Obstacle.CHANGED
    return _UNAIMED.get(sighting.aim, changed)


async def _look_before(call: Call, engine: Engine) -> Attempt | None:
    """The look that must come right before the sending; None: no link leads to it."""
    before = call.operation.cancel.before if call.operation.cancel else None
    look_call = linked(call, None, before.look) if before else None
    return await look(look_call, engine.gateway) if look_call else None


def _attempt_without_sending(call: Call, before: Attempt | None) -> Attempt | None:
    """The attempt at a cancel that is not sent because of the look before it; None: it is sent."""
    if before is None:
        return None
    verdict, cancel = before.verdict, call.operation.cancel
    if verdict.outcome is Outcome.NOT_FOUND:
        return Attempt(call, verdict._replace(cancel_outcome=None), look=before, obstacle=Obstacle.OVER)
    if verdict.outcome is not Outcome.OBSERVED:
        attempt = Attempt(call, _unseen_verdict(before), look=before, obstacle=Obstacle.UNSEEN)
        return attempt if cancel and cancel.before and cancel.before.required else None
    if verdict.cancel_outcome is None:
        return None
    verdict = verdict._replace(outcome=verdict.cancel_outcome, cancel_outcome=None)
    return Attempt(call, verdict, look=before, obstacle=Obstacle.OVER)


async def _take(rate_limit: Limiter) -> tuple[Obstacle | None, Mapping[str, Json]]:
    """Count a cancel; return the obstacle where it must not be sent, and the values in the sentence about it."""
    try:
        seconds = await rate_limit.take()
    except SharedStateError:
        return Obstacle.UNSHARED, {}
    limit = rate_limit.limit
    return (Obstacle.LIMITED, {"count": limit.count, "unit": limit.unit, "seconds": seconds}) if seconds else (None, {})


async def _refuse(attempt: Attempt, engine: Engine, caller: Caller) -> Attempt:
    if engine.journal and attempt.obstacle in _RECORDED:
        await record(engine.journal, refusal(attempt, caller.name))
    return attempt


async def _cancel(call: Call, engine: Engine, caller: Caller, lookups: Lookups) -> Attempt:
    """Send a cancel, between the journal's two lines; the second is written also where the caller goes away."""
    sighting, before = lookups
    if engine.journal and not await record(engine.journal, intent(call, caller.name)):
        return withhold(call, Obstacle.UNRECORDED, sighting)
    context = Context(call.arguments)
    if before and before.verdict.outcome is Outcome.OBSERVED and before.reply:
        context = context._replace(phase=before.verdict.phase, before=before.reply.body)
    start = time.monotonic()
    over: Attempt | None = None
    reply = Reply.unsent("the caller went away")
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
        reply = Reply.lost("the caller went away")
        reply, over = await _send(call, engine, context)
    finally:
        verdict = judge(call.operation, reply, context)
        if engine.journal:
            milliseconds = round((time.monotonic() - start) * 1000)
            await record(engine.journal, outcome(call, verdict.outcome, reply.status, milliseconds))
    attempt = Attempt(call, verdict, reply, sighting.aim if sighting else Aim.NAMED, before=before)
    return _with_end(attempt, over) if over else attempt


def _with_end(attempt: Attempt, over: Attempt) -> Attempt:
    """A cancel that was not repeated, because a look found that there is nothing to stop any more.

    Args:
        attempt: the cancel, whose answer was lost, or which was not taken.
        over: the attempt without sending that the look led to.
    """
    if attempt.verdict.cause is Cause.UNSENT:
        return over
    if attempt.verdict.outcome is not Outcome.UNKNOWN or over.look is None:
        return attempt
    is_gone = over.look.verdict.outcome is Outcome.NOT_FOUND
    watch = Watch(looked=True, last=None if is_gone else over.look, gone=is_gone)
    return attempt._replace(watch=watch, verdict=settle(attempt, watch))


async def _send(call: Call, engine: Engine, context: Context) -> tuple[Reply, Attempt | None]:
    """Send a cancel.

    Args:
        call: the cancel.
        engine: sends it.
        context: what its rules may read.

    Returns:
        What came back; and, where it was not repeated because there is nothing to stop any more, the attempt without
        sending that the look before a repeat led to.
    """
    over: Attempt | None = None

    async def recheck() -> bool:
        """Whether a repeat would still stop the work that was meant, by a new look."""
        nonlocal over
        latest_call, latest, obstacle = await _look_up(call, engine)
        is_same = obstacle is None and latest_call.found == call.found
        over = _attempt_without_sending(call, latest.before) if is_same else None
        return is_same and over is None

    def tells(reply: Reply) -> bool:
        """Whether a rule of the manifest says what an answer means, whatever its status."""
        verdict = judge(call.operation, reply, context)
        return verdict.outcome is not Outcome.UNKNOWN and not verdict.needs_look

    message = request.build(call.operation, call.arguments, call.settings, call.request_id)
    reply = await engine.gateway.send(call.operation, message, deadline=call.deadline, recheck=recheck, tells=tells)
    return reply, over if over and over.obstacle is Obstacle.OVER else None
