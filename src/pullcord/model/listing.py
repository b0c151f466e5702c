"""A list: where its items stand, what each offers, and how to go on."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from pullcord.model.link import Link
from pullcord.model.pointer import Pointer, look_up
from pullcord.model.state import State
from pullcord.model.value import Arguments, Json


class PageStyle(StrEnum):
    """How a platform hands out a long list."""

    PAGE = "page"
    """By the page's number, from 1."""
    OFFSET = "offset"
    """By the number of items to skip."""
    CURSOR = "cursor"
    """By a word (the cursor) that the part before gives."""
    LIMIT = "limit"
    """Only the first ones, as many as asked for: pullcord asks for more, and skips those that it has shown."""
    WHOLE = "whole"
    """All items at once: pullcord itself divides them, by an offset of its own."""


PAGE_LIMIT = 100
"""Items that are shown at once, however many the caller asks for: no manifest's parts are larger."""


class Pages(NamedTuple):
    """How the next part of a list is requested."""

    style: PageStyle
    at: str = "offset"
    """The parameter that names the part: the page's number, the offset or the cursor."""
    size: str | None = None
    """The parameter for the number of items of a part."""
    total: Pointer | None = None
    """Where the number of all items stands."""
    next: Pointer | None = None
    """Where the next part's cursor stands. If it is absent, null, empty or the same again, this was the last part."""
    more: Pointer | None = None
    """Where the reply tells whether another part follows; only false says no."""


class Since(NamedTuple):
    """Where an item tells since when it has been running."""

    at: Pointer
    unit: Literal["s", "ms"] | None = None
    """The unit of a number counted since 1970; None: it is a text in the form of RFC 3339."""


class Places(NamedTuple):
    """The places that a list goes through where it can't list everything: repositories, or namespaces."""

    env: str
    """The variable that names them, with commas between them."""
    fills: tuple[str, ...]
    """The arguments that each place gives. The parts of a place have slashes between them, as in owner/repo."""


class Listing(NamedTuple):
    """Where a list's items stand, what each offers, and how to go on."""

    items: Pointer
    expose: tuple[Pointer, ...]
    pages: Pages
    state: State | None = None
    links: tuple[Link, ...] = ()
    key: str | None = None
    """For items that stand in an object: the member of the item that its key becomes. None: they stand in an array."""
    name: Pointer | None = None
    """What a person calls an item."""
    since: Since | None = None
    running: tuple[Arguments, ...] = ()
    """The arguments that list what runs: a request for each set of them."""
    within: str | None = None
    """The relation of each item's link to the list that holds its work."""
    places: Places | None = None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": timedelta(seconds=1), "ms": timedelta(milliseconds=1)}


def begun(since: Since | None, item: Json) -> datetime | None:
    """The time since when an item has been running, in UTC; None: it is unknown.

    Args:
        since: where the item tells it; None: nowhere.
        item: of the list.
    """
    if since is None:
        return None
    value = look_up(item, since.at)
    try:
        if since.unit and isinstance(value, int | float) and not isinstance(value, bool):
            return _EPOCH + value * _UNITS[since.unit]
        if since.unit is None and isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else None  # a local time could be anywhere's
    except (ValueError, OverflowError):
        return None  # no time, or one that no calendar has
    return None


def items_of(listing: Listing, body: Json) -> list[Json] | None:
    """The items of a list.

    Args:
        listing: tells where they stand.
        body: of the list's reply.

    Returns:
        Each item; where they stand in an object each has its key as a member, too. None: the body holds no list.
    """
    container = look_up(body, listing.items)
    if listing.key is None:
        return container if isinstance(container, list) else None
    if not isinstance(container, dict):
        return None
    return [{**(item if isinstance(item, dict) else {}), listing.key: name} for name, item in container.items()]
