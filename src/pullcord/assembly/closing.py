"""The calls that are under way, and their end when what they go through is closed."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from pullcord.model.errors import ClosedError

GRACE = 7.0
"""Seconds that calls have to finish once they wait for nothing any more."""
_CUT = (
    "pullcord was closed before the call was done. A cancel may have been sent: look at the work before you call again."
)

_CLOSED = "pullcord is closed, and nothing was sent: make calls within the block of pullcord.server(...)."


class UnderWay:
    """The calls that are under way.

    Args:
        ending: set at the closing, so that calls that watch work answer at once.
        grace: seconds that calls have to finish then; for tests.
    """

    def __init__(self, ending: anyio.Event, grace: float = GRACE) -> None:
        self._ending, self._grace = ending, grace
        self._scopes: set[anyio.CancelScope] = set()
        self._departure = anyio.Event()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make a call in this block.

        Raises:
            ClosedError: the call was cut off, or begins after the closing.
        """
        if self._ending.is_set():
            raise ClosedError(_CLOSED)
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)
                self._departure.set()
        if scope.cancelled_caught:
            raise ClosedError(_CUT)

    async def close(self) -> None:
        """End the waiting of all calls, and after `grace` seconds the calls themselves.

        A cancel that is on the wire is finished and recorded in any case, also where the closing is cancelled.
        """
        with anyio.CancelScope(shield=True):
            self._ending.set()
            with anyio.move_on_after(self._grace):
                await self._idle()
            for scope in self._scopes:
                scope.cancel()
            await self._idle()

    async def _idle(self) -> None:
        while self._scopes:
            self._departure = anyio.Event()
            await self._departure.wait()
