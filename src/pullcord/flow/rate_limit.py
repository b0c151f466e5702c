"""How many cancels this server sends."""

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = {"second": 1, "minute": 60, "hour": 3600}

_LIMIT = re.compile(rf"(?P<count>[1-9][0-9]{{0,5}})/(?P<unit>{'|'.join(SECONDS)})")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many cancels in so many seconds."""

    count: int
    unit: str
    """A word of SECONDS."""


def limit(text: str) -> Limit:
    """Read a limit such as 10/minute.

    Raises:
        ValueError: it is none.
    """
    found = _LIMIT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no limit; write a number and a unit, such as 10/minute")
    return Limit(int(found["count"]), found["unit"])


class RateLimit:
    """A moving window: in no stretch of the limit's time are more cancels sent than it says.

    Args:
        limit: how many cancels, and in which time.
        now: the time in seconds, from any start.
    """

    def __init__(self, limit: Limit, now: Callable[[], float]) -> None:
        self.limit = limit
        self._now = now
        self._window = SECONDS[limit.unit]
        self._sent: deque[float] = deque(maxlen=limit.count)
        """When each of the last cancels was sent, as many as the limit allows."""

    def take(self) -> int:
        """Count a cancel that is about to be sent.

        Returns:
            0 if it may be sent, or the whole seconds after which one may be.
        """
        now = self._now()
        if len(self._sent) == self.limit.count and (left := self._sent[0] + self._window - now) > 0:
            return math.ceil(left)
        self._sent.append(now)
        return 0
