"""What a cancel aims at, and how to learn what came of it."""

from typing import Literal, NamedTuple

from pullcord.model.condition import Condition
from pullcord.model.expression import Expression
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import Pointer
from pullcord.model.state import Poll

WAIT_SECONDS = "wait_seconds"
"""The argument that says how many seconds to watch for the end."""
REASON = "reason"
"""The argument that says why a cancel is sent."""
CASCADE = "cascade"
"""The argument that says whether a cancel also stops what its work started."""
EXPECT = "expect_"
"""What the name of an argument begins with that says which target is to be cancelled, and no other."""


class Target(NamedTuple):
    """How to find what a cancel that names no task would hit."""

    operation_id: str
    """A list."""
    arguments: tuple[tuple[str, Expression], ...]
    when: Condition
    """The condition that the running item of the list fits."""
    name: str
    """The name of the argument or of the id that is found."""
    at: Pointer
    """Where the id stands in the item."""


class Before(NamedTuple):
    """A look at the work just before a cancel is sent."""

    look: str
    """The relation of the link that looks. It stands in any response, and uses no value of a reply."""
    required: bool = False
    """Whether nothing may be sent where the look fails."""


class Cancel(NamedTuple):
    """What a cancel operation aims at, and how to learn what came of it."""

    aim: Literal["task", "current"]
    """task: the arguments name the work. current: whatever runs when the request arrives."""
    confirm: tuple[str, ...] = ()
    """The relations of the links whose looks tell how the work ended. The first one tells its state; while a look by
    another one shows activity, or fails, an end that the first one does not prove is not believed yet."""
    target: Target | None = None
    poll: Poll | None = None
    """How often to look; None: as the state of the operation that looks says."""
    gone: Outcome | None = None
    """The outcome (stopped or not_found) where a confirming look finds no such work after the cancel was accepted.
    None: the outcome of the cancel itself stays."""
    before: Before | None = None
    again: float | None = None
    """Seconds after which an end is looked at once more, since the work may turn out to run on; None: it can't."""
