"""Waits for the end of work: follows the links that confirm a cancel, or repeats a look, until the time is up."""

import random

import anyio

from pullcord.flow.attempt import Aim, Attempt, Call, Watch
from pullcord.flow.caller import Caller
from pullcord.flow.looking import linked, look
from pullcord.flow.settlement import have_ended, idle, settle, unsettled
from pullcord.flow.target import resolve
from pullcord.flow.verdict import Verdict
from pullcord.model.outcome import FINAL, MEANINGS, OVER, Outcome, Phase
from pullcord.model.state import Poll
from pullcord.upstream.gateway import Gateway

GROWTH = 1.6
"""The factor by which each pause between two looks is longer than the one before."""
LAST_LOOK = 5.0
"""Seconds beyond the time that the last look may take."""

_HOPELESS = frozenset({Outcome.NOT_FOUND, Outcome.DENIED})
"""Outcomes of a look after which another look tells nothing else."""


async def wait(attempt: Attempt, gateway: Gateway, caller: Caller) -> Attempt:
    """Watch the work of a cancel or a look for the call's wait_seconds, and settle the verdict.

    A look that fails changes nothing: watching goes on, and what was known stays. Nothing is cancelled again.

    Args:
        attempt: the cancel, sent and judged; or the first look.
        gateway: sends the looks.
        caller: is told the progress.
    """
    if not is_worthwhile(attempt):
        return attempt
    if not attempt.call.wait and not attempt.verdict.needs_look:
        return attempt._replace(verdict=unsettled(attempt))
    if await _met_nothing(attempt, gateway):
        return attempt._replace(verdict=idle(attempt.verdict))
    calls = _looks(attempt)
    if not calls:
        return attempt._replace(watch=Watch(possible=False), verdict=unsettled(attempt))
    watch = await _Watching(attempt, calls, gateway, caller).run()
    source = attempt if attempt.call.operation.cancel else watch.last or attempt
    return source._replace(watch=watch, verdict=settle(attempt, watch))


def is_worthwhile(attempt: Attempt) -> bool:
    """Whether looks at the work can add anything to what is known: the one place that decides it."""
    verdict, cancel = attempt.verdict, attempt.call.operation.cancel
    if attempt.obstacle or not verdict.is_watchable:
        return False
    if cancel is None:
        return verdict.outcome is Outcome.UNKNOWN or (verdict.outcome is Outcome.OBSERVED and verdict.phase not in OVER)
    if verdict.needs_look:
        return attempt.watch is None  # the look before a repeat has decided already
    if verdict.outcome is Outcome.STOPPED:  # an end may turn out to be none, and other signs may prove it
        return verdict.work_stopped != "yes" and bool(cancel.again or cancel.confirm[1:])
    if verdict.outcome in FINAL:
        return verdict.outcome is Outcome.NOTHING_RUNNING
    return verdict.outcome is Outcome.UNKNOWN or not MEANINGS[verdict.outcome].is_error


async def _met_nothing(attempt: Attempt, gateway: Gateway) -> bool:
    """Whether an accepted cancel had nothing to stop: nothing ran just before it, and a look now finds nothing."""
    cancel, before = attempt.call.operation.cancel, attempt.before
    if attempt.aim is not Aim.NOTHING or attempt.verdict.outcome is not Outcome.STOPPING:
        return False
    if before and before.verdict.phase in {Phase.ACTIVE, Phase.PAUSED}:
        return False  # the work had begun, or was about to, and the target's list did not have it yet
    return bool(cancel and cancel.target and (await resolve(attempt.call, gateway, cancel.target)).aim is Aim.NOTHING)


def _looks(attempt: Attempt) -> list[Call]:
    """The looks that tell how the work ends: the first gives the state, the others delay the end while active."""
    cancel = attempt.call.operation.cancel
    if cancel is None:
        return [attempt.call]
    return [each for rel in cancel.confirm if (each := linked(attempt.call, attempt.reply, rel))]


