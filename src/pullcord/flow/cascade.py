"""A cancel with cascade: the parent is stopped first, then its parts at once, then they are looked for once more.

Each piece is stopped by the one engine step, and has an outcome of its own.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

import anyio

from pullcord.flow.attempt import Attempt, Call, Obstacle, Whole
from pullcord.flow.caller import Caller
from pullcord.flow.consent import label
from pullcord.flow.engine import Engine
from pullcord.flow.parts import Parts, Piece, find
from pullcord.flow.progress import Report
from pullcord.flow.step import step, withhold
from pullcord.flow.verdict import Verdict
from pullcord.flow.wait import wait
from pullcord.model import sanitize
from pullcord.model.cancel import CASCADE, REASON, WAIT_SECONDS
from pullcord.model.outcome import MayGoOn, Outcome, WorkStopped

Job: TypeAlias = Callable[[], Awaitable[Attempt]]
"""Stops or watches one piece of work."""

READING = 15.0
"""Seconds for finding parts before the parent is stopped, at most: the rest of the call's time is for stopping."""

_WORST = (
    Outcome.STOPPING,
    Outcome.UNKNOWN,
    Outcome.UNAVAILABLE,
    Outcome.RATE_LIMITED,
    Outcome.DENIED,
    Outcome.REFUSED,
    Outcome.INVALID_ARGUMENTS,
)
"""The first of these outcomes that any piece has is the outcome of the whole."""
_WORST_WORK_STOPPED: Sequence[WorkStopped] = ("no", "unknown")
"""The first of these that any piece has is work_stopped of the whole."""
_NAME_LENGTH = 12
"""Characters of an id that name a part in a line of progress."""


async def cascade(call: Call, engine: Engine, caller: Caller) -> tuple[Attempt, Whole | None]:
    """Stop a piece of work, and the parts that it started.

    Args:
        call: the parent's cancel, checked, with a request id.
        engine: sends, limits and records each piece.
        caller: the client, and the person behind it, who is asked once about all pieces.

    Returns:
        The parent's own attempt, and what came of the whole; None: the parent's cancel was not sent, and so were none
        of its parts'.
    """
    gateway, parts = engine.gateway, Parts()
    report = _growing(caller.report, engine, call.allowance)
    # Some platforms empty their lists of parts at the end.
    await find([Piece(call._replace(deadline=gateway.now() + READING))], gateway, parts)
    early_parts = [*parts.calls]
    parent = await step(call, engine, caller, early_parts)
    if parent.obstacle not in {None, Obstacle.OVER}:
        return parent, None
    person = caller.person
    agreed_parts = [each for each in early_parts if person is None or person.agreed(label(each))]
    silent_caller = caller._replace(report=report, person=None)

    def stop_jobs(calls: Sequence[Call]) -> list[Job]:
        return [
            partial(_stop, _addressed(parent.call, each), engine, silent_caller._replace(report=_named(report, each)))
            for each in calls
        ]

    parent, *attempts = await _side_by_side(
        [partial(wait, _watchable(parent), gateway, silent_caller), *stop_jobs(agreed_parts)]
    )
    await find([Piece(each.call, each) for each in (parent, *attempts)], gateway, parts)
    late_parts = [each for each in parts.calls if each not in agreed_parts]
    if person:
        attempts += [withhold(each, Obstacle.UNAGREED) for each in late_parts]
    else:
        attempts += await _side_by_side(stop_jobs(late_parts))
    return parent, Whole(_joint_verdict(parent, attempts, complete=parts.complete), tuple(attempts), parts.complete)


async def _side_by_side(jobs: Sequence[Job]) -> list[Attempt]:
    """Do jobs at once, and return their attempts in the same order."""
    attempts: dict[int, Attempt] = {}

    async def run(number: int, job: Job) -> None:
        attempts[number] = await job()

    async with anyio.create_task_group() as tasks:
        for number, job in enumerate(jobs):
            tasks.start_soon(run, number, job)
    return [attempts[number] for number in range(len(jobs))]


async def _stop(part: Call, engine: Engine, caller: Caller) -> Attempt:
    """Stop one part, and watch it."""
    # A cancel that is no tool for anybody is for parts alone, and goes with that of its parent.
    if part.operation.tool and part.operation.id not in part.surface.tools:
        return withhold(part, Obstacle.BARRED)
    if part.deadline is not None and engine.gateway.now() >= part.deadline:
        return withhold(part, Obstacle.LATE)
    return await wait(_watchable(await step(part, engine, caller)), engine.gateway, caller)


def _watchable(attempt: Attempt) -> Attempt:
    """An attempt whose work is watched, even if its cancel alone doesn't reach it: its parts are stopped, too."""
    return attempt._replace(verdict=attempt.verdict._replace(is_watchable=True))


def _growing(report: Report, engine: Engine, total: float) -> Report:
    """A report for several pieces that are watched at once: its seconds are those of the whole call, and only grow."""
    start, latest = engine.gateway.now(), 0.0

    async def report_latest(_seconds: float, _total: float, text: str) -> None:
        nonlocal latest
        if (seconds := engine.gateway.now() - start) > latest:
            latest = seconds
            await report(seconds, total, text)

    return report_latest


def _named(report: Report, part: Call) -> Report:
    """A report that tells by the end of its id which part it is about: all are told of as one call's progress."""
    ids = [str(value) for value in part.arguments.values()]
    label = f" ({sanitize.text(ids[-1][-_NAME_LENGTH:])})" if ids else ""  # a cancel may take no argument

    async def report_part(seconds: float, total: float, text: str) -> None:
        await report(seconds, total, text + label)

    return report_part


def _addressed(call: Call, part: Call) -> Call:
    """A part's cancel with the reason, the waiting and the deadline of the whole call, and a request id of its own."""
    names = {parameter.name for parameter in part.operation.arguments}
    common = {name: call.arguments[name] for name in (REASON, WAIT_SECONDS) if name in call.arguments and name in names}
    return part._replace(
        arguments={**part.arguments, **common}, request_id=secrets.token_hex(6), deadline=call.deadline
    )


def _joint_verdict(parent: Attempt, parts: Iterable[Attempt], *, complete: bool) -> Verdict:
    """The verdict on the parent and its parts; work_stopped is never yes where not all parts are known."""
    verdicts = [parent.verdict, *(each.verdict for each in parts)]
    outcomes = {each.outcome for each in verdicts}
    words = [each.work_stopped for each in verdicts if each.outcome is not Outcome.NOT_FOUND]
    work_stopped = next((word for word in _WORST_WORK_STOPPED if word in words), "yes" if words else "unknown")
    may_go_on = frozenset(word for each in verdicts for word in each.may_go_on)
    has_ended = complete and not outcomes.intersection(_WORST)
    return parent.verdict._replace(
        outcome=next((word for word in _WORST if word in outcomes), parent.verdict.outcome),
        work_stopped="unknown" if work_stopped == "yes" and not complete else work_stopped,
        may_go_on=may_go_on - {MayGoOn.CHILDREN} if has_ended else may_go_on,
    )


def is_asked_for(call: Call) -> bool:
    """Whether a call has the argument cascade."""
    return call.arguments.get(CASCADE) is True
