"""What find_running saw to the answer that an agent reads: ordered, narrowed, and cut to a part. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pullcord.flow.attempt import Call
from pullcord.flow.work import Work
from pullcord.model.action import Action
from pullcord.model.answer import Answer, Items
from pullcord.model.operation import Platform
from pullcord.model.outcome import MEANINGS, Outcome
from pullcord.model.running import AFTER, CONTAINS

ITEMS = 20
"""Pieces of work in one answer."""
PARTLY = "partly"
"""How a platform came out of which only a part was seen; of others it is the outcome."""

_PASSING = frozenset({Outcome.RATE_LIMITED, Outcome.UNAVAILABLE, Outcome.UNKNOWN})
"""What a look fails with that may succeed later."""


class Gap(NamedTuple):
    """Why something of a platform was not seen."""

    outcome: Outcome | None
    """Of the look that failed; None: none did, and there is more than could be looked at."""
    why: str
    """In words, without a full stop."""
    retry_after: int | None = None
    """Seconds after which the platform may be asked again."""
    remedy: str | None = None
    """What its operator must do, as a sentence."""


@dataclass(slots=True)
class Sight:
    """What was seen of a platform."""

    platform: Platform
    works: dict[str, Work] = field(default_factory=dict)
    """By id."""
    gaps: list[Gap] = field(default_factory=list)
    looked: bool = False
    """Whether a look succeeded."""

    @property
    def word(self) -> str:
        """How it came out: observed where all was seen."""
        if not self.gaps:
            return str(Outcome.OBSERVED)
        failed = next((each.outcome for each in self.gaps if each.outcome), None)
        return PARTLY if self.looked or failed is None else str(failed)


def found(call: Call, sights: Sequence[Sight]) -> Answer:
    """The answer to a look at what runs.

    Args:
        call: of find_running.
        sights: of every platform that was to be looked at; at least one.
    """
    works = sorted((work for sight in sights for work in sight.works.values()), key=lambda work: work.place)
    contained, after = call.arguments.get(CONTAINS), call.arguments.get(AFTER)
    fitting = [work for work in works if contained is None or work.contains(str(contained))]
    rest = [work for work in fitting if after is None or work.place > tuple(str(after).split(" ", 2))]
    shown = rest[:ITEMS]
    outcome = _outcome(sights)
    message = " ".join(_sentences(call, sights, shown, len(rest) - len(shown)))
    is_error = MEANINGS[outcome].is_error
    return Answer(
        operation_id=call.operation.operation_id,
        platform=call.operation.platform.name,
        outcome=outcome,
        message=message,
        work_stopped="unknown",
        may_go_on=(),
        state=None,
        evidence={"platforms": {each.platform.name: each.word for each in sights}},
        target={},
        resource=None if is_error else Items(tuple(work.item for work in shown), len(rest) - len(shown)),
        parts=None,
        problem={"title": "Nothing seen", "detail": message, "request_id": call.request_id} if is_error else None,
        allowed_actions=(*([_onward(call, shown[-1])] if rest[ITEMS:] else []), *_amends(call, sights)),
    )


def _outcome(sights: Sequence[Sight]) -> Outcome:
    """What came of all looks: observed if anything was, else what all of them failed with."""
    words = {sight.word for sight in sights}
    if words & {Outcome.OBSERVED, PARTLY}:
        return Outcome.OBSERVED
    return Outcome(words.pop()) if len(words) == 1 else Outcome.UNKNOWN


def _sentences(call: Call, sights: Sequence[Sight], shown: Sequence[Work], more: int) -> Iterator[str]:
    gaps = "; ".join(f"{sight.platform.title} ({gap.why})" for sight in sights for gap in sight.gaps)
    if _outcome(sights) is not Outcome.OBSERVED:
        yield f"What runs is unknown: {gaps}."
        return
    if shown:
        pieces = "1 piece of work is" if len(shown) == 1 else f"{len(shown)} pieces of work are"
        yield f"{pieces} running, queued or paused{f'; {more} more follow' if more else ''}."
    elif AFTER in call.arguments:
        yield "No more work follows."
    elif CONTAINS in call.arguments:
        yield "No work that runs has this in its name or its ids."
    elif gaps:
        yield "No work that was seen is running, queued or paused."
    else:
        yield f"No work is running, queued or paused on {' and '.join(sight.platform.title for sight in sights)}."
    if any(work.protected for work in shown):
        yield "What is protected must not be stopped from here (PULLCORD_PROTECT)."
    if gaps:
        yield f"Not all was seen: {gaps}."


def _onward(call: Call, last: Work) -> Action:
    return Action(
        rel="next",
        hint="The work that began later.",
        operation_id=call.operation.operation_id,
        tool=call.operation.id,
        arguments={**call.arguments, AFTER: " ".join(last.place)},
    )


def _amends(call: Call, sights: Sequence[Sight]) -> Iterator[Action]:
    """What can be done about what was not seen."""
    gaps = [gap for sight in sights for gap in sight.gaps]
    if any(gap.outcome in _PASSING for gap in gaps):
        yield Action(
            rel="retry-later",
            hint="Look again, for what was not seen.",
            operation_id=call.operation.operation_id,
            tool=call.operation.id,
            arguments=call.arguments,
            retry_after_seconds=max(gap.retry_after or 0 for gap in gaps) or None,
        )
    for sight in sights:
        for gap in sight.gaps:
            if gap.remedy:
                yield Action(rel="authorize", hint=f"{sight.platform.title}: {gap.remedy}")
