"""A list cut to a part that an agent can read, and how to ask for the next part. Pure."""

from typing import NamedTuple

from pullcord import clean
from pullcord.operation import Arguments, Json, Listing, Operation, PageStyle
from pullcord.pointer import look_up

MOST = 100
"""Items that are shown at once, however many the caller asks for."""


class Part(NamedTuple):
    """What is shown of a list."""

    items: list[Json]
    left_out: int | None
    """How many items follow; None: unknown, and perhaps none."""
    onward: dict[str, Json] | None
    """The arguments of the next part; None if there is none."""


def part(operation: Operation, listing: Listing, arguments: Arguments, body: Json) -> Part | None:
    """The part of a list that a reply holds; None if it holds no list."""
    items = look_up(body, listing.items)
    if not isinstance(items, list):
        return None
    pages = listing.pages
    at = _number(operation, arguments, pages.at)
    size = min(_number(operation, arguments, pages.size), MOST) if pages.size else clean.ITEMS_LIMIT
    start = {PageStyle.PAGE: (at - 1) * size, PageStyle.LIMIT: 0}.get(pages.style, at)
    shown = items[at : at + size] if pages.style is PageStyle.WHOLE else items[:size]
    total = len(items) if pages.style is PageStyle.WHOLE else look_up(body, pages.total) if pages.total else None
    if not isinstance(total, int):
        # Only the size of the answer tells: a full part may be followed by another.
        more = None if len(items) >= size and size < MOST else 0
        onward = {**arguments, str(pages.size): min(size * 5, MOST)} if more is None else None
        return Part(shown, more, onward)
    more = max(0, total - start - len(shown))
    step = 1 if pages.style is PageStyle.PAGE else size
    return Part(shown, more, {**arguments, pages.at: at + step} if more and shown else None)


def _number(operation: Operation, arguments: Arguments, name: str | None) -> int:
    parameter = next((p for p in operation.arguments if p.name == name), None)
    value = arguments.get(str(name), parameter.schema.get("default") if parameter else 0)
    return value if isinstance(value, int) else 0
