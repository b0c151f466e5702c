"""The verdict after work was watched: that of the cancel, or of the first look, with what the looks add. Pure."""

from collections.abc import Iterable

from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Watch
from pullcord.flow.verdict import Verdict
from pullcord.model.outcome import FINAL, OVER, MayGoOn, Outcome, Phase, WorkStopped


def settle(attempt: Attempt, watch: Watch) -> Verdict:
    """The verdict after watching.

    Args:
        attempt: the cancel, or the first look.
        watch: what watching showed.
    """
    last = watch.last.verdict if watch.last else None
    if last is None and not watch.gone:
        verdict = unsettled(attempt)
        note = wording.LOOKED_IN_VAIN.format(seconds=f"{watch.seconds:.0f}") if watch.looked else None
        return verdict._replace(notes=_merged(verdict.notes, [note]))
    if attempt.call.operation.cancel is None:
        return _settle_look(last or attempt.verdict, watch)
    if last is None or (watch.gone and last.phase not in OVER):
        return _settle_gone(attempt, watch)
    return _without_step(_settle_seen(attempt, watch, last))


def idle(verdict: Verdict) -> Verdict:
    """The verdict on a cancel that was accepted although nothing ran before it and after it."""
    return verdict._replace(outcome=Outcome.NOTHING_RUNNING, may_go_on=frozenset(), notes=(wording.LOOKED_TWICE,))


def unsettled(attempt: Attempt) -> Verdict:
    """The verdict on a cancel where no look was made after it.

    Where its manifest says that an end may turn out to be none (`again`), an end leaves work_stopped unknown.
    """
    verdict, cancel = attempt.verdict, attempt.call.operation.cancel
    return _doubtful(verdict) if verdict.outcome is Outcome.STOPPED and cancel and cancel.again else verdict


def _doubtful(verdict: Verdict) -> Verdict:
    """The verdict on a cancel whose end no later look confirmed."""
    return verdict._replace(work_stopped="unknown", notes=_merged(verdict.notes, [wording.UNSETTLED]))


def have_ended(last: Verdict, further: Iterable[Verdict]) -> bool:
    """Whether looks show an end.

    Args:
        last: the look of the first link, which gives the word.
        further: those of the further links, which count unless the first one proves the end.
    """
    return last.phase in OVER and (last.work_stopped == "yes" or not any(_delays(each) for each in further))


def _delays(verdict: Verdict) -> bool:
    """Whether a look of a further link speaks against an end: it shows activity, or failed."""
    return verdict.phase is Phase.ACTIVE or verdict.outcome not in {Outcome.OBSERVED, Outcome.NOT_FOUND}


def _settle_look(last: Verdict, watch: Watch) -> Verdict:
    """The verdict after a look that waited: that of the last look that succeeded."""
    if watch.gone:
        return last._replace(
            work_stopped=_without_activity(last.work_stopped), notes=_merged(last.notes, [wording.GONE])
        )
    return last if last.phase in OVER else _with_watch_note(last, watch)


def _without_step(verdict: Verdict) -> Verdict:
    """The verdict on a cancel: where it is known that the work has stopped, its step does not go on."""
    if verdict.work_stopped != "yes":
        return verdict
    return verdict._replace(may_go_on=verdict.may_go_on - {MayGoOn.CURRENT_STEP})


def _with_watch_note(verdict: Verdict, watch: Watch) -> Verdict:
    note = wording.WATCHED.format(seconds=f"{watch.seconds:.0f}")
    return verdict._replace(notes=_merged(verdict.notes, [note]))


