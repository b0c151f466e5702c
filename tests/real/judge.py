"""Whether an answer is honest: what it said beside what was true, and beside what its platform's facts carry."""

from collections.abc import Iterator
from typing import Any

from tests.real.story import Must, Step
from tests.real.witness import Truth

SPEAKS_OF_THE_WORK = frozenset(
    {"stopped", "stopping", "nothing_running", "already_finished", "finished_first", "observed", "unknown"}
)
"""Outcomes after which an agent believes that it knows what the work does."""


WHAT_LEFT = frozenset({"children", "background_tasks", "processes"})
"""Words for what goes on without the work that had started it."""


def faults(step: Step, answer: dict[str, Any], true: str | None, left: str | None = None) -> Iterator[str]:
    """What is wrong with an answer, a sentence each.

    Args:
        step: what was asked, and what must hold.
        answer: what pullcord answered.
        true: what was true of the work right after the answer; nothing where the answer doesn't speak of it.
        left: what was true then of what had left the work; nothing where nothing had.
    """
    outcome, stopped, goes_on = answer["outcome"], answer["work_stopped"], set(answer["may_go_on"])
    if outcome not in step.outcomes.split():
        yield f"the outcome is {outcome}, not {' or '.join(step.outcomes.split())}: {answer['message']}"
    if beyond := goes_on - set(step.may_go_on.split()):
        yield f"may_go_on names {', '.join(sorted(beyond))}, which the platform's facts don't carry"
    if true is not None:
        yield from _untrue(outcome, stopped, true, names_something=bool(goes_on))
    if left == Truth.RUNS and stopped != "no" and outcome in SPEAKS_OF_THE_WORK and not goes_on & WHAT_LEFT:
        yield "what left the work runs, and may_go_on doesn't name it"
    if step.leaves and true != step.leaves:
        yield f"the work {true}, and must be work that {step.leaves}"
    yield from _missed(step.must, stopped)


def _untrue(outcome: str, stopped: str, true: str, *, names_something: bool) -> Iterator[str]:
    if stopped == "yes" and true == Truth.RUNS:
        yield "work_stopped is yes, and the work runs"
    if stopped == "no" and true == Truth.ENDED:
        yield "work_stopped is no, and the work has ended"
    if true == Truth.RUNS and stopped == "unknown" and outcome in SPEAKS_OF_THE_WORK and not names_something:
        yield "the work runs, and neither work_stopped nor may_go_on tells"


def _missed(must: Must | None, stopped: str) -> Iterator[str]:
    allowed = {Must.SAY_YES: {"yes"}, Must.SAY_NO: {"no"}, Must.NOT_SAY_YES: {"no", "unknown"}}
    if must and stopped not in allowed[must]:
        yield f"work_stopped is {stopped}, and {must}"
