"""What a cancel aims at, and how to learn what came of it."""

from typing import Literal, NamedTuple

from pullcord.model.condition import Condition
from pullcord.model.expression import Expression
from pullcord.model.pointer import Pointer

WAIT_SECONDS = "wait_seconds"

REASON = "reason"

EXPECT = "expect_"
"""Before the name of a looked-up target: cancel only if it is this."""


class Target(NamedTuple):
    """How to find what a cancel that names no task would hit."""

    operation_id: str
    """A list."""
    arguments: tuple[tuple[str, Expression], ...]
    when: Condition
    """What its running item looks like."""
    name: str
    """What the found id is called."""
    at: Pointer
    """Where it stands in the item."""


class Poll(NamedTuple):
    """How often to look whether work has ended: at growing intervals, in seconds."""

    first: float = 0.5
    most: float = 10.0


class Cancel(NamedTuple):
    """What a cancel operation aims at, and how to learn what came of it."""

    aim: Literal["task", "current"]
    """task: the arguments name the work. current: whatever runs when the request arrives."""
    confirm: str | None = None
    """The link relation of the operation that tells how the work ended."""
    target: Target | None = None
    poll: Poll = Poll()
