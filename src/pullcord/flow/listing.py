"""Cuts a list to a page that an agent can read, and finds the arguments of the next page. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from pullcord.model import sanitize
from pullcord.model.arguments import typed_as
from pullcord.model.listing import PAGE_LIMIT, Pages, PageStyle, items_of
from pullcord.model.operation import Operation
from pullcord.model.pointer import look_up
from pullcord.model.value import Arguments, Json


class Page(NamedTuple):
    """A page of a list."""

    items: list[Json]
    left_out: int | None
    """How many items follow; None: that is unknown."""
    next_arguments: dict[str, Json] | None
    """The arguments of the next page; None: there is none."""


def page_of(operation: Operation, arguments: Arguments, body: Json) -> Page | None:
    """The page of a list that a reply holds.

    Args:
        operation: the one that was called.
        arguments: of the call.
        body: of the reply.

    Returns:
        The page; None: the operation is no list, or the body holds none.
    """
    items = items_of(operation.listing, body) if operation.listing else None
    if operation.listing is None or items is None:
        return None
    pages = operation.listing.pages
    if pages.style is PageStyle.CURSOR:
        return _by_cursor(operation, pages, arguments, body, items)
    position = _number(operation, pages.at, "default", arguments)
    size = _number(operation, pages.size, "default", arguments) or sanitize.ITEMS_LIMIT
    start, next_position = position, position + size
    if pages.style is PageStyle.PAGE:
        start, next_position = (position - 1) * size, position + 1
    total = sanitize.value(look_up(body, pages.total)) if pages.total is not None else None
    received = len(items)
    if pages.style is PageStyle.WHOLE:
        items, total = items[position:], received
    first = position if pages.style is PageStyle.LIMIT else 0  # what was shown is skipped
    page = items[first:size]
    if isinstance(total, int) and not isinstance(total, bool):
        left_out: int | None = max(0, total - start - len(page))
    elif received < size:
        left_out = 0
    else:  # only the size of the answer tells: a full page may be followed by another
        left_out = None
    if not page or left_out == 0:
        return Page(page, left_out, None)
    if pages.style is PageStyle.LIMIT:
        larger = min(size * 5, _number(operation, pages.size, "maximum"))
        further = {**arguments, str(pages.size): larger, pages.at: size}
        return Page(page, left_out, further if larger > size else None)
    return Page(page, left_out, {**arguments, pages.at: next_position})


def _by_cursor(operation: Operation, pages: Pages, arguments: Arguments, body: Json, items: list[Json]) -> Page:
    """A page of a list with cursors, which may be empty although others follow."""
    value = look_up(body, pages.next) if pages.next is not None else None
    has_more = look_up(body, pages.more) if pages.more is not None else None
    cursor = typed_as(operation, {pages.at: value})[pages.at]
    if isinstance(cursor, int | float) and not isinstance(cursor, bool):  # too large for typed_as, and a cursor still
        cursor = str(cursor)
    onward = {**arguments, pages.at: cursor}
    is_last = has_more is False or not isinstance(cursor, str) or cursor in {"", arguments.get(pages.at)}
    page = items[:PAGE_LIMIT]
    return Page(page, len(items) - len(page), None) if is_last else Page(page, None, onward)


def _number(operation: Operation, name: str | None, key: str, arguments: Arguments | None = None) -> int:
    """The number that a parameter is given, or that its schema has under a key; 0: neither."""
    schema: Mapping[str, Json] = next((each.schema for each in operation.arguments if each.name == name), {})
    value = (arguments or {}).get(str(name), schema.get(key))
    return value if isinstance(value, int) else 0
