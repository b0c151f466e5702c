"""A cancel that takes what its work started with it: the parent first, then its parts side by side, then a last look.

What was together started is stopped together, each piece by the one engine step, and with an outcome of its own.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import anyio

from pullcord.flow.attempt import Attempt, Call, Obstacle, Whole
from pullcord.flow.engine import Engine
from pullcord.flow.parts import Parts, Piece, find
from pullcord.flow.step import Caller, step, withhold
from pullcord.flow.verdict import Verdict
from pullcord.flow.wait import Report, wait
from pullcord.model.cancel import CASCADE, REASON, WAIT_SECONDS
from pullcord.model.outcome import MayGoOn, Outcome, WorkStopped

Work: TypeAlias = Callable[[], Awaitable[Attempt]]

READING = 15.0
"""Seconds after which nothing is read any more before the first sending: the rest of the call's time is for that."""

_WORST = (
    Outcome.STOPPING,
    Outcome.UNKNOWN,
    Outcome.UNAVAILABLE,
    Outcome.RATE_LIMITED,
    Outcome.DENIED,
    Outcome.REFUSED,
    Outcome.INVALID_ARGUMENTS,
)
"""The first of these that any piece has is what came of the whole."""
_WORST_OF_WORK: Sequence[WorkStopped] = ("no", "unknown")


async def cascade(call: Call, engine: Engine, caller: Caller) -> tuple[Attempt, Whole | None]:
    """Stop a piece of work, and what it started.

    Args:
        call: the parent's cancel, checked, and named by a request id.
        engine: what each piece goes through.
        caller: who calls; a person is asked once, about all of it.

    Returns:
        The parent's own attempt, and what came of it all; None: the parent was not sent, and its parts were left alone.
    """
    gateway, parts = engine.gateway, Parts()
    report = _in_turn(caller.report, engine, call.allowance)
    # Some platforms empty their lists of parts at the end.
    await find([Piece(call._replace(deadline=gateway.now() + READING))], gateway, parts)
    before = [*parts.calls]
    parent = await step(call, engine, caller, before)
    if parent.obstacle not in {None, Obstacle.OVER}:
        return parent, None
    alone = replace(caller, report=report, person=None)

    def stops(found: Sequence[Call]) -> list[Work]:
        return [partial(_stop, _dressed(parent.call, each), engine, alone) for each in found]

    parent, *done = await _side_by_side([partial(wait, _reached(parent), gateway, report), *stops(before)])
    await find([Piece(each.call, each) for each in (parent, *done)], gateway, parts)
    late = parts.calls[len(before) :]
    if caller.person:
        done += [withhold(each, Obstacle.FOUND_LATER) for each in late]
    else:
        done += await _side_by_side(stops(late))
    return parent, Whole(_together(parent, done, complete=parts.complete), tuple(done), parts.complete)


async def _side_by_side(works: Sequence[Work]) -> list[Attempt]:
    """What comes of pieces of work that are done at once, in their order."""
    done: dict[int, Attempt] = {}

    async def one(number: int, work: Work) -> None:
        done[number] = await work()

    async with anyio.create_task_group() as tasks:
        for number, work in enumerate(works):
            tasks.start_soon(one, number, work)
    return [done[number] for number in range(len(works))]


async def _stop(part: Call, engine: Engine, caller: Caller) -> Attempt:
    """Stop one part, and watch it."""
    if part.operation.id not in part.surface.tools:
        return withhold(part, Obstacle.BARRED)
    if part.deadline is not None and engine.gateway.now() >= part.deadline:
        return withhold(part, Obstacle.LATE)
    return await wait(_reached(await step(part, engine, caller)), engine.gateway, caller.report)


def _reached(attempt: Attempt) -> Attempt:
    """A cancel whose work is worth watching, even if the cancel alone doesn't reach it: what it works in is stopped."""
    return replace(attempt, verdict=replace(attempt.verdict, watch=True))


def _in_turn(report: Report, engine: Engine, total: float) -> Report:
    """A report of several pieces that are watched at once: its seconds are those of the whole, and grow."""
    started, told = engine.gateway.now(), 0.0

    async def tell(_seconds: float, _of: float, what: str) -> None:
        nonlocal told
        if (seconds := engine.gateway.now() - started) > told:
            told = seconds
            await report(seconds, total, what)

    return tell


def _dressed(call: Call, part: Call) -> Call:
    """A part's cancel, with what the caller said of the whole, and a name of its own."""
    takes = {parameter.name for parameter in part.operation.arguments}
    given = {name: call.arguments[name] for name in (REASON, WAIT_SECONDS) if name in call.arguments and name in takes}
    return part._replace(
        arguments={**part.arguments, **given}, request_id=secrets.token_hex(16), deadline=call.deadline
    )


def _together(parent: Attempt, parts: Iterable[Attempt], *, complete: bool) -> Verdict:
    """The verdict on the parent and its parts; what could not all be read is never proved."""
    verdicts = [parent.verdict, *(each.verdict for each in parts)]
    outcomes = {each.outcome for each in verdicts}
    states = [each.work_stopped for each in verdicts if each.outcome is not Outcome.NOT_FOUND]
    work_stopped = next((word for word in _WORST_OF_WORK if word in states), "yes" if states else "unknown")
    going_on = frozenset(word for each in verdicts for word in each.may_go_on)
    over = complete and not outcomes.intersection(_WORST)
    return replace(
        parent.verdict,
        outcome=next((word for word in _WORST if word in outcomes), parent.verdict.outcome),
        work_stopped="unknown" if work_stopped == "yes" and not complete else work_stopped,
        may_go_on=going_on - {MayGoOn.CHILDREN} if over else going_on,
    )


def is_asked_for(call: Call) -> bool:
    """Whether a call asks to stop what its work started, too."""
    return call.arguments.get(CASCADE) is True
