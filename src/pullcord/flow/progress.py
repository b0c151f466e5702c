"""Tells the client how long its call has taken: at each look at the work, and at least every ten seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

Report: TypeAlias = Callable[[float, float, str], Awaitable[None]]
"""Called with the seconds so far, the seconds in all, and a text that says what was seen."""

_log = logging.getLogger(__name__)

SILENCE = 10.0
"""Seconds at most between two reports: many clients give up after 60 without one."""
_INSTANT = 0.001
"""Seconds by which clocks may differ, as they round."""


class Progress:
    """Reports the progress of one call, whose seconds are those since it began: in MCP they may only grow.

    A report that fails (a pipe is broken, the client has gone) is logged, and is the call's last: what the call has
    done, and its answer, stand.

    Args:
        report: takes the reports.
        now: the time in seconds, from any start.
        total: seconds for the whole call.
        platform: its title.
    """

    def __init__(self, report: Report, now: Callable[[], float], total: float, platform: str) -> None:
        self._report, self._now, self._total = report, now, total
        self._start = self._reported = now()
        self._text = f"{platform}: no answer yet"
        self._has_failed = False
        self._repeats: list[asyncio.Task[None]] = []

    async def tell(self, seconds: float, total: float, text: str) -> None:
        """Report what was seen; a `Report`.

        Args:
            seconds: for which the work was watched so far.
            total: seconds for which it is watched, at most.
            text: says what was seen.
        """
        self._reported, self._text = self._now(), text
        elapsed = self._reported - self._start
        self._total = elapsed - seconds + total
        if self._has_failed:
            return
        try:
            await self._report(elapsed, self._total, text)
        except Exception:  # noqa: BLE001 - whatever ends the reporting must not end a call that may have been sent
            self._has_failed = True
            _log.warning("Progress is not reported any more: a report failed.", exc_info=True)

    def __enter__(self) -> Self:
        """Report once more, from now on, whenever there was no report for SILENCE seconds.

        Most calls end long before that: they cost a timer, and no task.
        """
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SILENCE, lambda: self._repeats.append(loop.create_task(self._repeat())))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Report no more."""
        self._timer.cancel()
        for each in self._repeats:
            each.cancel()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(max(_INSTANT, self._reported + SILENCE - self._now()))
            if self._now() - self._reported > SILENCE - _INSTANT:
                elapsed = self._now() - self._start
                await self.tell(elapsed, max(self._total, elapsed), self._text)