class _Watching:
    """Watches one piece of work, and keeps what it has seen so far.

    Args:
        attempt: the cancel, or the first look.
        calls: the looks that tell how the work ends; at least one.
        gateway: sends them.
        caller: is told the progress.
    """

    def __init__(self, attempt: Attempt, calls: list[Call], gateway: Gateway, caller: Caller) -> None:
        self.attempt, self.calls, self.gateway, self.caller = attempt, calls, gateway, caller
        cancel, verdict, deadline = attempt.call.operation.cancel, attempt.verdict, attempt.call.deadline
        self.start = gateway.now()
        seconds = attempt.call.wait if deadline is None else min(attempt.call.wait, deadline - self.start)
        self.seconds = max(0.0, seconds)
        self.state = verdict.state or "unknown"
        self.least_pause: float = (attempt.reply.retry_after if attempt.reply else None) or 0
        self.recheck_seconds = (cancel and cancel.again) or 0
        self.ends = int(verdict.outcome is Outcome.STOPPED and self.recheck_seconds > 0)
        """The number of looks in a row that found the work ended."""
        self.is_hopeless = False
        self.watch = Watch(last=attempt if verdict.outcome is Outcome.OBSERVED else None)

    @property
    def elapsed(self) -> float:
        return self.gateway.now() - self.start

    async def run(self) -> Watch:
        if self.attempt.verdict.needs_look:
            await self._look()  # this one decides
        else:
            await self._follow()
        return self.watch._replace(seconds=self.elapsed, settled=not (self.recheck_seconds and self.ends == 1))

    async def _follow(self) -> None:
        """Look until the work has ended, no look can tell more, or the time is up."""
        cancel, state = self.attempt.call.operation.cancel, self.calls[0].operation.state
        poll = (cancel and cancel.poll) or (state and state.poll) or Poll()
        ends_needed = 2 if self.recheck_seconds else 1
        pause = poll.first
        if self.caller.on_watch:
            self.caller.on_watch()
        while not self.gateway.ending.is_set():
            seconds_left = self.seconds - self.elapsed
            least_pause = max(self.least_pause, self.recheck_seconds if self.ends else 0)
            if seconds_left <= 0 or least_pause > seconds_left:
                return
            jitter = pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
            is_recheck = self.recheck_seconds and self.ends
            await self.gateway.pause(least_pause if is_recheck else min(seconds_left, max(jitter, least_pause)))
            await self._look()
            # After a cancel with nothing to stop there is no end to wait for: one look is enough.
            if self.is_hopeless or self.ends >= ends_needed or self.attempt.verdict.outcome is Outcome.NOTHING_RUNNING:
                return
            pause = min(pause * GROWTH, poll.most)

    async def _report(self, text: str) -> None:
        title = self.attempt.call.operation.platform.title
        await self.caller.report(self.elapsed, self.seconds, f"{title}: {text}")

    async def _look(self) -> None:
        """Make each look once; the further ones only where the first shows an end."""
        first_call, *other_calls = self.calls
        attempt = await self._make_look(first_call)
        verdict = attempt.verdict
        self.watch = self.watch._replace(looked=True, gone=verdict.outcome is Outcome.NOT_FOUND)
        self.is_hopeless = verdict.outcome in _HOPELESS
        if verdict.outcome is not Outcome.OBSERVED:
            await self._report(f"{self.state} (this look failed)")
            return
        self.state = verdict.state or "unknown"
        attempts = [await self._make_look(each) for each in other_calls] if verdict.phase in OVER else []
        self.watch = self.watch._replace(last=attempt, further=tuple(attempts))
        self.is_hopeless = any(each.verdict.outcome is Outcome.DENIED for each in attempts)
        self.ends = self.ends + 1 if have_ended(verdict, [each.verdict for each in attempts]) else 0
        await self._report(self.state)

    async def _make_look(self, call: Call) -> Attempt:
        attempt = Attempt(call, Verdict(Outcome.UNKNOWN))
        with anyio.move_on_after(self.seconds + LAST_LOOK - self.elapsed):
            attempt = await look(call, self.gateway)
        self.least_pause = (attempt.reply.retry_after if attempt.reply else None) or 0
        return attempt
