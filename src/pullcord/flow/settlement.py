"""What came of a cancel after its work was looked at: the cancel's own verdict, and what the looks add to it. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Watch
from pullcord.flow.verdict import Verdict
from pullcord.model.outcome import OVER, Outcome, Phase, WorkStopped


def settle(attempt: Attempt, watch: Watch) -> Verdict:
    """What came of a cancel after watching.

    Args:
        attempt: the cancel.
        watch: what watching it showed.
    """
    judged = attempt.verdict
    if watch.gone:
        return _gone(attempt, watch)
    if watch.last is None:
        looked = wording.LOOKED_IN_VAIN.format(seconds=f"{watch.seconds:.0f}") if watch.looks else None
        return replace(judged, notes=_joined(judged.notes, [looked]))
    last = watch.last.verdict
    looks = [last, *(each.verdict for each in watch.beside)]
    known = replace(
        judged,
        state=last.state,
        phase=last.phase,
        read={pointer: value for each in looks for pointer, value in each.read.items()},
        work_stopped=_work_stopped(looks),
        may_go_on=judged.may_go_on.union(*(each.may_go_on for each in looks)),
        notes=_joined(judged.notes, *(each.notes for each in looks)),
        look=False,
    )
    delayed = any(each.verdict.phase not in OVER for each in watch.beside)
    if last.phase in OVER and not delayed:
        return _over(attempt, watch, known)
    if judged.look:
        return known
    if judged.outcome is Outcome.NOTHING_RUNNING:
        return replace(known, notes=_joined([wording.LOOKED[last.phase]], last.notes))
    outcome = Outcome.STOPPING if judged.outcome is Outcome.STOPPED else judged.outcome
    watched = wording.WATCHED.format(seconds=f"{watch.seconds:.0f}")
    return replace(known, outcome=outcome, notes=_joined(known.notes, [watched]))


def _over(attempt: Attempt, watch: Watch, known: Verdict) -> Verdict:
    """What it means that the work has ended, by the record."""
    judged, phase = attempt.verdict, known.phase
    if judged.look:
        was_active = attempt.before is not None and attempt.before.verdict.phase is Phase.ACTIVE
        return replace(known, outcome=Outcome.FINISHED_FIRST if was_active else Outcome.ALREADY_FINISHED)
    if not watch.settled:
        known = replace(known, work_stopped="unknown", notes=_joined(known.notes, [wording.UNSETTLED]))
    if phase is not Phase.ENDED:
        return replace(known, outcome=Outcome.STOPPED)
    if judged.outcome in {Outcome.STOPPING, Outcome.STOPPED}:
        missed = None if attempt.call.operation.repeatable else wording.MISSED
        return replace(known, outcome=Outcome.FINISHED_FIRST, notes=_joined(known.notes, [missed]))
    return replace(known, notes=_joined([wording.LOOKED[phase]], known.notes))


def _gone(attempt: Attempt, watch: Watch) -> Verdict:
    """What it means that the confirming look finds nothing; what was known before stays known."""
    judged, cancel = attempt.verdict, attempt.call.operation.cancel
    if watch.last:
        last = watch.last.verdict
        judged = replace(judged, state=last.state, read=last.read, may_go_on=judged.may_go_on | last.may_go_on)
    if judged.look:
        return replace(judged, outcome=Outcome.NOT_FOUND, look=False, may_go_on=frozenset())
    if cancel and cancel.gone and judged.outcome is Outcome.STOPPING:
        return replace(judged, outcome=cancel.gone, notes=_joined(judged.notes, [wording.GONE]))
    return replace(judged, notes=_joined(judged.notes, [wording.GONE]))


def _work_stopped(looks: Iterable[Verdict]) -> WorkStopped:
    """What the first look knows, or a later one where an earlier one doesn't."""
    return next((each.work_stopped for each in looks if each.work_stopped != "unknown"), "unknown")


def _joined(*notes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for each in notes for note in each if note))
