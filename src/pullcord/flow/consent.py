"""A person's consent to a cancel: the question, and the possible answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pullcord.flow.attempt import Call
from pullcord.flow.parts import identity
from pullcord.model import sanitize
from pullcord.model.cancel import CASCADE, REASON, WAIT_SECONDS
from pullcord.model.value import Json

_INNER_QUOTES = str.maketrans(
    dict.fromkeys('"\u00ab\u00bb\u201c\u201d\u201e\u201f\u2033\u275d\u275e\u301d\u301e\uff02', "'")
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a person."""

    sentence: str
    target: Mapping[str, Json]
    """The ids of the work that the cancel would stop."""
    parts: tuple[str, ...] = ()
    """The parts that would be stopped with it, as `label` has them."""


class Consent(StrEnum):
    """The answer to a question, or why there is none."""

    GIVEN = "given"
    """The person agreed just now, about this target."""
    GIVEN_LATER = "given later"
    """The person agreed, and took time to: the target must be looked up again."""
    PENDING = "pending"
    """The question was sent, and the same call comes again with the answer."""
    DECLINED = "declined"
    UNASKED = "unasked"
    """The client can't ask a person."""
    CHANGED = "changed"
    """The person agreed to another target."""
    UNVERIFIED = "unverified"
    """The person agreed, and nothing tells whether the consent was used before."""


class Person(Protocol):
    """The person behind the client of one call."""

    async def ask(self, question: Question) -> Consent:
        """Ask the person about a cancel."""

    def agreed(self, part: str) -> bool:
        """Whether the question that the person agreed to named a part; a label of it."""


def question(call: Call, parts: Sequence[Call] = ()) -> Question:
    """The question about a cancel: it names the target and the parts, and quotes the agent's reason.

    Args:
        call: the cancel.
        parts: the cancels of the parts that are stopped with it.
    """
    reason = call.arguments.get(REASON)
    reason_text = f" The agent's reason: {_quoted(reason)}" if isinstance(reason, str) else ""
    part_texts = "".join(f" {each.operation.title}: {_id_text(each)}." for each in parts)
    parts_text = f" With it {len(parts)} more:{part_texts}" if parts else ""
    sentence = f"{call.operation.title}? {_id_text(call)}.{parts_text}{reason_text}"
    return Question(sentence, call.target, tuple(map(label, parts)))


def label(part: Call) -> str:
    """A text that is the same for two cancels of the same part, and for no others."""
    return repr(identity(part))


def _id_text(call: Call) -> str:
    """The target of a cancel, and the further arguments that tell what it would stop."""
    others = {
        name: sanitize.value(value)
        for name, value in call.arguments.items()
        if name not in {CASCADE, REASON, WAIT_SECONDS} and name not in call.target
    }
    ids = {**call.target, **others}
    return ", ".join(f"{name} {_word(value)}" for name, value in ids.items() if value is not None)


def _word(value: Json) -> Json:
    """A value that can't be taken for words of pullcord's own: quoted where it is more than one word."""
    return _quoted(value) if isinstance(value, str) and len(value.split()) != 1 else value


def _quoted(words: str) -> str:
    """Words of an agent in quotes, which they can't end by quotes of their own."""
    return f'"{sanitize.text(words.translate(_INNER_QUOTES))}"'
