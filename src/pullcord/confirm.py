"""After a cancel: follow the confirming link until the work has ended or the time is up."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import anyio

from pullcord import outcome, problem, request
from pullcord.actions import Call, read
from pullcord.gateway import Gateway
from pullcord.operation import MEANINGS, WAIT_SECONDS, Failure, Outcome, Phase, Poll, Reply
from pullcord.outcome import Verdict

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


async def watch(call: Call, gateway: Gateway, reply: Reply | Failure, judged: Verdict, report: Report) -> Watch | None:
    """Watch the work of a cancel whose caller asked for it; None if there is nothing to watch.

    A look that fails is no news: watching goes on, and what was last known stays known. Nothing is cancelled again.
    """
    total = call.arguments.get(WAIT_SECONDS)
    looking = _confirming(call, reply)
    over = MEANINGS[judged.outcome].is_error and judged.outcome is not Outcome.UNKNOWN
    if not isinstance(total, int) or not total or looking is None or over or judged.work_stopped == "yes":
        return None
    asked = request.build(
        looking.operation, looking.arguments, call.scope.settings_of(looking.operation), call.request_id
    )
    poll = call.operation.cancel.poll if call.operation.cancel else Poll()
    started, pause, seen = gateway.now(), poll.first, Watch(0)
    while (left := started + total - gateway.now()) > 0:
        await gateway.sleep(min(left, pause * random.uniform(0.8, 1.2)))  # noqa: S311 - jitter, no secret
        answer: Reply | Failure | None = None
        with anyio.move_on_after(left + LAST_LOOK):
            answer = await gateway.send(looking.operation, asked)
        if answer is None:
            break
        showed = outcome.judge(looking.operation, answer)
        elapsed = gateway.now() - started
        seen = seen._replace(seconds=elapsed)
        if isinstance(answer, Reply) and showed.outcome is Outcome.OBSERVED:
            seen = Watch(elapsed, looking, answer, showed)
            await report(elapsed, total, f"{call.operation.platform.title}: {showed.state}")
        # That nothing ran can only be looked up, not waited for.
        if showed.phase in _ENDED or showed.outcome in _HOPELESS or judged.outcome is Outcome.NOTHING_RUNNING:
            break
        asked_for = problem.retry_after(call.operation.platform, answer) if isinstance(answer, Reply) else None
        pause = max(min(pause * GROWTH, poll.most), asked_for or 0)
    return seen


def _confirming(call: Call, reply: Reply | Failure) -> Call | None:
    """The call that tells how the work ended."""
    answer = reply if isinstance(reply, Reply) else None
    for link in call.operation.response(answer.status if answer else None).links:
        if call.operation.cancel and link.rel == call.operation.cancel.confirm:
            arguments = {name: read(call, answer, expression) for name, expression in link.arguments}
            if not call.scope.checks[link.operation_id](arguments):
                return Call(call.scope, call.scope.catalogue[link.operation_id], arguments)
    return None


def settle(judged: Verdict, seen: Watch, *, aimed: bool) -> Verdict:
    """What came of a cancel after watching: the cancel's own verdict, and what the last look adds to it. Pure.

    Args:
        judged: the cancel's verdict.
        seen: what watching showed.
        aimed: whether the cancel named its work.
    """
    last = seen.verdict
    if last is None:
        watched = f"It was watched for {seen.seconds:.0f} s, but no look at it succeeded."
        return replace(judged, note=_join(judged.note, watched))
    known = replace(judged, state=last.state, read=last.read, note=None)
    if last.phase is Phase.CANCELLED:
        return replace(known, outcome=Outcome.STOPPED, work_stopped="yes")
    if last.phase is Phase.ENDED and judged.outcome is Outcome.STOPPING:
        note = (
            None if aimed else "What ran when pullcord looked ended by itself: the cancel may have met the next work."
        )
        return replace(known, outcome=Outcome.FINISHED_FIRST, work_stopped="yes", note=note)
    if last.phase is Phase.ENDED:
        return replace(known, work_stopped="yes", note="A look since then shows that nothing runs.")
    watched = f"It was watched for {seen.seconds:.0f} s; state is what was reported last."
    return replace(known, work_stopped=last.work_stopped, note=_join(judged.note, watched))


def _join(*notes: str | None) -> str:
    return " ".join(note for note in notes if note)
