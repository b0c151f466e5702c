"""A next step that a manifest names."""

from typing import NamedTuple

from pullcord.model.condition import Condition
from pullcord.model.expression import Expression
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.pointer import Pointer


class Link(NamedTuple):
    """A next step: an operation, its arguments, and when to offer it."""

    rel: str
    operation_id: str
    arguments: tuple[tuple[str, Expression], ...]
    hint: str
    outcomes: frozenset[Outcome] | None = None
    phases: frozenset[Phase] | None = None
    body: Condition = ()
    each: Pointer | None = None
    """An array in the body: the link stands for one action for each of its items."""
    note: str | None = None
    """A sentence for the message of a result that offers the action."""
    after: float = 0
    """For a stronger stop: it is offered after so many seconds of watching without an end."""
    part: bool = False
    """Whether it leads to work that this work started, a part of it."""
