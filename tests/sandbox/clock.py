"""Time that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

from anyio.lowlevel import checkpoint

_TURNS = 20
"""Turns in which whoever waits at the same time begins to."""


class Clock:
    """Called, it tells the time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 12, tzinfo=UTC)
        self._ends: list[datetime] = []
        """When each of those who wait goes on."""

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Let time pass; where several wait, it passes for all of them at once, and the first goes on first."""
        end = self.now + timedelta(seconds=seconds)
        self._ends.append(end)
        try:
            for _ in range(_TURNS):
                await checkpoint()
            while min(self._ends) < end:
                await checkpoint()
        finally:
            self._ends.remove(end)
        self.now = max(self.now, end)
