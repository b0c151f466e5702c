"""Cleans what a platform wrote: no control characters, no invisible or bidirectional ones, bounded in length.

Everything that an answer quotes from a platform passes through here.
"""

import math
import unicodedata
from collections.abc import Iterable

from pullcord.model.pointer import Pointer, look_up, tokens
from pullcord.model.value import Json

TEXT_LIMIT = 500
"""Characters of a quoted text."""
ITEMS_LIMIT = 20
"""Items of a quoted array, and members of a quoted object."""
DEPTH_LIMIT = 4
"""Levels of a quoted value."""
INTEGER_LIMIT = 2**63

_REPLACED: dict[int, str | None] = {ord(char): " " for char in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"}
# Fillers and variation selectors count as letters and marks, but nothing is seen of them: texts can be hidden there.
for _first, _last in (
    (0x34F, 0x34F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
):
    _REPLACED |= dict.fromkeys(range(_first, _last + 1))


def text(value: str, limit: int = TEXT_LIMIT) -> str:
    """One line of visible text.

    Removed are the Unicode categories C*: control, format (bidirectional and invisible characters), surrogates, private
    use and unassigned code points (Unicode Standard, chapter 4.5); and fillers and variation selectors (chapter 5.21).

    Args:
        value: what the platform wrote.
        limit: characters of the result at most; a cut text ends with "…".
    """
    if len(value) <= limit and value.isascii() and value.isprintable():  # most texts: nothing to do
        return value.strip()
    head = value[: 4 * limit]
    visible = "".join(char for char in head.translate(_REPLACED) if unicodedata.category(char)[0] != "C").strip()
    return visible if len(visible) <= limit and len(head) == len(value) else visible[: limit - 1] + "…"


def value(original: Json, depth: int = DEPTH_LIMIT) -> Json:
    """A JSON value with its texts cleaned, and bounded in width and depth.

    Args:
        original: what the platform wrote; of arrays and objects the first 20 items or members are kept.
        depth: levels of arrays and objects that are kept; deeper ones become None.
    """
    match original:
        case str():
            return text(original)
        case int() if abs(original) >= INTEGER_LIMIT:
            return None
        case float() if not math.isfinite(original):
            return None
        case list():
            return [value(item, depth - 1) for item in original[:ITEMS_LIMIT]] if depth else None
        case dict():
            members = list(original.items())[:ITEMS_LIMIT]
            return {text(name, 64): value(member, depth - 1) for name, member in members} if depth else None
    return original


def select(body: Json, pointers: tuple[Pointer, ...]) -> dict[str, Json]:
    """The parts of a body that pointers name, cleaned, nested as they are in the body.

    Args:
        body: of a reply, or an item of a list.
        pointers: to parts that may be shown; those that are absent or null there are left out.
    """
    return nested((pointer, look_up(body, pointer)) for pointer in pointers)


def nested(parts: Iterable[tuple[Pointer, Json]]) -> dict[str, Json]:
    """Parts of a body, cleaned, nested as they are in the body.

    Args:
        parts: each with its pointer; those that are None are left out.
    """
    selected: dict[str, Json] = {}
    for pointer, original in parts:
        part = value(original)
        if part is None:
            continue
        *parents, last = tokens(pointer)
        place = selected
        for parent in parents:
            inner = place.setdefault(parent, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = part
    return selected
