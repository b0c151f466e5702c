"""After a cancel: follow the confirming link until the work has ended or the time is up."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import anyio

from pullcord.flow import verdict as outcome
from pullcord.flow.actions import Call, read
from pullcord.flow.verdict import Verdict
from pullcord.model.cancel import WAIT_SECONDS
from pullcord.model.outcome import MEANINGS, Outcome, Phase
from pullcord.model.reply import Reply
from pullcord.model.state import Poll
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway

Report: TypeAlias = Callable[[float, float, str], Awaitable[None]]
"""Told at each look: the seconds watched, the seconds there are, and the platform's state."""

GROWTH = 1.6
"""How much longer each interval is than the one before."""
LAST_LOOK = 5.0
"""Seconds that the look at the end of the time may take."""

_ENDED = frozenset({Phase.ENDED, Phase.CANCELLED})
_HOPELESS = frozenset({Outcome.NOT_FOUND, Outcome.DENIED})


class Watch(NamedTuple):
    """What watching showed."""

    seconds: float
    call: Call | None = None
    """The last look that succeeded, and what it showed; None if none did."""
    reply: Reply | None = None
    verdict: Verdict | None = None


async def watch(call: Call, gateway: Gateway, reply: Reply, judged: Verdict, report: Report) -> Watch | None:
    """Watch the work of a cancel whose caller asked for it; None if there is nothing to watch.

    A look that fails is no news: watching goes on, and what was last known stays known. Nothing is cancelled again.
    """
    total = call.arguments.get(WAIT_SECONDS)
    over = MEANINGS[judged.outcome].is_error and judged.outcome is not Outcome.UNKNOWN
    if not isinstance(total, int) or not total or over or judged.work_stopped == "yes":
        return None
    looking = _confirming(call, reply)
    if looking is None:
        return None
    asked = request.build(
        looking.operation, looking.arguments, call.scope.settings_of(looking.operation), call.request_id
    )
    cancel, state = call.operation.cancel, looking.operation.state
    poll = (cancel and cancel.poll) or (state and state.poll) or Poll()
    started = gateway.now()
    end = started + total
    pause, answer, seen = poll.first, reply, Watch(0)
    while (left := end - gateway.now()) > 0 and not gateway.ending.is_set():
        least = _asked_for(answer)
        if least > left:
            break
        jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
        await gateway.pause(min(left, max(jittered, least)))
        answer = Reply.lost("no answer came in time")
        with anyio.move_on_after(end + LAST_LOOK - gateway.now()):
            answer = await gateway.send(looking.operation, asked)
        showed = outcome.judge(looking.operation, answer)
        if answer.status is not None and showed.outcome is Outcome.OBSERVED:
            seen = Watch(0, looking, answer, showed)
            await report(
                gateway.now() - started, total, f"{call.operation.platform.title}: {showed.state or 'unknown'}"
            )
        # That nothing ran can only be looked up, not waited for.
        if showed.phase in _ENDED or showed.outcome in _HOPELESS or judged.outcome is Outcome.NOTHING_RUNNING:
            break
        pause = min(pause * GROWTH, poll.most)
    return seen._replace(seconds=gateway.now() - started)


def _asked_for(answer: Reply) -> int:
    """The seconds that a platform wants to be left alone."""
    return answer.retry_after or 0


def _confirming(call: Call, reply: Reply) -> Call | None:
    """The call that tells how the work ended."""
    answer = reply if reply.status is not None else None
    for link in call.operation.response(answer.status if answer else None).links:
        if call.operation.cancel and link.rel in call.operation.cancel.confirm[:1]:
            arguments = {name: read(call, answer, expression) for name, expression in link.arguments}
            if not call.scope.checks[link.operation_id](arguments):
                return Call(call.scope, call.scope.catalogue[link.operation_id], arguments)
    return None


_MISSED = "What ran when pullcord looked ended by itself, so the cancel may have met the work that came next."
_LOOKED: Mapping[Phase | None, str] = {
    Phase.ACTIVE: "A look since then shows that something runs there now.",
    Phase.PAUSED: "A look since then shows that it is not idle: it is paused, or waits for something, and may go on.",
    Phase.ENDED: "A look since then shows that nothing runs there now.",
    None: "A look since then shows a state that pullcord doesn't know, so it may go on.",
}


def settle(judged: Verdict, seen: Watch, *, aimed: bool) -> Verdict:
    """What came of a cancel after watching: the cancel's own verdict, and what the last look adds to it. Pure.

    Args:
        judged: the cancel's verdict.
        seen: what watching showed.
        aimed: whether the cancel named its work.
    """
    last = seen.verdict
    if last is None:
        watched = f"pullcord looked for {seen.seconds:.0f} s, but no look succeeded."
        return replace(judged, note=_join(judged.note, watched))
    known = replace(judged, state=last.state, read=last.read, work_stopped=last.work_stopped, note=None)
    if last.phase is Phase.CANCELLED:
        return replace(known, outcome=Outcome.STOPPED)
    if last.phase is Phase.ENDED and judged.outcome is Outcome.STOPPING:
        return replace(known, outcome=Outcome.FINISHED_FIRST, note=None if aimed else _MISSED)
    if last.phase is Phase.ENDED or judged.outcome is Outcome.NOTHING_RUNNING:
        return replace(known, note=_LOOKED[last.phase])
    watched = f"pullcord watched it for {seen.seconds:.0f} s; state is what was reported last."
    return replace(known, note=_join(judged.note, watched))


def _join(*notes: str | None) -> str:
    return " ".join(note for note in notes if note)
