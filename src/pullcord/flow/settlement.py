"""What is known after work was watched: a cancel's own verdict, or a first look's, and what the looks add. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Watch
from pullcord.flow.verdict import Verdict
from pullcord.model.outcome import OVER, Outcome, Phase, WorkStopped


def settle(attempt: Attempt, watch: Watch) -> Verdict:
    """What is known after watching.

    Args:
        attempt: the cancel, or the first look.
        watch: what watching showed.
    """
    last = watch.last.verdict if watch.last else None
    if last is None and not watch.gone:
        known = unsettled(attempt)
        looked = wording.LOOKED_IN_VAIN.format(seconds=f"{watch.seconds:.0f}") if watch.looks else None
        return replace(known, notes=_joined(known.notes, [looked]))
    if attempt.call.operation.cancel is None:
        return _looked(last or attempt.verdict, watch)
    if last is None or (watch.gone and last.phase not in OVER):
        return _gone(attempt, watch)
    return _seen(attempt, watch, last)


def idle(judged: Verdict) -> Verdict:
    """What came of a cancel that was accepted although nothing ran, before it and after it."""
    return replace(judged, outcome=Outcome.NOTHING_RUNNING, may_go_on=frozenset(), notes=(wording.LOOKED_TWICE,))


def unsettled(attempt: Attempt) -> Verdict:
    """What is known of a cancel whose work no look confirms to have ended, although its end may turn out to be none."""
    judged, cancel = attempt.verdict, attempt.call.operation.cancel
    return _doubted(judged) if judged.outcome is Outcome.STOPPED and cancel and cancel.again else judged


def _doubted(judged: Verdict) -> Verdict:
    return replace(judged, work_stopped="unknown", notes=_joined(judged.notes, [wording.UNSETTLED]))


def delays(judged: Verdict) -> bool:
    """Whether a look beside the first has something against an end: activity, or no answer."""
    return judged.phase is Phase.ACTIVE or judged.outcome not in {Outcome.OBSERVED, Outcome.NOT_FOUND}


def _looked(last: Verdict, watch: Watch) -> Verdict:
    """What is known after a look that was made again and again: what the last one that succeeded showed."""
    if watch.gone:
        return replace(last, work_stopped=_outdated(last.work_stopped), notes=_joined(last.notes, [wording.GONE]))
    return last if last.phase in OVER else _watched(last, watch)


def _watched(known: Verdict, watch: Watch) -> Verdict:
    watched = wording.WATCHED.format(seconds=f"{watch.seconds:.0f}")
    return replace(known, notes=_joined(known.notes, [watched]))


def _seen(attempt: Attempt, watch: Watch, last: Verdict) -> Verdict:
    """What came of a cancel whose work was seen since."""
    judged = attempt.verdict
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
    if judged.outcome is Outcome.NOTHING_RUNNING:
        phase = Phase.ENDED if last.phase in OVER else last.phase
        return replace(known, notes=_joined([wording.LOOKED[phase]], last.notes))
    if last.phase in OVER and not any(delays(each.verdict) for each in watch.beside):
        return _over(attempt, watch, known)
    if judged.look:
        return known
    outcome = Outcome.STOPPING if judged.outcome is Outcome.STOPPED else judged.outcome
    return _watched(replace(known, outcome=outcome), watch)


def _over(attempt: Attempt, watch: Watch, known: Verdict) -> Verdict:
    """What it means that the work has ended, by the record."""
    judged, phase = attempt.verdict, known.phase
    if judged.look:
        was_active = attempt.before is not None and attempt.before.verdict.phase is Phase.ACTIVE
        return replace(known, outcome=Outcome.FINISHED_FIRST if was_active else Outcome.ALREADY_FINISHED)
    if not watch.settled:
        known = _doubted(known)
    if phase is not Phase.ENDED:
        return replace(known, outcome=Outcome.STOPPED)
    if judged.outcome in {Outcome.STOPPING, Outcome.STOPPED}:
        missed = None if attempt.call.operation.repeatable else wording.MISSED
        return replace(known, outcome=Outcome.FINISHED_FIRST, notes=_joined(known.notes, [missed]))
    return replace(known, notes=_joined([wording.LOOKED[phase]], known.notes))


def _gone(attempt: Attempt, watch: Watch) -> Verdict:
    """What it means that the confirming look finds nothing; what was known before stays known, but that it ran."""
    judged, cancel = attempt.verdict, attempt.call.operation.cancel
    if watch.last:
        last = watch.last.verdict
        judged = replace(judged, state=last.state, read=last.read, may_go_on=judged.may_go_on | last.may_go_on)
    if judged.look:
        return replace(judged, outcome=Outcome.NOT_FOUND, look=False, may_go_on=frozenset())
    outcome = cancel.gone if cancel and cancel.gone and judged.outcome is Outcome.STOPPING else judged.outcome
    work_stopped, notes = _outdated(judged.work_stopped), _joined(judged.notes, [wording.GONE])
    return replace(judged, outcome=outcome, work_stopped=work_stopped, notes=notes)


def _outdated(work_stopped: WorkStopped) -> WorkStopped:
    """What is known of work that is not there any more: that it ran is no news of it."""
    return "unknown" if work_stopped == "no" else work_stopped


def _work_stopped(looks: Iterable[Verdict]) -> WorkStopped:
    """What the first look knows, or a later one where an earlier one doesn't."""
    return next((each.work_stopped for each in looks if each.work_stopped != "unknown"), "unknown")


def _joined(*notes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for each in notes for note in each if note))
