"""Where a platform's own word for the state of work stands, what it means, and how often to look."""

from typing import NamedTuple

from pullcord.model.outcome import Phase
from pullcord.model.pointer import Pointer
from pullcord.model.rule import Rule


class Poll(NamedTuple):
    """How often to look whether work has ended: at growing intervals, in seconds."""

    first: float = 0.5
    most: float = 10.0


class State(NamedTuple):
    """Where the platform's own word for the state stands, and what phase it means."""

    at: Pointer
    """Arguments may stand in it, as {name}."""
    phases: tuple[Rule[Phase], ...] = ()
    poll: Poll | None = None
    """How often to look; None: as the cancel that is waited for says."""
