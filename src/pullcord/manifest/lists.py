"""A list: where its items stand, what each offers, what runs in it, and how to ask for the next part."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pullcord.manifest.expressions import Here, in_body
from pullcord.manifest.links import REL, links
from pullcord.manifest.node import Node, nearest
from pullcord.manifest.rules import exposed, state
from pullcord.model.arguments import fault_of
from pullcord.model.listing import PAGE_LIMIT, Listing, Pages, PageStyle, Places, Since
from pullcord.model.operation import Operation, Parameter, Place
from pullcord.model.pointer import Pointer
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
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def listing(node: Node, here: Here) -> Listing:
    """x-list: where the items stand, and what each offers."""
    members = node.members("x-list")
    items, key = _items(members["items"])
    return Listing(
        items=items,
        expose=exposed(members["expose"]),
        pages=_pages(members["pages"], here.parameters),
        state=state(members["state"], here) if "state" in members else None,
        links=links(members["links"], here, of_items=True) if "links" in members else (),
        key=key,
        name=members["name"].pointer_text() if "name" in members else None,
        since=_since(members["since"]) if "since" in members else None,
        running=tuple(_running(item, here) for item in members["running"].items()) if "running" in members else (),
        within=members["within"].text(REL, "a link's relation") if "within" in members else None,
        places=_places(members["places"], here) if "places" in members else None,
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


def _running(node: Node, here: Here) -> dict[str, Json]:
    known = {each.name: each for each in here.parameters if each.is_argument}
    given = node.named()
    for name, value in given.items():
        if name not in known:
            value.fault(f"{here.name} has no argument {name}; {nearest(name, list(known))}")
        elif fault := fault_of(known[name].schema, value.value):
            value.fault(f"this {fault}; write a value that fits the argument {name}")
    return {name: value.value for name, value in given.items()}


def _places(node: Node, here: Here) -> Places:
    members = node.members("x-list.places")
    known = [each.name for each in here.parameters if each.is_argument]
    names = members["fills"].items()
    if members["fills"].value == []:
        members["fills"].fault("no argument is named; write those that a place fills")
    return Places(
        members["env"].text(_VARIABLE, "an environment variable's name in capitals"),
        tuple(name.choice(known) if known else name.text() for name in names),
    )


def _pages(node: Node, parameters: Sequence[Parameter]) -> Pages:
    members = node.members("pages")
    style = PageStyle(members["style"].choice(list(PageStyle)))
    needed, allowed = (names.split() for names in _PAGES[style])
    for name in needed:
        if name not in members:
            node.fault(f"{name} is missing; pages of the style {style} need it")
    for name, member in members.items():
        if name not in {"style", *needed, *allowed}:
            member.fault(f"pages of the style {style} have no {name}; leave it out")
    return Pages(
        style=style,
        at=_at(members["at"], parameters, style) if "at" in members else "offset",
        size=_counter(members["size"], parameters, 1, PAGE_LIMIT) if "size" in members else None,
        **{name: members[name].pointer_text() for name in ("total", "next", "more") if name in members},
    )


def _at(node: Node, parameters: Sequence[Parameter], style: PageStyle) -> str:
    """The parameter that moves on."""
    if style is not PageStyle.CURSOR:
        return _counter(node, parameters, 1 if style is PageStyle.PAGE else 0)
    names = [
        each.name
        for each in parameters
        if _moves(each) and each.schema["type"] == "string" and "enum" not in each.schema and not each.required
    ]
    if node.value not in names:
        near = nearest(str(node.value), names) if names else "describe one"
        node.fault(f"this names no argument that is a text and may be left out; {near}")
    return str(node.value)


def _counter(node: Node, parameters: Sequence[Parameter], least: int, most: float = math.inf) -> str:
    """A parameter that counts, from where it says and to where it says: the next part is reckoned from these."""
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
        upper = "" if math.isinf(most) else f" and a maximum of {most} or less"
        node.fault(
            f"this names no argument that is a whole number with a default and a minimum of {least} or more{upper};"
            f" {nearest(str(node.value), names) if names else 'describe one'}"
        )
    return str(node.value)


def _moves(parameter: Parameter) -> bool:
    """Whether it is an argument that stands where a part of a list is asked for."""
    return parameter.is_argument and parameter.place in {Place.QUERY, Place.BODY}


def _number(given: Json, otherwise: float) -> float:
    return given if isinstance(given, int) else otherwise


def check_list(operation: Operation, operations: Mapping[str, Operation], node: Node) -> None:
    """Note a list that says that its items' work is found in another, and names none.

    Args:
        operation: what was read.
        operations: of the same file.
        node: of the operation.
    """
    if operation.listing is None or operation.listing.within is None:
        return
    rel = operation.listing.within
    lists = [
        link.rel for link in operation.listing.links if (to := operations.get(link.operation_id)) is None or to.listing
    ]
    if rel not in lists:
        place = f"{node.pointer}/x-list/within"
        node.at(place, None).fault(f"{rel} is no link of the items to an operation with x-list; {nearest(rel, lists)}")
