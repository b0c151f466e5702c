"""Reads a list: where its items stand, what each offers, what runs in it, and how the next part is requested."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pullcord.manifest.expressions import Scope, in_body
from pullcord.manifest.links import links
from pullcord.manifest.node import Node, suggestion
from pullcord.manifest.rules import exposed, state
from pullcord.manifest.servers import env
from pullcord.model.arguments import fault_of
from pullcord.model.listing import PAGE_LIMIT, Listing, Pages, PageStyle, Places, Since
from pullcord.model.nearest import nearest
from pullcord.model.operation import Operation, Parameter, Place
from pullcord.model.pointer import Pointer
from pullcord.model.relation import REL
from pullcord.model.value import Json

_PAGES: Mapping[PageStyle, tuple[str, str]] = {
    PageStyle.PAGE: ("at size", "total"),
    PageStyle.OFFSET: ("at size", "total"),
    PageStyle.CURSOR: ("at next", "size total more"),
    PageStyle.LIMIT: ("size", "total"),
    PageStyle.WHOLE: ("", ""),
}
"""What each style needs, and what it may have."""
_UNITS: Mapping[str, Literal["s", "ms"]] = {"s": "s", "ms": "ms"}
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def listing(node: Node, scope: Scope) -> Listing:
    """Read x-list: where the items stand, what each offers, and how the next part is requested.

    Args:
        node: the keyword's value.
        scope: the operation that it stands in.
    """
    members = node.members("x-list")
    items, key = _items(members["items"])
    return Listing(
        items=items,
        expose=exposed(members["expose"]),
        pages=_pages(members["pages"], scope.parameters),
        state=state(members["state"], scope) if "state" in members else None,
        links=links(members["links"], scope, of_items=True) if "links" in members else (),
        key=key,
        name=members["name"].pointer_text() if "name" in members else None,
        since=_since(members["since"]) if "since" in members else None,
        running=tuple(_running(item, scope) for item in members["running"].items()) if "running" in members else (),
        within=members["within"].text(REL, "a link's relation") if "within" in members else None,
        places=_places(members["places"], scope) if "places" in members else None,
    )


def _items(node: Node) -> tuple[Pointer, str | None]:
    if not isinstance(node.value, dict):
        return in_body(node, "items"), None
    members = node.members("x-list.items")
    return in_body(members["at"], "items"), members["key"].text(_KEY, "a member's name, such as id")


def _since(node: Node) -> Since:
    members = node.members("x-list.since")
    unit = _UNITS[members["unit"].choice(list(_UNITS))] if "unit" in members else None
    return Since(members["at"].pointer_text(), unit)


def _running(node: Node, scope: Scope) -> dict[str, Json]:
    parameters = {each.name: each for each in scope.parameters if each.is_argument}
    nodes = node.named()
    for name, value in nodes.items():
        if name not in parameters:
            value.fault(f"{scope.name} has no argument {name}; {suggestion(name, list(parameters))}")
        elif fault := fault_of(parameters[name].schema, value.value):
            value.fault(f"this {fault}; write a value that fits the argument {name}")
    return {name: value.value for name, value in nodes.items()}


def _places(node: Node, scope: Scope) -> Places:
    members = node.members("x-list.places")
    arguments = [each.name for each in scope.parameters if each.is_argument]
    names = members["fills"].items()
    if members["fills"].value == []:
        members["fills"].fault("no argument is named; write those that a place fills")
    return Places(
        env(members["env"]),
        tuple(name.choice(arguments) if arguments else name.text() for name in names),
    )


def _pages(node: Node, parameters: Sequence[Parameter]) -> Pages:
    members = node.members("pages")
    style = PageStyle(members["style"].choice(list(PageStyle)))
    word = members["style"].value
    if word != style and not nearest(str(word), list(PageStyle)):  # what belongs beside it can't be said
        return Pages(style)
    needed_names, optional_names = (names.split() for names in _PAGES[style])
    for name in needed_names:
        if name not in members:
            node.fault(f"{name} is missing; pages of the style {style} need it")
    for name, member in members.items():
        if name not in {"style", *needed_names, *optional_names}:
            member.fault(f"pages of the style {style} have no {name}; leave it out")
    return Pages(
        style=style,
        at=_at(members["at"], parameters, style) if "at" in members else "offset",
        size=_counter(members["size"], parameters, 1, PAGE_LIMIT) if "size" in members else None,
        **{name: members[name].pointer_text() for name in ("total", "next", "more") if name in members},
    )


def _at(node: Node, parameters: Sequence[Parameter], style: PageStyle) -> str:
    """The parameter that names the part of the list."""
    if style is not PageStyle.CURSOR:
        return _counter(node, parameters, 1 if style is PageStyle.PAGE else 0)
    names = [
        each.name
        for each in parameters
        if _moves(each) and each.schema["type"] == "string" and "enum" not in each.schema and not each.required
    ]
    if node.value not in names:
        remedy = suggestion(str(node.value), names) if names else "describe one"
        node.fault(f"this names no argument that is a text and may be left out; {remedy}")
    return str(node.value)


def _counter(node: Node, parameters: Sequence[Parameter], least: int, most: float = math.inf) -> str:
    """The name of a parameter that is a number with a default and bounds: the next part is computed from these."""
    names = [
        each.name
        for each in parameters
        if _moves(each)
        and each.schema["type"] == "integer"
        and "default" in each.schema
        and _number(each.schema.get("minimum"), -math.inf) >= least
        and _number(each.schema.get("maximum"), math.inf) <= most
    ]
    if node.value not in names:
        bound = "" if math.isinf(most) else f" and a maximum of {most} or less"
        node.fault(
            f"this names no argument that is a whole number with a default and a minimum of {least} or more{bound};"
            f" {suggestion(str(node.value), names) if names else 'describe one'}"
        )
    return str(node.value)


def _moves(parameter: Parameter) -> bool:
    """Whether it is an argument that can name the part of a list: one in the query or the body."""
    return parameter.is_argument and parameter.place in {Place.QUERY, Place.BODY}


def _number(value: Json, fallback: float) -> float:
    return value if isinstance(value, int) else fallback


def check_list(operation: Operation, operations: Mapping[str, Operation], node: Node) -> None:
    """Note a fault where `within` of a list names no link of its items to another list.

    Args:
        operation: the one whose x-list is checked.
        operations: all of the same file, by their ids.
        node: the operation's place.
    """
    if operation.listing is None or operation.listing.within is None:
        return
    rel = operation.listing.within
    lists = [
        link.rel
        for link in operation.listing.links
        if (target := operations.get(link.operation_id)) is None or target.listing
    ]
    if rel not in lists:
        place = f"{node.pointer}/x-list/within"
        node.at(place, None).fault(
            f"{rel} is no link of the items to an operation with x-list; {suggestion(rel, lists)}"
        )
