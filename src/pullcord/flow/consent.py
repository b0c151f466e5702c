"""A person's consent to a cancel: the question, and what may come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pullcord.flow.attempt import Call
from pullcord.model import sanitize
from pullcord.model.cancel import CASCADE, REASON, WAIT_SECONDS
from pullcord.model.value import Json

SECONDS = 120
"""How long a consent is good for."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked about."""

    sentence: str
    target: Mapping[str, Json]
    """The ids that the cancel would hit."""


class Consent(StrEnum):
    """What came of a question."""

    GIVEN = "given"
    """The person agreed just now, about this target."""
    GIVEN_LATER = "given later"
    """The person agreed, and took time to: the target must be looked up again."""
    PENDING = "pending"
    """The question is out, and the same call comes again with the answer."""
    DECLINED = "declined"
    UNASKED = "unasked"
    """The client can't ask."""
    CHANGED = "changed"
    """The person agreed to another target."""


class Person(Protocol):
    """Whoever sits behind the client of one call."""

    async def ask(self, question: Question) -> Consent:
        """Ask about a cancel."""


def question(call: Call, parts: Sequence[Call] = ()) -> Question:
    """What a person is asked before a cancel is sent: the target that it would hit, and the agent's reason as such.

    Args:
        call: the cancel.
        parts: cancels of what its work started, which go with it.
    """
    others = {
        name: sanitize.value(value)
        for name, value in call.arguments.items()
        if name not in {CASCADE, REASON, WAIT_SECONDS} and name not in call.target
    }
    what = _named({**call.target, **others})
    reason = call.arguments.get(REASON)
    said = f' The agent\'s reason: "{sanitize.text(reason)}"' if isinstance(reason, str) else ""
    also = "".join(f" {each.operation.title}: {_named(each.target)}." for each in parts)
    with_it = f" With it {len(parts)} more:{also}" if parts else ""
    hit: dict[str, Json] = {**call.target}
    if parts:
        hit["parts"] = [dict(each.target) for each in parts]
    return Question(f"{call.operation.title}? {what}.{with_it}{said}", hit)


def _named(ids: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {value}" for name, value in ids.items() if value is not None)
