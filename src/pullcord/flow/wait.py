"""Waiting: follow the links that confirm a cancel, or repeat a look, until the work has ended or the time is up."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import anyio

from pullcord.flow import wording
from pullcord.flow.attempt import Aim, Attempt, Call, Watch
from pullcord.flow.looking import linked, look
from pullcord.flow.settlement import settle
from pullcord.flow.target import sight
from pullcord.flow.verdict import Cause, Verdict
from pullcord.model.cancel import Target
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
    """Watch the work of a cancel whose caller asked for it, and settle what came of the cancel.

    A look that fails is no news: watching goes on, and what was last known stays known. Nothing is cancelled again.

    Args:
        attempt: the cancel, sent and judged.
        gateway: sends the looks.
        report: tells the client how far it is.
    """
    seconds, cancel = attempt.call.wait, attempt.call.operation.cancel
    if (
        cancel
        and cancel.target
        and attempt.aim is Aim.NOTHING
        and attempt.verdict.outcome is Outcome.STOPPING
        and seconds
    ):
        return await _sight_again(attempt, cancel.target, gateway)
    if cancel is None or not is_worthwhile(attempt) or not (seconds or attempt.verdict.look):
        return attempt
    calls = [each for rel in cancel.confirm if (each := linked(attempt.call, attempt.reply, rel))]
    if not calls:
        return replace(attempt, watch=Watch(possible=False))
    watch = await _Watching(attempt, calls, gateway, report, seconds).run()
    return replace(attempt, watch=watch, verdict=settle(attempt, watch))


async def _sight_again(attempt: Attempt, target: Target, gateway: Gateway) -> Attempt:
    """Settle an accepted cancel before which nothing ran, by another look at what runs."""
    sighting = await sight(attempt.call, gateway, target)
    if sighting.aim is not Aim.NOTHING:
        return replace(attempt, watch=Watch(possible=False))
    idle = replace(
        attempt.verdict, outcome=Outcome.NOTHING_RUNNING, may_go_on=frozenset(), notes=(wording.LOOKED_TWICE,)
    )
    return replace(attempt, verdict=idle)


def is_worthwhile(attempt: Attempt) -> bool:
    """Whether looking at the work can add anything to what is known of a cancel: the one place that says so."""
    judged, cancel = attempt.verdict, attempt.call.operation.cancel
    if attempt.obstacle or cancel is None or not judged.watch:
        return False
    if judged.look:
        return True
    if judged.outcome is Outcome.STOPPED:  # an end may turn out to be none, and other signs may prove it
        return judged.work_stopped != "yes" and bool(cancel.again or cancel.confirm[1:])
    if judged.outcome in FINAL:
        return judged.outcome is Outcome.NOTHING_RUNNING
    return judged.outcome is Outcome.UNKNOWN or not MEANINGS[judged.outcome].is_error


def _is_over(judged: Verdict) -> bool:
    return judged.phase in OVER or judged.outcome in _HOPELESS


class _Watching:
    """One watching, with what it has seen so far.

    Args:
        attempt: the cancel.
        calls: the looks that confirm its end; the first gives the word, the others delay it while they show activity.
        gateway: sends them.
        report: tells the client.
        seconds: how long; 0: one look decides.
    """

    def __init__(self, attempt: Attempt, calls: list[Call], gateway: Gateway, report: Report, seconds: int) -> None:
        self.attempt, self.calls, self.gateway, self.report, self.seconds = attempt, calls, gateway, report, seconds
        self.started = gateway.now()
        self.state = attempt.verdict.state or "unknown"
        self.least = (attempt.reply.retry_after if attempt.reply else None) or 0
        self.watch = Watch()
        self.again = attempt.call.operation.cancel.again if attempt.call.operation.cancel else None

    @property
    def elapsed(self) -> float:
        return self.gateway.now() - self.started

    async def run(self) -> Watch:
        cancel, state = self.attempt.call.operation.cancel, self.calls[0].operation.state
        poll = (cancel and cancel.poll) or (state and state.poll) or Poll()
        ended = self.attempt.verdict.outcome is Outcome.STOPPED
        pause = poll.first
        if not self.seconds:
            await self._look()
            return replace(self.watch, seconds=self.elapsed)
        while not self.gateway.ending.is_set():
            left = self.seconds - self.elapsed
            if ended and self.again and left < self.again:
                self.watch = replace(self.watch, settled=False)
                break
            if left <= 0 or self.least > left:
                break
            jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
            await self._rest(self.again if ended and self.again else min(left, max(jittered, self.least)))
            over = await self._look()
            # That nothing ran can only be looked up, not waited for.
            if self.attempt.verdict.outcome is Outcome.NOTHING_RUNNING or (over and (ended or not self.again)):
                break
            ended = over
            pause = min(pause * GROWTH, poll.most)
        return replace(self.watch, seconds=self.elapsed)

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

    async def _look(self) -> bool:
        """Look once at all that tells how the work ended; whether it is over."""
        first, *others = self.calls
        seen = await self._see(first)
        self.watch = replace(self.watch, looks=self.watch.looks + 1)
        self.watch = replace(self.watch, gone=seen.verdict.outcome is Outcome.NOT_FOUND)
        if seen.verdict.outcome is Outcome.OBSERVED:
            self.watch = replace(self.watch, last=seen)
            self.state = seen.verdict.state or "unknown"
        failed = seen.verdict.outcome is not Outcome.OBSERVED
        over = _is_over(seen.verdict)
        if over and seen.verdict.outcome is not Outcome.DENIED:
            beside = [await self._see(each) for each in others]
            self.watch = replace(self.watch, beside=tuple(beside))
            over = all(_is_over(each.verdict) for each in beside)
        await self._tell(f"{self.state} (this look failed)" if failed else self.state)
        return over

    async def _see(self, call: Call) -> Attempt:
        seen = Attempt(call, Verdict(Outcome.UNKNOWN, cause=Cause.LOST))
        with anyio.move_on_after(self.seconds + LAST_LOOK - self.elapsed):
            seen = await look(call, self.gateway)
        self.least = (seen.reply.retry_after if seen.reply else None) or 0
        return seen
