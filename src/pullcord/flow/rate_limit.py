"""A brake on the brake: how many cancels this server sends."""

import math
import re
from dataclasses import dataclass

from token_bucket import Limiter, MemoryStorage

SECONDS = {"second": 1, "minute": 60, "hour": 3600}

_KEY = "cancels"
_LIMIT = re.compile(rf"(?P<count>[1-9][0-9]{{0,5}})/(?P<unit>{'|'.join(SECONDS)})")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many cancels in so many seconds."""

    count: int
    unit: str


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
    """A token bucket: full at the start, and filled again at the limit's rate.

    Args:
        limit: how many cancels may be sent at once, and in each unit of time.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._rate = limit.count / SECONDS[limit.unit]
        self._storage = MemoryStorage()
        self._limiter = Limiter(self._rate, limit.count, self._storage)

    def take(self) -> int:
        """Take a cancel from the bucket.

        Returns:
            0, or the seconds after which there is one again.
        """
        if self._limiter.consume(_KEY):
            return 0
        return math.ceil((1 - self._storage.get_token_count(_KEY)) / self._rate) or 1
