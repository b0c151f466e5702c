"""Bounds the number of cancels that this server sends."""

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

SECONDS = {"second": 1, "minute": 60, "hour": 3600}

_LIMIT = re.compile(rf"(?P<count>[1-9][0-9]{{0,5}})/(?P<unit>{'|'.join(SECONDS)})")


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of cancels in a unit of time."""

    count: int
    unit: str
    """A word of SECONDS."""


def limit(text: str) -> Limit:
    """Read a limit such as 10/minute.

    Raises:
        ValueError: the text is no limit.
    """
    match = _LIMIT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no limit; write a number and a unit, such as 10/minute")
    return Limit(int(match["count"]), match["unit"])


class Limiter(Protocol):
    """Bounds the number of cancels."""

    limit: Limit

    async def take(self) -> int:
        """Count a cancel that is about to be sent.

        Returns:
            0 if it may be sent; else the seconds, rounded up, after which one may be sent.

        Raises:
            SharedStateError: it can't be counted, so it must not be sent.
        """


class RateLimit:
    """The limit of this process alone, a moving window.

    In any stretch of time as long as the limit's unit, no more cancels are sent than its count.

    Args:
        limit: the number of cancels, and the unit of time.
        now: the time in seconds, from any start.
    """

    def __init__(self, limit: Limit, now: Callable[[], float]) -> None:
        self.limit = limit
        self._now = now
        self._window = SECONDS[limit.unit]
        self._sent: deque[float] = deque(maxlen=limit.count)
        """The times of the last cancels, as many as the limit allows."""

    async def take(self) -> int:
        """Count a cancel that is about to be sent.

        Returns:
            0 if it may be sent; else the seconds, rounded up, after which one may be sent.
        """
        now = self._now()
        if len(self._sent) == self.limit.count and (wait := self._sent[0] + self._window - now) > 0:
            return math.ceil(wait)
        self._sent.append(now)
        return 0
