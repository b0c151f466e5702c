"""Makes the answer of find_running from what was seen: ordered, filtered, and cut to a part. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pullcord.flow.attempt import Call
from pullcord.flow.work import Work
from pullcord.model.action import Action
from pullcord.model.answer import Answer, Items
from pullcord.model.operation import Platform
from pullcord.model.outcome import MEANINGS, Outcome
from pullcord.model.relation import AUTHORIZE, NEXT, RETRY_LATER
from pullcord.model.running import AFTER, CONTAINS

ITEMS = 20
"""Pieces of work in one answer, at most."""
PARTLY = "partly"
"""The word for a platform of which only a part was seen; for others it is an outcome."""

_PASSING = frozenset({Outcome.RATE_LIMITED, Outcome.UNAVAILABLE, Outcome.UNKNOWN})
"""Outcomes of a failed look that may succeed later."""


class Gap(NamedTuple):
    """Why something of a platform was not seen."""

    outcome: Outcome | None
    """Of the look that failed; None: no look failed, and there is more than could be read."""
    why: str
    """The reason, without a full stop."""
    retry_after: int | None = None
    """Seconds after which the platform may be asked again."""
    remedy: str | None = None
    """What the operator must do, as a sentence."""


@dataclass(slots=True)
class Survey:
    """What was seen of a platform."""

    platform: Platform
    works: dict[str, Work] = field(default_factory=dict)
    """By id."""
    gaps: list[Gap] = field(default_factory=list)
    looked: bool = False
    """Whether a look succeeded."""

    @property
    def word(self) -> str:
        """The word for what was seen: observed, partly, or the outcome of a look that failed."""
        if not self.gaps:
            return str(Outcome.OBSERVED)
        outcome = next((each.outcome for each in self.gaps if each.outcome), None)
        return PARTLY if self.looked or outcome is None else str(outcome)


def in_order(surveys: Iterable[Survey]) -> list[Work]:
    """The work of all platforms, oldest first, that of unknown start last."""
    return sorted((work for survey in surveys for work in survey.works.values()), key=lambda work: work.position)


def found(call: Call, surveys: Sequence[Survey]) -> Answer:
    """The answer of find_running.

    Args:
        call: of find_running.
        surveys: what was seen of each platform; at least one.
    """
    works = in_order(surveys)
    text, after = call.arguments.get(CONTAINS), call.arguments.get(AFTER)
    matches = [work for work in works if text is None or work.contains(str(text))]
    later_works = [work for work in matches if after is None or work.position > tuple(str(after).split(" ", 2))]
    page = later_works[:ITEMS]
    outcome = _outcome(surveys)
    message = " ".join(_sentences(call, surveys, page, len(later_works) - len(page)))
    is_error = MEANINGS[outcome].is_error
    return Answer(
        operation_id=call.operation.operation_id,
        platform=call.operation.platform.name,
        outcome=outcome,
        message=message,
        work_stopped="unknown",
        may_go_on=(),
        state=None,
        evidence={"platforms": {each.platform.name: each.word for each in surveys}},
        target={},
        resource=None if is_error else Items(tuple(work.item for work in page), len(later_works) - len(page)),
        parts=None,
        problem={"title": "Nothing seen", "detail": message, "request_id": call.request_id} if is_error else None,
        allowed_actions=(*([_next_page(call, page[-1])] if later_works[ITEMS:] else []), *_remedies(call, surveys)),
    )


def _outcome(surveys: Sequence[Survey]) -> Outcome:
    """The outcome of all looks: observed if any succeeded, else the outcome with which all of them failed."""
    words = {survey.word for survey in surveys}
    if words & {Outcome.OBSERVED, PARTLY}:
        return Outcome.OBSERVED
    return Outcome(words.pop()) if len(words) == 1 else Outcome.UNKNOWN


def _sentences(call: Call, surveys: Sequence[Survey], page: Sequence[Work], rest: int) -> Iterator[str]:
    gaps = "; ".join(f"{survey.platform.title} ({gap.why})" for survey in surveys for gap in survey.gaps)
    if _outcome(surveys) is not Outcome.OBSERVED:
        yield f"What runs is unknown: {gaps}."
        return
    if page:
        pieces = "1 piece of work is" if len(page) == 1 else f"{len(page)} pieces of work are"
        yield f"{pieces} running, queued or paused{f'; {rest} more follow' if rest else ''}."
    elif AFTER in call.arguments:
        yield "No more work follows."
    elif CONTAINS in call.arguments:
        yield "No work that runs has this in its name or its ids."
    elif gaps:
        yield "No work that was seen is running, queued or paused."
    else:
        yield f"No work is running, queued or paused on {' and '.join(survey.platform.title for survey in surveys)}."
    if any(work.protected for work in page):
        yield "What is protected must not be stopped from here (PULLCORD_PROTECT)."
    if gaps:
        yield f"Not all was seen: {gaps}."


def _next_page(call: Call, last: Work) -> Action:
    return Action(
        rel=NEXT,
        hint="The work that began later.",
        operation_id=call.operation.operation_id,
        tool=call.operation.id,
        arguments={**call.arguments, AFTER: " ".join(last.position)},
    )


def _remedies(call: Call, surveys: Sequence[Survey]) -> Iterator[Action]:
    """The next steps towards what was not seen."""
    gaps = [gap for survey in surveys for gap in survey.gaps]
    if any(gap.outcome in _PASSING for gap in gaps):
        yield Action(
            rel=RETRY_LATER,
            hint="Look again, for what was not seen.",
            operation_id=call.operation.operation_id,
            tool=call.operation.id,
            arguments=call.arguments,
            retry_after_seconds=max(gap.retry_after or 0 for gap in gaps) or None,
        )
    for survey in surveys:
        for gap in survey.gaps:
            if gap.remedy:
                yield Action(rel=AUTHORIZE, hint=f"{survey.platform.title}: {gap.remedy}")
