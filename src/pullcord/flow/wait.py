"""Waiting: after a cancel, follow the confirming link until the work has ended or the time is up."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import anyio

from pullcord.flow import wording
from pullcord.flow.actions import read
from pullcord.flow.attempt import Attempt, Call, Watch
from pullcord.flow.verdict import Verdict, judge
from pullcord.model.cancel import WAIT_SECONDS
from pullcord.model.outcome import MEANINGS, Outcome, Phase
from pullcord.model.reply import Reply
from pullcord.model.state import Poll
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway

Report: TypeAlias = Callable[[float, float, str], Awaitable[None]]
"""Told at each look: the seconds watched, the seconds there are, and what was seen."""

GROWTH = 1.6
"""How much longer each interval is than the one before."""
LAST_LOOK = 5.0
"""Seconds that the look at the end of the time may take."""
SILENCE = 10.0
"""Seconds after which a client is told that pullcord still waits, even if there was no look."""

_ENDED = frozenset({Phase.ENDED, Phase.CANCELLED})
_HOPELESS = frozenset({Outcome.NOT_FOUND, Outcome.DENIED})


async def wait(attempt: Attempt, gateway: Gateway, report: Report) -> Attempt:
    """Watch the work of a cancel whose caller asked for it, and settle what came of the cancel.

    A look that fails is no news: watching goes on, and what was last known stays known. Nothing is cancelled again.

    Args:
        attempt: the cancel, sent and judged.
        gateway: sends the looks.
        report: tells the client how far it is.
    """
    seconds = attempt.call.arguments.get(WAIT_SECONDS)
    if not isinstance(seconds, int) or not seconds or not is_worthwhile(attempt):
        return attempt
    looking = _confirming(attempt)
    if looking is None:
        return replace(attempt, watch=Watch(0, possible=False))
    watch = await _watch(attempt, looking, gateway, report, seconds)
    return replace(attempt, watch=watch, verdict=settle(attempt, watch))


def is_worthwhile(attempt: Attempt) -> bool:
    """Whether watching can add anything to what is known of a cancel."""
    judged = attempt.verdict
    if attempt.obstacle or not attempt.call.operation.cancel or judged.work_stopped == "yes":
        return False
    return judged.outcome is Outcome.UNKNOWN or not MEANINGS[judged.outcome].is_error


async def _watch(attempt: Attempt, looking: Call, gateway: Gateway, report: Report, seconds: int) -> Watch:
    cancel, state_of = attempt.call.operation.cancel, looking.operation.state
    poll = (cancel and cancel.poll) or (state_of and state_of.poll) or Poll()
    title = attempt.call.operation.platform.title
    look = request.build(looking.operation, looking.arguments, looking.settings, looking.request_id)
    started = gateway.now()
    end = started + seconds
    reply, watch = attempt.reply or Reply.lost(""), Watch(0)
    pause, state = poll.first, attempt.verdict.state or "unknown"
    while (left := end - gateway.now()) > 0 and not gateway.ending.is_set():
        least = reply.retry_after or 0
        if least > left:
            break
        jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
        rest = min(left, max(jittered, least))
        while rest > SILENCE and not gateway.ending.is_set():
            await gateway.pause(SILENCE)
            rest -= SILENCE
            await report(gateway.now() - started, seconds, f"{title}: {state}")
        await gateway.pause(rest)
        reply = Reply.lost("no answer came in time")
        with anyio.move_on_after(end + LAST_LOOK - gateway.now()):
            reply = await gateway.send(looking.operation, look, deadline=looking.deadline)
        judged = judge(looking.operation, reply)
        watch = replace(watch, looks=watch.looks + 1)
        if judged.outcome is Outcome.OBSERVED:
            state = judged.state or "unknown"
            watch = replace(watch, last=Attempt(looking, judged, reply))
        now = gateway.now() - started
        failed = "" if judged.outcome is Outcome.OBSERVED else " (this look failed)"
        await report(now, seconds, f"{title}: {state}{failed}")
        # That nothing ran can only be looked up, not waited for.
        nothing_ran = attempt.verdict.outcome is Outcome.NOTHING_RUNNING
        if judged.phase in _ENDED or judged.outcome in _HOPELESS or nothing_ran:
            break
        pause = min(pause * GROWTH, poll.most)
    return replace(watch, seconds=gateway.now() - started)


def _confirming(attempt: Attempt) -> Call | None:
    """The call that tells how the work ended."""
    call = attempt.call
    reply = attempt.reply if attempt.reply and attempt.reply.status is not None else None
    for link in call.operation.response(reply.status if reply else None).links:
        if call.operation.cancel and link.rel in call.operation.cancel.confirm[:1]:
            arguments = {name: read(call, reply, expression) for name, expression in link.arguments}
            if not call.surface.checks[link.operation_id](arguments):
                operation = call.surface.catalogue[link.operation_id]
                return call._replace(operation=operation, arguments=arguments, found={})
    return None


def settle(attempt: Attempt, watch: Watch) -> Verdict:
    """What came of a cancel after watching: the cancel's own verdict, and what the last look adds to it. Pure.

    Args:
        attempt: the cancel.
        watch: what watching it showed.
    """
    judged = attempt.verdict
    if watch.last is None:
        looked = wording.LOOKED_IN_VAIN.format(seconds=f"{watch.seconds:.0f}") if watch.looks else None
        return replace(judged, note=_join(judged.note, looked))
    last = watch.last.verdict
    known = replace(judged, state=last.state, read=last.read, work_stopped=last.work_stopped, note=None)
    if last.phase is Phase.CANCELLED:
        return replace(known, outcome=Outcome.STOPPED)
    if last.phase is Phase.ENDED and judged.outcome is Outcome.STOPPING:
        note = None if attempt.call.operation.repeatable else wording.MISSED
        return replace(known, outcome=Outcome.FINISHED_FIRST, note=note)
    if last.phase is Phase.ENDED or judged.outcome is Outcome.NOTHING_RUNNING:
        return replace(known, note=wording.LOOKED[last.phase])
    watched = wording.WATCHED.format(seconds=f"{watch.seconds:.0f}")
    return replace(known, note=_join(judged.note, watched))


def _join(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None
