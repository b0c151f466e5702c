"""One engine step: resolve the target, permit, record, send, judge.

It is called once for a plain cancel or look, and anew when a person's answer arrives.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import anyio.lowlevel

from pullcord.flow.attempt import Aim, Attempt, Call, Obstacle
from pullcord.flow.consent import Consent, Person, question
from pullcord.flow.engine import Engine
from pullcord.flow.journal import milliseconds
from pullcord.flow.looking import linked, look
from pullcord.flow.record import intent, outcome, record, refusal
from pullcord.flow.target import Sighting, sight
from pullcord.flow.verdict import Verdict, judge
from pullcord.model.condition import Context
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import request


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    name: str
    """The client's own name, for the journal."""
    report: Callable[[float, float, str], Awaitable[None]]
    """Told at each look: the seconds watched, the seconds there are, and what was seen."""
    person: Person | None = None
    """Must agree to each cancel; None: nobody is asked."""


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
    Obstacle.FOUND_LATER: Outcome.REFUSED,
    Obstacle.LIMITED: Outcome.RATE_LIMITED,
    Obstacle.UNRECORDED: Outcome.UNAVAILABLE,
    Obstacle.CRASHED: Outcome.UNKNOWN,
}
"""What comes of a call that meets an obstacle; where a look failed (UNSEEN), the look's own outcome tells."""

_REFUSALS = {
    Consent.PENDING: Obstacle.ASKED,
    Consent.DECLINED: Obstacle.DECLINED,
    Consent.UNASKED: Obstacle.UNASKED,
    Consent.CHANGED: Obstacle.CHANGED,
}
_RECORDED = frozenset({Obstacle.LIMITED, Obstacle.DECLINED, Obstacle.UNASKED, Obstacle.PROTECTED, Obstacle.UNGUARDED})
"""Refusals that the journal keeps."""


def withhold(call: Call, obstacle: Obstacle, sighting: Sighting | None = None, **details: Json) -> Attempt:
    """An attempt at which nothing was sent.

    Args:
        call: what was to be done.
        obstacle: what stood in the way.
        sighting: the look at what runs, if there was one.
        details: what the sentence about the obstacle names.
    """
    look = sighting.look if sighting else None
    return Attempt(
        call,
        _blind(look) if look and obstacle is Obstacle.UNSEEN else Verdict(OUTCOMES[obstacle]),
        aim=sighting.aim if sighting else Aim.NAMED,
        look=look,
        obstacle=obstacle,
        details=details,
    )


def _blind(look: Attempt) -> Verdict:
    """What comes of a cancel that needs a look first, where the look failed: nothing was sent."""
    seen = look.verdict.outcome
    return Verdict(Outcome.UNAVAILABLE if seen is Outcome.UNKNOWN else seen)


async def step(call: Call, engine: Engine, caller: Caller, parts: Sequence[Call] = ()) -> Attempt:
    """Do what a call is for, once.

    Args:
        call: checked, and named by a request id.
        engine: what it goes through.
        caller: who calls, and who must agree.
        parts: further cancels that a person who agrees agrees to, too.
    """
    cancel = call.operation.cancel
    if cancel is None:
        return await look(call, engine.gateway)
    sighting = None
    obstacle = Obstacle.PROTECTED if call.is_protected else None
    if obstacle is None and cancel.target:
        sighting = await sight(call, engine.gateway, cancel.target)
        call = call._replace(found=sighting.found)
        obstacle = _unmet(call, sighting)
    before = await _look_before(call, engine) if obstacle is None and cancel.before else None
    if before and (unsent := _unsent(call, before)):
        return unsent
    if obstacle is None and caller.person:
        consent = await caller.person.ask(question(call, parts))
        obstacle = _REFUSALS.get(consent)
        if consent is Consent.GIVEN_LATER:
            call = call._replace(deadline=engine.gateway.now() + call.allowance)
            call, sighting, obstacle = await _sight_again(call, engine, sighting)
        if obstacle is Obstacle.CHANGED and not any(call.found.values()):
            obstacle = Obstacle.IDLE
    if obstacle is None and engine.rate_limit and (seconds := engine.rate_limit.take()):
        limit = engine.rate_limit.limit
        return await _refuse(
            withhold(call, Obstacle.LIMITED, sighting, count=limit.count, unit=limit.unit, seconds=seconds),
            engine,
            caller,
        )
    if obstacle:
        return await _refuse(withhold(call, obstacle, sighting), engine, caller)
    return await _cancel(call, engine, caller, Aimed(sighting, before))


