"""A list cut to a part that an agent can read, and how to ask for the next part. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from pullcord.model import sanitize
from pullcord.model.listing import PAGE_LIMIT, Listing, Pages, PageStyle, items_of
from pullcord.model.operation import Operation
from pullcord.model.pointer import look_up
from pullcord.model.value import Arguments, Json


class Part(NamedTuple):
    """What is shown of a list."""

    items: list[Json]
    left_out: int | None
    """How many items follow; None: unknown, and perhaps none."""
    onward: dict[str, Json] | None
    """The arguments of the next part; None if there is none."""


def part(operation: Operation, listing: Listing, arguments: Arguments, body: Json) -> Part | None:
    """The part of a list that a reply holds; None if it holds no list.

    Args:
        operation: the list.
        listing: where its items stand, and how it goes on.
        arguments: of the call.
        body: what came back.
    """
    items = items_of(listing, body)
    if items is None:
        return None
    pages = listing.pages
    if pages.style is PageStyle.CURSOR:
        return _by_cursor(pages, arguments, body, items)
    at = _number(operation, pages.at, "default", arguments)
    size = _number(operation, pages.size, "default", arguments) or sanitize.ITEMS_LIMIT
    start, step = {PageStyle.PAGE: ((at - 1) * size, 1)}.get(pages.style, (at, size))
    total = sanitize.value(look_up(body, pages.total)) if pages.total is not None else None
    if pages.style is PageStyle.WHOLE:
        items, total = items[at:], len(items)
    shown = items[:size]
    if isinstance(total, int) and not isinstance(total, bool):
        left: int | None = max(0, total - start - len(shown))
    elif len(items) < size:
        left = 0
    else:  # only the size of the answer tells: a full part may be followed by another
        left = None
    if not shown or left == 0:
        return Part(shown, left, None)
    if pages.style is PageStyle.LIMIT:
        larger = min(size * 5, _number(operation, pages.size, "maximum"))
        return Part(shown, left, {**arguments, str(pages.size): larger} if larger > size else None)
    return Part(shown, left, {**arguments, pages.at: at + step})


def _by_cursor(pages: Pages, arguments: Arguments, body: Json, items: list[Json]) -> Part:
    """All of a part, which may be empty although others follow, and what the platform calls the next one."""
    cursor = look_up(body, pages.next) if pages.next is not None else None
    more = look_up(body, pages.more) if pages.more is not None else None
    is_last = more is False or cursor in (None, "", arguments.get(pages.at)) or isinstance(cursor, dict | list)
    shown = items[:PAGE_LIMIT]
    if is_last:
        return Part(shown, len(items) - len(shown), None)
    return Part(shown, None, {**arguments, pages.at: str(cursor)})


def _number(operation: Operation, name: str | None, key: str, arguments: Arguments | None = None) -> int:
    """What a parameter is given, or else what its schema says; 0 where there is neither."""
    schema: Mapping[str, Json] = next((each.schema for each in operation.arguments if each.name == name), {})
    value = (arguments or {}).get(str(name), schema.get(key))
    return value if isinstance(value, int) else 0
