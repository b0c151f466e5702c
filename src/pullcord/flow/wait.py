"""Waiting: follow the links that confirm a cancel, or repeat a look, until the work has ended or the time is up."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import anyio

from pullcord.flow.attempt import Aim, Attempt, Call, Watch
from pullcord.flow.looking import linked, look
from pullcord.flow.settlement import delays, idle, settle, unsettled
from pullcord.flow.target import sight
from pullcord.flow.verdict import Cause, Verdict
from pullcord.model.outcome import FINAL, MEANINGS, OVER, Outcome
from pullcord.model.state import Poll
from pullcord.upstream.gateway import Gateway

Report: TypeAlias = Callable[[float, float, str], Awaitable[None]]
"""Told at each look: the seconds watched, the seconds there are, and what was seen."""

GROWTH = 1.6
"""How much longer each interval is than the one before."""
LAST_LOOK = 5.0
"""Seconds that the look at the end of the time may take."""
SILENCE = 10.0
"""Seconds after which a client is told that pullcord still waits, even if there was no look."""

_HOPELESS = frozenset({Outcome.NOT_FOUND, Outcome.DENIED})
"""What a look says where looking again won't help."""


async def wait(attempt: Attempt, gateway: Gateway, report: Report) -> Attempt:
    """Watch the work of a cancel, or what a look is at, as long as its caller lets it, and settle what came of it.

    A look that fails is no news: watching goes on, and what was last known stays known. Nothing is cancelled again.

    Args:
        attempt: the cancel, sent and judged; or the first look.
        gateway: sends the looks.
        report: tells the client how far it is.
    """
    if not is_worthwhile(attempt):
        return attempt
    if not attempt.call.wait and not attempt.verdict.look:
        return replace(attempt, verdict=unsettled(attempt))
    if await _met_nothing(attempt, gateway):
        return replace(attempt, verdict=idle(attempt.verdict))
    calls = _looks(attempt)
    if not calls:
        return replace(attempt, watch=Watch(possible=False), verdict=unsettled(attempt))
    watch = await _Watching(attempt, calls, gateway, report).run()
    shown = attempt if attempt.call.operation.cancel else watch.last or attempt
    return replace(shown, call=attempt.call, watch=watch, verdict=settle(attempt, watch))


def is_worthwhile(attempt: Attempt) -> bool:
    """Whether looking at the work can add anything to what is known: the one place that says so."""
    judged, cancel = attempt.verdict, attempt.call.operation.cancel
    if attempt.obstacle or not judged.watch:
        return False
    if cancel is None:
        return judged.outcome is Outcome.UNKNOWN or (judged.outcome is Outcome.OBSERVED and judged.phase not in OVER)
    if judged.look:
        return True
    if judged.outcome is Outcome.STOPPED:  # an end may turn out to be none, and other signs may prove it
        return judged.work_stopped != "yes" and bool(cancel.again or cancel.confirm[1:])
    if judged.outcome in FINAL:
        return judged.outcome is Outcome.NOTHING_RUNNING
    return judged.outcome is Outcome.UNKNOWN or not MEANINGS[judged.outcome].is_error


async def _met_nothing(attempt: Attempt, gateway: Gateway) -> bool:
    """Whether an accepted cancel met nothing: nothing ran just before it, and a second look finds nothing, either."""
    cancel = attempt.call.operation.cancel
    if attempt.aim is not Aim.NOTHING or attempt.verdict.outcome is not Outcome.STOPPING:
        return False
    return bool(cancel and cancel.target and (await sight(attempt.call, gateway, cancel.target)).aim is Aim.NOTHING)


def _looks(attempt: Attempt) -> list[Call]:
    """What tells how the work ends: the first gives the word, the others delay it while they show activity."""
    cancel = attempt.call.operation.cancel
    if cancel is None:
        return [attempt.call]
    return [each for rel in cancel.confirm if (each := linked(attempt.call, attempt.reply, rel))]


