"""What is kept of a JSON value: the parts that somebody reads later. Pure."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pullcord.model.sanitize import DEPTH_LIMIT, ITEMS_LIMIT, TEXT_LIMIT
from pullcord.model.value import Json

TEXT_KEPT = 4 * TEXT_LIMIT + 1
"""Characters of a text that are kept: as many as showing it can tell apart."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Projection(NamedTuple):
    """Which parts of a value are kept."""

    whole: bool = False
    """All of it."""
    text: bool = False
    """A text to its last character."""
    shown: bool = False
    """What `sanitize.value` reads of it."""
    members: Mapping[str, "Projection"] = _NOTHING
    """These members of an object, or items of an array by their numbers."""
    each: "Projection | None" = None
    """Every member or item; None: only those that are named."""

    def of(self, name: str) -> "Projection | None":
        """What is kept of a member or item; None: nothing need be."""
        member = self.members.get(name)
        return union(member, self.each) if member and self.each else member or self.each


WHOLE = Projection(whole=True)
"""Keeps all of a value."""


def union(one: Projection, other: Projection) -> Projection:
    """What is kept where either wants it.

    Args:
        one: a projection.
        other: another one of the same value.
    """
    members = dict(one.members)
    for name, member in other.members.items():
        members[name] = union(members[name], member) if name in members else member
    each = union(one.each, other.each) if one.each and other.each else one.each or other.each
    return Projection(one.whole or other.whole, one.text or other.text, one.shown or other.shown, members, each)


def project(value: Json, projection: Projection, depth: int = 0) -> Json:
    """The parts of a value that are kept. What is read of the result is what would be read of the value.

    Objects and arrays stay such, also where nothing of them is kept; the items of an array keep their numbers.

    Args:
        value: any JSON value.
        projection: which parts are kept.
        depth: levels of it that are shown at least.
    """
    if projection.whole:
        return value
    depth = DEPTH_LIMIT if projection.shown else depth
    match value:
        case str():
            return value if projection.text else value[:TEXT_KEPT]
        case dict():
            return dict(_members(value, projection, depth))
        case list():
            return _items(value, projection, depth)
    return value


def _members(value: Mapping[str, Json], projection: Projection, depth: int) -> Iterator[tuple[str, Json]]:
    for number, (name, member) in enumerate(value.items()):
        inner_depth = max(depth - 1, 0) if number < ITEMS_LIMIT else 0
        inner = projection.of(name)
        if inner or (depth and number < ITEMS_LIMIT):
            yield name, project(member, inner or Projection(), inner_depth)


def _items(value: list[Json], projection: Projection, depth: int) -> list[Json]:
    numbers = [int(name) + 1 for name in projection.members if name.isascii() and name.isdecimal()]
    length = len(value) if projection.each else max([ITEMS_LIMIT if depth else 0, *numbers])
    return [
        project(item, projection.of(str(number)) or Projection(), max(depth - 1, 0) if number < ITEMS_LIMIT else 0)
        for number, item in enumerate(value[:length])
    ]
