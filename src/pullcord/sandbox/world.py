"""What the sandboxed platforms share: time, and work that ends when it is looked at.

Nothing here waits or sets a timer. Time is a function that the sandbox's owner passes in, and a piece of work
is always asked for *as of* a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# Stands wherever a platform's record may hold a token or a person's instructions: it must reach no agent.
CONFIDENTIAL = "sandbox-confidential-never-to-be-shown"


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """Write a moment as RFC 3339 in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Ending:
    """The state in which a piece of work ends, and when."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a cancel makes of a piece of work: the state it ends in, after which share of the wind-down."""

    state: str
    share: float = 1.0

    def ending(self, now: datetime, wind_down: float) -> Ending:
        """Tell how work ends whose cancel arrives now."""
        return Ending(self.state, now + timedelta(seconds=wind_down * self.share))
