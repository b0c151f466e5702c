"""Rules: the word for the first condition that fits. Pure."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from pullcord.model.condition import ALONE, Condition, Context, evidence, fits
from pullcord.model.outcome import MayGoOn, Outcome, Phase, WorkStopped
from pullcord.model.value import Json

Word = TypeVar("Word", Outcome, Phase)


class Rule(NamedTuple, Generic[Word]):
    """A condition, and the word (an outcome or a phase) for what fits it."""

    word: Word
    when: Condition = ()
    note: str | None = None
    """A sentence for the agent, added to the message."""
    work_stopped: WorkStopped | None = None
    """What is known of the work, where the word alone would say too much or too little."""
    may_go_on: tuple[MayGoOn, ...] = ()
    """What may still run."""
    watch: bool = True
    """For an outcome: whether looking again could tell more."""
    look: bool = False
    """For an outcome: one confirming look decides; where that look tells nothing, the word holds."""
    before: Outcome | None = None
    """For a phase: the outcome of a cancel that finds the work in this phase before it is sent, and then is not sent.
    None: it is sent."""


def first(
    rules: Sequence[Rule[Word]], body: Json, context: Context = ALONE
) -> tuple[Rule[Word] | None, dict[str, Json]]:
    """The first rule that fits a body.

    Args:
        rules: in the order in which they are tried.
        body: what the rules are about: a reply's body, or an item of a list.
        context: what else they may read.

    Returns:
        The rule, or None; and what it read, by where it stands. An object or a list is shown only if the rule names it.
    """
    for rule in rules:
        if fits(rule.when, body, context):
            return rule, evidence(rule.when, body, context)
    return None, {}
