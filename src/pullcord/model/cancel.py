"""What a cancel aims at, and how to learn what came of it."""

from typing import Literal, NamedTuple

from pullcord.model.condition import Condition
from pullcord.model.expression import Expression
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import Pointer
from pullcord.model.state import Poll

WAIT_SECONDS = "wait_seconds"

REASON = "reason"

CASCADE = "cascade"
"""Whether a cancel also stops what its work started."""

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


class Before(NamedTuple):
    """A look at the work just before a cancel is sent."""

    look: str
    """The relation of the link that looks. It stands in any response, and reads nothing of it."""
    required: bool = False
    """Whether nothing may be sent where the look fails."""


class Cancel(NamedTuple):
    """What a cancel operation aims at, and how to learn what came of it."""

    aim: Literal["task", "current"]
    """task: the arguments name the work. current: whatever runs when the request arrives."""
    confirm: tuple[str, ...] = ()
    """The relations of the links that tell how the work ended. The first gives the word; the others delay."""
    target: Target | None = None
    poll: Poll | None = None
    """How often to look; None: as the state of what is looked at says."""
    gone: Outcome | None = None
    """What it means that a confirming look finds nothing after the cancel was accepted: stopped, or not found. None: it
    teaches nothing."""
    before: Before | None = None
    again: float | None = None
    """Seconds after an end in which the work may turn out to run on, so that another look is needed."""