def _unmet(call: Call, sighting: Sighting) -> Obstacle | None:
    """Why what a look showed forbids the cancel; None if it doesn't."""
    if call.is_protected:
        return Obstacle.PROTECTED
    unknown = {Aim.UNKNOWN: Obstacle.UNSEEN, Aim.SEVERAL: Obstacle.SEVERAL, Aim.NOTHING: Obstacle.IDLE}
    if call.surface.protected and sighting.aim in {Aim.UNKNOWN, Aim.SEVERAL}:
        return Obstacle.UNGUARDED
    if call.expected is None:
        return None
    if sighting.aim in unknown:
        return unknown[sighting.aim]
    return None if call.expected in call.found.values() else Obstacle.CHANGED


async def _look_before(call: Call, engine: Engine) -> Attempt | None:
    """The look that must come right before the sending; None where nothing leads to it."""
    before = call.operation.cancel.before if call.operation.cancel else None
    looking = linked(call, None, before.look) if before else None
    return await look(looking, engine.gateway) if looking else None


def _unsent(call: Call, before: Attempt) -> Attempt | None:
    """What a cancel comes to that is not sent, because of the look before; None: it is sent."""
    seen, cancel = before.verdict, call.operation.cancel
    if seen.outcome is Outcome.NOT_FOUND:
        return Attempt(call, replace(seen, unsent=None), look=before, obstacle=Obstacle.OVER)
    if seen.outcome is not Outcome.OBSERVED:
        blind = Attempt(call, _blind(before), look=before, obstacle=Obstacle.UNSEEN)
        return blind if cancel and cancel.before and cancel.before.required else None
    if seen.unsent is None:
        return None
    return Attempt(call, replace(seen, outcome=seen.unsent, unsent=None), look=before, obstacle=Obstacle.OVER)


async def _sight_again(
    call: Call, engine: Engine, agreed: Sighting | None
) -> tuple[Call, Sighting | None, Obstacle | None]:
    """Look once more at what runs, after a person took time to agree: it must be what was agreed to."""
    target = call.operation.cancel.target if call.operation.cancel else None
    if target is None or agreed is None:
        return call, agreed, None
    sighting = await sight(call, engine.gateway, target)
    call = call._replace(found=sighting.found)
    obstacle = _unmet(call, sighting)
    if obstacle is None and sighting.found != agreed.found:
        obstacle = Obstacle.CHANGED
    return call, sighting, obstacle


async def _refuse(attempt: Attempt, engine: Engine, caller: Caller) -> Attempt:
    if engine.journal and attempt.obstacle in _RECORDED:
        await record(engine.journal, refusal(attempt, caller.name))
    return attempt


class Aimed(NamedTuple):
    """What was looked up for a cancel right before its sending."""

    sighting: Sighting | None = None
    """What runs, where the cancel names no task."""
    before: Attempt | None = None
    """Where the work stands."""


async def _cancel(call: Call, engine: Engine, caller: Caller, aimed: Aimed) -> Attempt:
    """Send a cancel, between the journal's two lines."""
    sighting, before = aimed
    aim, seen = (sighting.aim, sighting.look) if sighting else (Aim.NAMED, None)
    if engine.journal and not await record(engine.journal, intent(call, caller.name)):
        return withhold(call, Obstacle.UNRECORDED, sighting)
    context = Context(call.arguments)
    if before and before.verdict.outcome is Outcome.OBSERVED and before.reply:
        context = context._replace(phase=before.verdict.phase, before=before.reply.body)
    started = time.monotonic()
    reply = Reply.unsent("the caller went away")
    judged = judge(call.operation, reply)
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
        reply = Reply.lost("the caller went away")
        reply = await _send(call, engine, aimed)
    finally:
        judged = judge(call.operation, reply, context)
        if engine.journal:
            await record(engine.journal, outcome(call, judged.outcome, reply.status, milliseconds(started)))
    return Attempt(call, judged, reply, aim, seen, before=before)


async def _send(call: Call, engine: Engine, aimed: Aimed) -> Reply:
    async def still_meets() -> bool:
        """Whether a repeat would meet what the first sending was meant for: looked up anew before each."""
        cancel = call.operation.cancel
        if cancel and cancel.target and aimed.sighting:
            return (await sight(call, engine.gateway, cancel.target)).found == aimed.sighting.found
        before = await _look_before(call, engine) if aimed.before else None
        return before is None or _unsent(call, before) is None

    message = request.build(call.operation, call.arguments, call.settings, call.request_id)
    return await engine.gateway.send(call.operation, message, deadline=call.deadline, recheck=still_meets)