def _settle_seen(attempt: Attempt, watch: Watch, last: Verdict) -> Verdict:
    """The verdict on a cancel whose work was seen since."""
    verdict = attempt.verdict
    looks = [last, *(each.verdict for each in watch.further)]
    result = verdict._replace(
        state=last.state,
        phase=last.phase,
        read={pointer: value for each in looks for pointer, value in each.read.items()},
        work_stopped=_work_stopped(looks),
        may_go_on=verdict.may_go_on.union(*(each.may_go_on for each in looks)),
        notes=_merged(verdict.notes, *(each.notes for each in looks)),
    )
    if verdict.outcome is Outcome.NOTHING_RUNNING:
        phase = Phase.ENDED if last.phase in OVER else last.phase
        return result._replace(notes=_merged([wording.LOOKED[phase]], last.notes))
    if have_ended(last, looks[1:]):
        return _settle_over(attempt, watch, result)
    if verdict.needs_look and verdict.outcome in FINAL:  # it had ended by the answer, and has not by the look
        phase = Phase.ACTIVE if any(each.phase is Phase.ACTIVE for each in looks) else last.phase
        note = wording.LOOKED.get(phase)  # none where the record has ended, and the look that must confirm it failed
        return result._replace(outcome=Outcome.UNKNOWN, notes=_merged([note], last.notes))
    if verdict.needs_look:
        return result
    outcome = verdict.outcome
    if outcome is Outcome.STOPPED:  # by the answer; or by a look before a repeat, and then nothing was accepted
        is_accepted = attempt.reply is not None and attempt.reply.succeeded
        outcome = Outcome.STOPPING if is_accepted else Outcome.UNKNOWN
    return _with_watch_note(result._replace(outcome=outcome), watch)


def _settle_over(attempt: Attempt, watch: Watch, result: Verdict) -> Verdict:
    """The verdict where the work has ended, by the record."""
    verdict, phase = attempt.verdict, result.phase
    if verdict.needs_look and _was_repeated(attempt) and phase is not Phase.ENDED:
        return result._replace(outcome=Outcome.STOPPED, cause=None)  # by an earlier sending, whose answer was lost
    if verdict.needs_look:
        was_active = attempt.before is not None and attempt.before.verdict.phase is Phase.ACTIVE
        return result._replace(outcome=Outcome.FINISHED_FIRST if was_active else Outcome.ALREADY_FINISHED, cause=None)
    if not watch.settled:
        result = _doubtful(result)
    if phase is not Phase.ENDED:
        return result._replace(outcome=Outcome.STOPPED)
    if verdict.outcome in {Outcome.STOPPING, Outcome.STOPPED}:
        note = None if attempt.call.operation.repeatable else wording.MISSED
        return result._replace(outcome=Outcome.FINISHED_FIRST, notes=_merged(result.notes, [note]))
    return result._replace(notes=_merged([wording.LOOKED[phase]], result.notes))


def _settle_gone(attempt: Attempt, watch: Watch) -> Verdict:
    """The verdict where the confirming look finds no such work; what was known before stays, except that it ran."""
    verdict, cancel = attempt.verdict, attempt.call.operation.cancel
    if watch.last:
        last = watch.last.verdict
        verdict = verdict._replace(state=last.state, read=last.read, may_go_on=verdict.may_go_on | last.may_go_on)
    may_have_acted = verdict.outcome is Outcome.UNKNOWN and _was_seen(attempt, watch)
    if verdict.needs_look and not may_have_acted and not _was_repeated(attempt):
        return verdict._replace(outcome=Outcome.NOT_FOUND, may_go_on=frozenset())
    outcome = cancel.gone if cancel and cancel.gone and verdict.outcome is Outcome.STOPPING else verdict.outcome
    if outcome is Outcome.NOT_FOUND and _was_seen(attempt, watch):
        outcome = verdict.outcome  # there was such work, and nothing tells whether the cancel ended it
    work_stopped, notes = _without_activity(verdict.work_stopped), _merged(verdict.notes, [wording.GONE])
    may_go_on = frozenset() if outcome is Outcome.NOT_FOUND else verdict.may_go_on
    return verdict._replace(outcome=outcome, work_stopped=work_stopped, notes=notes, may_go_on=may_go_on)


def _was_seen(attempt: Attempt, watch: Watch) -> bool:
    """Whether a look showed the work, just before its cancel or since."""
    before = attempt.before
    return watch.last is not None or (before is not None and before.verdict.outcome is Outcome.OBSERVED)


def _was_repeated(attempt: Attempt) -> bool:
    """Whether a cancel was sent before, and that sending may have stopped the work."""
    return attempt.reply is not None and attempt.reply.repeated


def _without_activity(work_stopped: WorkStopped) -> WorkStopped:
    """work_stopped of work that is not found any more: a no was about the time before, and becomes unknown."""
    return "unknown" if work_stopped == "no" else work_stopped


def _work_stopped(looks: Iterable[Verdict]) -> WorkStopped:
    """work_stopped of the first look that knows it."""
    return next((each.work_stopped for each in looks if each.work_stopped != "unknown"), "unknown")


def _merged(*notes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for each in notes for note in each if note))
