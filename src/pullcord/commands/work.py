"""The work that runs, for a person at a terminal: finds it, filters it, and shows it."""

import argparse
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from pullcord.commands.reach import Reach
from pullcord.flow.attempt import Call
from pullcord.flow.finding import look_around
from pullcord.flow.found import Sight
from pullcord.flow.work import UNKNOWN_START, Work
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.running import FIND_RUNNING

_COLUMNS = ("PLATFORM", "WHAT", "STATE", "SINCE", "ID")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class Running(NamedTuple):
    """The work that was seen to run."""

    works: Sequence[Work]
    """Oldest first, those of unknown start last."""
    gaps: Sequence[str]
    """Sentences about what was not seen, and why."""


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
        start = since(work)
        return (self.text is None or work.contains(self.text)) and (
            self.older is None or (start is not None and now - start >= self.older)
        )


def narrowing(options: argparse.Namespace) -> Narrowing:
    """The filters in the options of a command; the platform of an instance is the instance's name."""
    platforms = [each.rpartition(":")[2] for each in options.platform]
    return Narrowing(platforms, options.match, getattr(options, "older", None))


async def running(reach: Reach, platforms: Sequence[str]) -> Running:
    """Look at all that runs.

    Args:
        reach: the platforms that may be looked at.
        platforms: names of those that are; empty: all that can be reached.
    """
    surface = reach.surface
    catalogue = {
        name: each for name, each in surface.catalogue.items() if not platforms or each.platform.name in platforms
    }
    find = surface.tools[FIND_RUNNING]
    call = Call(replace(surface, catalogue=catalogue), find, {}, request_id=secrets.token_hex(16))
    sights = await look_around(call, reach.engine.gateway)
    works = sorted((work for sight in sights for work in sight.works.values()), key=lambda work: work.place)
    return Running(works, [each for sight in sights for each in _gaps(sight)])


def _gaps(sight: Sight) -> Iterator[str]:
    for gap in sight.gaps:
        yield f"{sight.platform.title}: {gap.why}.{f' {gap.remedy}' if gap.remedy else ''}"


def since(work: Work) -> datetime | None:
    """The start of work, in UTC; None: it is unknown."""
    if work.place.since == UNKNOWN_START:
        return None
    return datetime.strptime(work.place.since, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def ids(work: Work) -> list[str]:
    """The ids of work: first those of what it belongs to, last its own."""
    values = [str(each) for action in work.actions[:1] for each in (action.arguments or {}).values()]
    return [each for each in values if each in work.ids] or [*work.ids] or [work.place.id]


def cancel(work: Work, reach: Reach) -> Action | None:
    """The call that stops work; None: it can't be stopped from here.

    Args:
        work: that runs.
        reach: what may be called.
    """
    tools = reach.surface.tools
    return next((each for each in work.actions if each.tool and tools[each.tool].cancel), None)


def works_named(text: str, works: Iterable[Work], reach: Reach) -> list[Work]:
    """The work that an id, or the URL of a page about it, names.

    Work whose own id it is goes before work that belongs to what it names, which must have a cancel. Of several pieces
    those are returned of which the URL holds the most ids.

    Args:
        text: the id or the URL.
        works: the work that runs.
        reach: the operations that may be called.
    """
    words = _words(text)
    exact = [work for work in works if ids(work)[-1].casefold() in words]
    wider = [work for work in works if cancel(work, reach) and words.intersection(map(str.casefold, ids(work)))]
    candidates = exact or wider
    counts = [len(words.intersection(map(str.casefold, ids(work)))) for work in candidates]
    return [work for work, count in zip(candidates, counts, strict=True) if count == max(counts)]


def _words(text: str) -> set[str]:
    """The words of a URL that may be ids; a text that is no URL is one word."""
    parts = urlsplit(text) if "://" in text else None
    if parts is None:
        return {text.casefold()}
    rest = f"{parts.path}&{parts.query}&{parts.fragment}"
    return {unquote(word).casefold() for word in re.split(r"[/&=?]", rest) if word}


def as_json(work: Work) -> dict[str, Any]:
    """Work as JSON: the item of find_running, and its own id."""
    return {**work.item.to_json(), "id": ids(work)[-1]}


def table(works: Sequence[Work], now: datetime) -> str:
    """A table of work for a person, without characters that steer a terminal.

    Args:
        works: the rows.
        now: the time, for their age.
    """
    rows = [_COLUMNS, *(_row(work, now) for work in works)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(work: Work, now: datetime) -> tuple[str, ...]:
    start, item = since(work), work.item.fields
    state = f"{work.state or 'unknown'}{', protected' if work.protected else ''}"
    cells = (work.place.platform, item.get("name", ""), state, age(now - start) if start else "", ids(work)[-1])
    return tuple(sanitize.text(str(each)) for each in cells)


def age(span: timedelta) -> str:
    """A length of time in its largest whole unit, such as 3h; 0s where it is negative."""
    seconds = max(0, int(span.total_seconds()))
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), ("s", 1))
    return f"{seconds // size}{unit}"
