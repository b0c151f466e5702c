"""One engine step: resolve the target, permit, record, send, judge.

It is called once for a plain cancel or look, and anew when a person's answer arrives.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio.lowlevel

from pullcord.flow import verdict
from pullcord.flow.attempt import Aim, Attempt, Call, Obstacle
from pullcord.flow.consent import Consent, Person, question
from pullcord.flow.journal import Journal, milliseconds
from pullcord.flow.rate_limit import RateLimit
from pullcord.flow.record import intent, outcome, record, refusal
from pullcord.flow.target import Sighting, sight
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Engine:
    """What every call of a server goes through."""

    gateway: Gateway
    journal: Journal | None = None
    rate_limit: RateLimit | None = None


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
    if sighting and obstacle is Obstacle.UNSEEN:
        seen = sighting.look.verdict.outcome
        judged = verdict.verdict(Outcome.UNAVAILABLE if seen is Outcome.UNKNOWN else seen)
    else:
        judged = verdict.verdict(OUTCOMES[obstacle])
    if obstacle is Obstacle.IDLE:
        judged = verdict.Verdict(judged.outcome, "unknown")
    return Attempt(
        call,
        judged,
        aim=sighting.aim if sighting else Aim.NAMED,
        look=sighting.look if sighting else None,
        obstacle=obstacle,
        details=details,
    )


async def step(call: Call, engine: Engine, caller: Caller) -> Attempt:
    """Do what a call is for, once.

    Args:
        call: checked, and named by a request id.
        engine: what it goes through.
        caller: who calls, and who must agree.
    """
    if call.operation.cancel is None:
        reply = await _send(call, engine)
        return Attempt(call, verdict.judge(call.operation, reply), reply)
    sighting = None
    obstacle = Obstacle.PROTECTED if call.is_protected else None
    if obstacle is None and call.operation.cancel.target:
        sighting = await sight(call, engine.gateway, call.operation.cancel.target)
        call = call._replace(found=sighting.found)
        obstacle = _unmet(call, sighting)
    if obstacle is None and caller.person:
        consent = await caller.person.ask(question(call))
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
    return await _cancel(call, engine, caller, sighting)


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


async def _cancel(call: Call, engine: Engine, caller: Caller, sighting: Sighting | None) -> Attempt:
    """Send a cancel, between the journal's two lines."""
    aim, look = (sighting.aim, sighting.look) if sighting else (Aim.NAMED, None)
    if engine.journal and not await record(engine.journal, intent(call, caller.name)):
        return withhold(call, Obstacle.UNRECORDED, sighting)
    started = time.monotonic()
    reply = Reply.unsent("the caller went away")
    judged = verdict.judge(call.operation, reply)
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
        reply = Reply.lost("the caller went away")
        reply = await _send(call, engine, sighting)
    finally:
        judged = verdict.judge(call.operation, reply)
        if engine.journal:
            await record(engine.journal, outcome(call, judged.outcome, reply.status, milliseconds(started)))
    return Attempt(call, judged, reply, aim, look)


async def _send(call: Call, engine: Engine, sighting: Sighting | None = None) -> Reply:
    target = call.operation.cancel.target if call.operation.cancel else None

    async def still_meets() -> bool:
        """Whether a repeat would meet what the first sending was meant for: looked up anew before each."""
        if target is None or sighting is None:
            return True
        return (await sight(call, engine.gateway, target)).found == sighting.found

    message = request.build(call.operation, call.arguments, call.settings, call.request_id)
    return await engine.gateway.send(call.operation, message, deadline=call.deadline, recheck=still_meets)
