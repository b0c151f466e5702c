"""One tool call, from its arguments to its answer: pure steps around the requests."""

import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

import anyio.lowlevel

from pullcord.flow import render as result
from pullcord.flow import target as aim
from pullcord.flow import verdict as outcome
from pullcord.flow.actions import Call
from pullcord.flow.journal import Journal, milliseconds
from pullcord.flow.rate_limit import RateLimit
from pullcord.flow.render import Envelope
from pullcord.flow.wait import Report, watch
from pullcord.model.cancel import EXPECT, REASON
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every call of a server goes through."""

    gateway: Gateway
    journal: Journal | None = None
    brake: RateLimit | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    name: str
    """The client's own name, for the journal."""
    report: Report
    """Told what watching shows."""


def refuse(call: Call) -> Envelope | None:
    """The answer to a call that can't be sent at all: malformed, or without a key."""
    if faults := call.scope.checks[call.operation.id](call.arguments):
        return result.malformed(call, faults)
    if call.scope.settings_of(call.operation).missing:
        return result.unconfigured(call)
    return None


async def run(call: Call, desk: Desk, caller: Caller) -> Envelope:
    """Send a call that was not refused, and say what came of it."""
    call = call._replace(request_id=secrets.token_hex(16))
    cancel = call.operation.cancel
    if cancel and cancel.target:
        look = await aim.look(call, desk.gateway, cancel.target)
        call = call._replace(found=look.found)
        expected = call.arguments.get(EXPECT + cancel.target.name)
        if expected is not None and look.verdict.outcome is not Outcome.OBSERVED:
            return result.unaimed(call, look)
        if expected is not None and look.found[cancel.target.name] != expected:
            return result.changed(call, look)
    if cancel and desk.brake and (seconds := desk.brake.take()):
        return result.limited(call, desk.brake.limit.count, desk.brake.limit.unit, seconds)
    reply = await (_recorded(call, desk, desk.journal, caller) if cancel and desk.journal else _sent(call, desk))
    if reply is None:
        return result.unrecorded(call)
    judged = outcome.judge(call.operation, reply)
    return result.answer(call, reply, judged, await watch(call, desk.gateway, reply, judged, caller.report))


async def _sent(call: Call, desk: Desk) -> Reply:
    settings = call.scope.settings_of(call.operation)
    asked = request.build(call.operation, call.arguments, settings, call.request_id)
    return await desk.gateway.send(call.operation, asked)


async def _recorded(call: Call, desk: Desk, journal: Journal, caller: Caller) -> Reply | None:
    """Send a cancel between the journal's two lines; None if the first could not be written, and nothing was sent."""
    intent: dict[str, Json] = {
        "id": call.request_id,
        "event": "intent",
        "operation": call.operation.id,
        "platform": call.operation.platform.name,
        "target": result.target(call),
        "reason": call.arguments.get(REASON),
        "client": caller.name,
    }
    try:
        await journal.write(intent)
    except OSError as error:
        _log.log(logging.ERROR, "the journal can't be written, and nothing was sent: %s", error)
        return None
    started = time.monotonic()
    reply: Reply = Reply.unsent("the caller went away")
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
        reply = Reply.lost("the caller went away")
        reply = await _sent(call, desk)
    finally:
        judged = outcome.judge(call.operation, reply)
        await _conclude(journal, call, judged.outcome, reply, milliseconds(started))
    return reply


async def _conclude(journal: Journal, call: Call, came: Outcome, reply: Reply, duration: int) -> None:
    line: Mapping[str, Json] = {
        "id": call.request_id,
        "event": "outcome",
        "outcome": str(came),
        "status": reply.status if reply.status is not None else None,
        "duration_ms": duration,
    }
    try:
        await journal.write(line)
    except OSError as error:
        _log.log(
            logging.ERROR,
            "the journal can't be written; the cancel %s came out as %s: %s",
            call.request_id,
            came,
            error,
        )
