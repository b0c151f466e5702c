"""The work that runs, for a person at a terminal: filters it, and shows it."""

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pullcord.assembly.running import Work
from pullcord.model import sanitize

_COLUMNS = ("PLATFORM", "WHAT", "STATE", "SINCE", "ID")
_GAP = "  "
_SHORT = 12
"""Characters that are left of a name, however narrow the terminal is."""
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class Narrowing(NamedTuple):
    """The filters of a command."""

    platforms: Sequence[str] = ()
    """The names of platforms; empty: all."""
    text: str | None = None
    """A text in the name or in an id; None: any."""
    older: timedelta | None = None
    """The least age; None: any."""

    def fits(self, work: Work, now: datetime) -> bool:
        """Whether work passes the text and the age; work of unknown start never passes an age.

        Args:
            work: that runs.
            now: the time.
        """
        return (self.text is None or work.contains(self.text)) and (
            self.older is None or (work.since is not None and now - work.since >= self.older)
        )


def narrowing(options: argparse.Namespace) -> Narrowing:
    """The filters in the options of a command; the platform of an instance is the instance's name."""
    platforms = [each.rpartition(":")[2] for each in options.platform]
    return Narrowing(platforms, options.match, getattr(options, "older", None))


def as_json(work: Work) -> dict[str, Any]:
    """Work as JSON: the item of find_running, and its own id."""
    return {**work.item.to_json(), "id": work.id}


def table(works: Sequence[Work], now: datetime, columns: int | None = None) -> str:
    """A table of work for a person, without characters that steer a terminal.

    Args:
        works: the rows.
        now: the time, for their age.
        columns: of the terminal; where the rows are wider, each id, which is there to be copied, gets a line of its
            own, and names are cut. None: nothing is cut.
    """
    rows = [_COLUMNS, *(_row(work, now) for work in works)]
    widths = _widths(rows)
    if columns is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= columns:
        return "\n".join(_line(row, widths) for row in rows)
    *widths, _ = widths
    room = columns - len(_GAP) * (len(widths) - 1) - sum(widths) + widths[1]
    widths[1] = min(widths[1], max(_SHORT, room))
    return "\n".join(f"{_line(_cut(cells, widths[1]), widths)}\n{_GAP}{own}" for *cells, own in rows)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(map(str.ljust, cells, widths)).rstrip()


def _cut(cells: Sequence[str], width: int) -> list[str]:
    """The cells of a row, with a name of so many characters at most."""
    platform, name, *rest = cells
    return [platform, name if len(name) <= width else f"{name[: width - 3]}...", *rest]


def _row(work: Work, now: datetime) -> tuple[str, ...]:
    name = work.item.fields.get("name", "")
    state = f"{work.state or 'unknown'}{', protected' if work.protected else ''}"
    cells = (work.platform, name, state, age(now - work.since) if work.since else "", work.id)
    return tuple(sanitize.text(str(each)) for each in cells)


def age(span: timedelta) -> str:
    """A length of time in its largest whole unit, such as 3h; 0s where it is negative."""
    seconds = max(0, int(span.total_seconds()))
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), ("s", 1))
    return f"{seconds // size}{unit}"
