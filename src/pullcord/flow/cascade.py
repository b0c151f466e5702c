"""A cancel that takes what its work started with it: the parent first, then its parts side by side, then a last look.

What was together started is stopped together, each piece by the one engine step, and with an outcome of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import anyio

from pullcord.flow.attempt import Attempt, Call, Obstacle
from pullcord.flow.engine import Engine
from pullcord.flow.parts import Parts, find, identity
from pullcord.flow.step import Caller, step, withhold
from pullcord.flow.verdict import Verdict
from pullcord.flow.wait import wait
from pullcord.model.cancel import CASCADE, REASON, WAIT_SECONDS
from pullcord.model.outcome import MayGoOn, Outcome, WorkStopped

_HALTING = frozenset(Obstacle) - {Obstacle.OVER, Obstacle.LIMITED}
"""What stops the parent so that its parts are left alone, too: it was not sent, for a reason that holds for them."""
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


@dataclass(frozen=True, slots=True)
class Whole:
    """What came of a cascade."""

    parent: Attempt
    """With the verdict on all of it."""
    parts: tuple[Attempt, ...]


async def cascade(call: Call, engine: Engine, caller: Caller) -> Whole:
    """Stop a piece of work, and what it started.

    Args:
        call: the parent's cancel, checked, and named by a request id.
        engine: what each piece goes through.
        caller: who calls; a person is asked once, about all of it.
    """
    parts = Parts()
    parts.known.add(identity(call))
    await find(call, None, engine.gateway, parts)  # some platforms empty their lists of parts at the end
    before = [*parts.calls]
    parent = await step(call, engine, caller, before)
    if parent.obstacle in _HALTING:
        return Whole(parent, ())
    done: list[Attempt] = []
    parent, stopped = await _stop(call, parent, before, engine, caller)
    done += stopped
    await find(call, parent, engine.gateway, parts)
    late = parts.calls[len(before) :]
    if caller.person:  # nobody was asked about these
        done += [withhold(each, Obstacle.DECLINED) for each in late]
    else:
        done += (await _stop(call, None, late, engine, caller))[1]
    return Whole(replace(parent, verdict=_together(parent, done, complete=parts.complete)), tuple(done))


async def _stop(
    call: Call, parent: Attempt | None, parts: Sequence[Call], engine: Engine, caller: Caller
) -> tuple[Attempt, list[Attempt]]:
    """Stop parts side by side, and watch them, and the parent if it is given."""
    found: dict[int, Attempt] = {}
    alone = replace(caller, person=None)
    watched = parent

    async def one(number: int, part: Call) -> None:
        found[number] = await _stop_one(_dressed(call, part), engine, alone)

    async def watch(attempt: Attempt) -> None:
        nonlocal watched
        watched = await wait(attempt, engine.gateway, caller.report)

    async with anyio.create_task_group() as tasks:
        if parent:
            tasks.start_soon(watch, parent)
        for number, part in enumerate(parts):
            tasks.start_soon(one, number, part)
    return watched or withhold(call, Obstacle.CRASHED), [found[number] for number in range(len(parts))]


async def _stop_one(part: Call, engine: Engine, caller: Caller) -> Attempt:
    if part.operation.id not in part.surface.tools:
        return withhold(part, Obstacle.BARRED)
    if part.deadline is not None and engine.gateway.now() >= part.deadline:
        return withhold(part, Obstacle.LATE)
    attempt = await step(part, engine, caller)
    # Alone it would be watched in vain where the request reaches none of its children; here they are stopped, too.
    watched = replace(attempt, verdict=replace(attempt.verdict, watch=True))
    return await wait(watched, engine.gateway, caller.report)


def _dressed(call: Call, part: Call) -> Call:
    """A part's cancel, with what the caller said of the whole."""
    takes = {parameter.name for parameter in part.operation.arguments}
    given = {name: call.arguments[name] for name in (REASON, WAIT_SECONDS) if name in call.arguments and name in takes}
    return part._replace(arguments={**part.arguments, **given})


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
