"""The work that runs on all platforms that can be reached, and the piece of it that an id or a URL names."""

import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote, urlsplit

from pullcord.assembly.reach import Reach
from pullcord.config.surface import Surface
from pullcord.flow import work
from pullcord.flow.attempt import Call
from pullcord.flow.finding import look_around
from pullcord.flow.found import Survey, in_order
from pullcord.model.action import Action
from pullcord.model.answer import Item
from pullcord.model.running import FIND_RUNNING, callables


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of work that runs, is about to, or is paused."""

    platform: str
    name: str | None
    """What a person calls it."""
    state: str | None
    """Its platform's own word."""
    since: datetime | None
    """Its start, in UTC; None: it is unknown."""
    ids: tuple[str, ...]
    """The ids of what it belongs to, and last its own."""
    protected: bool
    """Whether it must not be stopped from here, since PULLCORD_PROTECT names it."""
    cancel: Action | None
    """The call that stops it; None: it can't be stopped from here, as it is now."""
    item: Item
    """What find_running shows of it, with its next steps."""

    @property
    def id(self) -> str:
        """Its own id."""
        return self.ids[-1]

    def contains(self, text: str) -> bool:
        """Whether a text stands in its name or one of its ids, in small or capital letters."""
        return any(text.casefold() in each.casefold() for each in (self.name or "", *self.ids))


@dataclass(frozen=True, slots=True)
class Running:
    """The work that was seen to run."""

    works: tuple[Work, ...]
    """Oldest first, those of unknown start last."""
    gaps: tuple[str, ...]
    """Sentences about what was not seen, and why; empty: all was seen."""


async def running(reach: Reach, platforms: Collection[str]) -> Running:
    """Look at all that runs.

    Args:
        reach: the platforms that may be looked at.
        platforms: names of those that are; empty: all that can be reached.
    """
    surface = reach.surface
    catalogue = {
        name: each for name, each in surface.catalogue.items() if not platforms or each.platform.name in platforms
    }
    find = callables(surface.catalogue)[FIND_RUNNING]  # it need not be among the tools
    call = Call(replace(surface, catalogue=catalogue), find, {}, request_id=secrets.token_hex(6))
    surveys = await look_around(call, reach.engine.gateway)
    gaps = tuple(each for survey in surveys for each in _gaps(survey))
    return Running(tuple(_work(each, surface) for each in in_order(surveys)), gaps)


def _work(source: work.Work, surface: Surface) -> Work:
    """The record of work that a list showed, with the operations that may be called."""
    start, tools = source.position.since, surface.tools
    # A call about the work names what it belongs to first.
    values = [str(each) for action in source.actions[:1] for each in (action.arguments or {}).values()]
    path = [each for each in values if each in source.ids]
    others = [each for each in source.ids if each not in path]
    return Work(
        platform=source.position.platform,
        name=source.name,
        state=source.state,
        since=None if start == work.UNKNOWN_START else datetime.fromisoformat(start),
        ids=(*others, *path) or (source.position.id,),
        protected=source.protected,
        cancel=next((each for each in source.actions if each.tool and tools[each.tool].cancel), None),
        item=source.item,
    )


def _gaps(survey: Survey) -> Iterator[str]:
    for gap in survey.gaps:
        remedy = gap.remedy or ""
        # The remedy of settings with faults says them, too.
        yield f"{survey.platform.title}: " + (remedy if gap.why in remedy else f"{gap.why}. {remedy}".rstrip())


def obstacle(work: Work) -> str:
    """Why a piece of work that has no cancel can't be stopped from here."""
    return "it is protected (PULLCORD_PROTECT)" if work.protected else "nothing stops it as it is now"


def works_named(text: str, works: Sequence[Work]) -> list[Work]:
    """The work that an id, or the URL of a page about it, names.

    Work whose own id it is goes before work that belongs to what it names, which must have a cancel. Of several pieces
    those are returned of which the URL holds the most ids.

    Args:
        text: the id or the URL.
        works: the work that runs.
    """
    words = _words(text)
    exact = [each for each in works if each.id.casefold() in words]
    wider = [each for each in works if each.cancel and words.intersection(map(str.casefold, each.ids))]
    candidates = exact or wider
    counts = [len(words.intersection(map(str.casefold, each.ids))) for each in candidates]
    return [each for each, count in zip(candidates, counts, strict=True) if count == max(counts)]


def _words(text: str) -> set[str]:
    """The words of a URL that may be ids; a text that is no URL is one word."""
    parts = urlsplit(text) if "://" in text else None
    if parts is None:
        return {text.casefold()}
    rest = f"{parts.path}&{parts.query}&{parts.fragment}"
    return {unquote(word).casefold() for word in re.split(r"[/&=?]", rest) if word}
