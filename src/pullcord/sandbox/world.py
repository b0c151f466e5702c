"""What the sandboxed platforms share: time, and the end of work.

Nothing here waits or sets a timer. Time is a function that the sandbox is given, and the state of work is computed for
a moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the time, with its time zone."""
CONFIDENTIAL = "sandbox-confidential-never-to-be-shown"
"""The text in every place where a platform's record may hold a token or instructions: it must reach no agent."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """A moment in the form of RFC 3339, in UTC; None for None."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a piece of work."""

    state: str
    """The state in which it ends."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Reaction:
    """How a piece of work reacts to a cancel."""

    state: str
    """The state in which it ends."""
    share: float = 1.0
    """The share of the wind-down after which it ends, 0 to 1."""

    def ending(self, now: datetime, wind_down: float) -> Ending:
        """The end of work that is cancelled now.

        Args:
            now: the time.
            wind_down: seconds that a cooperative cancel takes.
        """
        return Ending(self.state, now + timedelta(seconds=wind_down * self.share))