class _Watching:
    """One watching, with what it has seen so far.

    Args:
        attempt: the cancel, or the first look.
        calls: the looks that tell how the work ends; at least one.
        gateway: sends them.
        report: tells the client.
    """

    def __init__(self, attempt: Attempt, calls: list[Call], gateway: Gateway, report: Report) -> None:
        self.attempt, self.calls, self.gateway, self.report = attempt, calls, gateway, report
        cancel, judged, deadline = attempt.call.operation.cancel, attempt.verdict, attempt.call.deadline
        self.started = gateway.now()
        left = attempt.call.wait if deadline is None else min(attempt.call.wait, deadline - self.started)
        self.seconds = max(0.0, left)
        self.state = judged.state or "unknown"
        self.least: float = (attempt.reply.retry_after if attempt.reply else None) or 0
        self.again = (cancel and cancel.again) or 0
        self.ends = int(judged.outcome is Outcome.STOPPED and self.again > 0)
        """How often in a row the work was found to have ended."""
        self.hopeless = False
        self.watch = Watch(last=attempt if judged.outcome is Outcome.OBSERVED else None)

    @property
    def elapsed(self) -> float:
        return self.gateway.now() - self.started

    async def run(self) -> Watch:
        if self.attempt.verdict.look:
            await self._look()  # this one decides
        else:
            await self._follow()
        return replace(self.watch, seconds=self.elapsed, settled=not (self.again and self.ends == 1))

    async def _follow(self) -> None:
        """Look until the work has ended, no look can tell more, or the time is up."""
        cancel, state = self.attempt.call.operation.cancel, self.calls[0].operation.state
        poll = (cancel and cancel.poll) or (state and state.poll) or Poll()
        enough = 2 if self.again else 1
        pause = poll.first
        while not self.gateway.ending.is_set():
            left = self.seconds - self.elapsed
            least = max(self.least, self.again if self.ends else 0)
            if left <= 0 or least > left:
                break
            jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
            await self._rest(least if self.again and self.ends else min(left, max(jittered, least)))
            await self._look()
            # That nothing ran can only be looked up, not waited for.
            if self.hopeless or self.ends >= enough or self.attempt.verdict.outcome is Outcome.NOTHING_RUNNING:
                break
            pause = min(pause * GROWTH, poll.most)

    async def _rest(self, seconds: float) -> None:
        """Pause, and let the client know in the meantime that pullcord still waits."""
        while seconds > SILENCE and not self.gateway.ending.is_set():
            await self.gateway.pause(SILENCE)
            seconds -= SILENCE
            await self._tell(self.state)
        await self.gateway.pause(seconds)

    async def _tell(self, what: str) -> None:
        title = self.attempt.call.operation.platform.title
        await self.report(self.elapsed, self.seconds, f"{title}: {what}")

    async def _look(self) -> None:
        """Look once at all that tells how the work ended."""
        first, *others = self.calls
        seen = await self._see(first)
        judged = seen.verdict
        self.watch = replace(self.watch, looks=self.watch.looks + 1, gone=judged.outcome is Outcome.NOT_FOUND)
        self.hopeless = judged.outcome in _HOPELESS
        if judged.outcome is not Outcome.OBSERVED:
            await self._tell(f"{self.state} (this look failed)")
            return
        self.state = judged.state or "unknown"
        over = judged.phase in OVER
        beside = [await self._see(each) for each in others] if over else []
        self.watch = replace(self.watch, last=seen, beside=tuple(beside))
        self.hopeless = any(each.verdict.outcome is Outcome.DENIED for each in beside)
        self.ends = self.ends + 1 if over and not any(delays(each.verdict) for each in beside) else 0
        await self._tell(self.state)

    async def _see(self, call: Call) -> Attempt:
        """Make a look; the client is told in the meantime that pullcord still waits."""
        seen = Attempt(call, Verdict(Outcome.UNKNOWN, cause=Cause.LOST))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._remind)
            with anyio.move_on_after(self.seconds + LAST_LOOK - self.elapsed):
                seen = await look(call, self.gateway)
            tasks.cancel_scope.cancel()
        self.least = (seen.reply.retry_after if seen.reply else None) or 0
        return seen

    async def _remind(self) -> None:
        while True:
            await anyio.sleep(SILENCE)
            await self._tell(self.state)
