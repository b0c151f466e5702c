"""What replicas share, in Redis: one limit on all their cancels, and the consents that were used.

Only servers with PULLCORD_SHARED import this: redis-py is an extra. Where Redis can't be reached, no cancel that needs
it is sent.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from pullcord.flow.rate_limit import SECONDS, Limit
from pullcord.flow.used_consents import SECONDS as CONSENT_SECONDS
from pullcord.model.errors import SharedStateError

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds for each request to Redis, connecting included."""

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count, window = tonumber(ARGV[1]), ARGV[2] * 1000000
if redis.call('LLEN', KEYS[1]) >= count then
  local wait = redis.call('LINDEX', KEYS[1], 0) + window - now
  if wait > 0 then return wait end
  redis.call('LPOP', KEYS[1])
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], ARGV[2] + 1)
return 0
"""
"""A moving window, as `RateLimit` has it, by Redis' own clock: the times of the last cancels in microseconds. Gives the
microseconds after which a cancel may be sent; 0: now, and it is counted."""

_log = logging.getLogger(__name__)


class SharedState:
    """The state that replicas share.

    Args:
        url: of Redis: redis://, or rediss:// for TLS, with a user, a password and the number of a database if need be.

    Raises:
        ValueError: it is no such URL; the message does not quote it.
    """

    def __init__(self, url: str) -> None:
        # Nothing is repeated: a lost answer may have counted.
        self._redis = Redis.from_url(url, protocol=2, retry=Retry(NoBackoff(), 0))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def take(self, limit: Limit) -> int:
        """Count a cancel that is about to be sent by any replica, as `RateLimit.take` does.

        Raises:
            SharedStateError: Redis does not tell.
        """
        key = f"pullcord:limit:{limit.count}/{limit.unit}"
        wait = await self._told(lambda: self._redis.eval(_TAKE, 1, key, limit.count, SECONDS[limit.unit]))
        return math.ceil(int(wait) / 1_000_000)

    async def use(self, consent_id: str) -> bool:
        """Mark a consent as used by any replica; return whether it was not used before.

        Raises:
            SharedStateError: Redis does not tell.
        """
        key = f"pullcord:consent:{consent_id}"
        return bool(await self._told(lambda: self._redis.set(key, 1, nx=True, ex=CONSENT_SECONDS)))

    async def _told(self, request: Callable[[], Awaitable[T]]) -> T:
        try:
            with anyio.fail_after(PATIENCE):
                return await request()
        except (RedisError, OSError, TimeoutError) as error:
            reason = str(error) or f"no answer came within {PATIENCE:.0f} s"
            _log.error("the state that replicas share can't be reached: %s", reason)
            raise SharedStateError("the state that replicas share can't be reached") from None


class SharedRateLimit:
    """One limit for all replicas.

    Args:
        limit: the number of cancels, and the unit of time.
        state: counts them.
    """

    def __init__(self, limit: Limit, state: SharedState) -> None:
        self.limit = limit
        self._state = state

    async def take(self) -> int:
        """Count a cancel that is about to be sent, as `SharedState.take` does.

        Raises:
            SharedStateError: Redis does not tell.
        """
        return await self._state.take(self.limit)
