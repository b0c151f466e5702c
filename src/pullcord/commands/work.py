"""The work that runs, as a person at a terminal finds it: what there is, what is meant, and how it is shown."""

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
    """What was seen to run."""

    works: Sequence[Work]
    """Oldest first, those of unknown start last."""
    gaps: Sequence[str]
    """What was not seen, and why: a sentence each."""


class Narrowing(NamedTuple):
    """Which of the work that runs is meant; None: whatever it is."""

    platforms: Sequence[str] = ()
    """None: all."""
    text: str | None = None
    """Stands in the name or in an id."""
    older: timedelta | None = None

    def fits(self, work: Work, now: datetime) -> bool:
        """Whether work is meant; work of unknown start is never known to be old.

        Args:
            work: that runs.
            now: the time.
        """
        begun = since(work)
        return (self.text is None or work.contains(self.text)) and (
            self.older is None or (begun is not None and now - begun >= self.older)
        )


def narrowing(options: argparse.Namespace) -> Narrowing:
    """What the options of a command mean; of an instance the platform is its own name."""
    platforms = [each.rpartition(":")[2] for each in options.platform]
    return Narrowing(platforms, options.match, getattr(options, "older", None))


async def running(reach: Reach, platforms: Sequence[str]) -> Running:
    """Look at all that runs.

    Args:
        reach: what is looked at.
        platforms: only these; none: all that can be reached.
    """
    whole = reach.surface
    catalogue = {
        name: each for name, each in whole.catalogue.items() if not platforms or each.platform.name in platforms
    }
    find = whole.tools[FIND_RUNNING]
    call = Call(replace(whole, catalogue=catalogue), find, {}, request_id=secrets.token_hex(16))
    sights = await look_around(call, reach.engine.gateway)
    works = sorted((work for sight in sights for work in sight.works.values()), key=lambda work: work.place)
    return Running(works, [each for sight in sights for each in _gaps(sight)])


def _gaps(sight: Sight) -> Iterator[str]:
    for gap in sight.gaps:
        yield f"{sight.platform.title}: {gap.why}.{f' {gap.remedy}' if gap.remedy else ''}"


def since(work: Work) -> datetime | None:
    """When work began, in UTC; None: unknown."""
    if work.place.since == UNKNOWN_START:
        return None
    return datetime.strptime(work.place.since, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def ids(work: Work) -> list[str]:
    """The ids of work, and before them those of what it belongs to; the last is its own."""
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


def meant(text: str, works: Iterable[Work], reach: Reach) -> list[Work]:
    """The work that an id, or the URL of a page about it, means.

    An id is first of all that of the work itself; else of what it belongs to, where that can be stopped. Of several the
    ones that a URL says more of.

    Args:
        text: the id or the URL.
        works: what runs.
        reach: what may be called.
    """
    words = _words(text)
    own = [work for work in works if ids(work)[-1].casefold() in words]
    around = [work for work in works if cancel(work, reach) and words.intersection(map(str.casefold, ids(work)))]
    candidates = own or around
    shared = [len(words.intersection(map(str.casefold, ids(work)))) for work in candidates]
    return [work for work, count in zip(candidates, shared, strict=True) if count == max(shared)]


def _words(text: str) -> set[str]:
    """The words of a URL that may be ids; of anything else the text as it is."""
    parts = urlsplit(text) if "://" in text else None
    if parts is None:
        return {text.casefold()}
    rest = f"{parts.path}&{parts.query}&{parts.fragment}"
    return {unquote(word).casefold() for word in re.split(r"[/&=?]", rest) if word}


def as_json(work: Work) -> dict[str, Any]:
    """Work for programs: what find_running shows of it, and its own id."""
    return {**work.item.to_json(), "id": ids(work)[-1]}


def table(works: Sequence[Work], now: datetime) -> str:
    """Work as a person reads it; nothing in it can steer a terminal.

    Args:
        works: what is shown.
        now: the time, from which its age is told.
    """
    rows = [_COLUMNS, *(_row(work, now) for work in works)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(work: Work, now: datetime) -> tuple[str, ...]:
    begun, item = since(work), work.item.fields
    state = f"{work.state or 'unknown'}{', protected' if work.protected else ''}"
    cells = (work.place.platform, item.get("name", ""), state, age(now - begun) if begun else "", ids(work)[-1])
    return tuple(sanitize.text(str(each)) for each in cells)


def age(span: timedelta) -> str:
    """A length of time in its largest whole unit, such as 3h; of what begins in the future 0s."""
    seconds = max(0, int(span.total_seconds()))
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), ("s", 1))
    return f"{seconds // size}{unit}"
