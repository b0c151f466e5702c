"""Time that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Called, it tells the time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
