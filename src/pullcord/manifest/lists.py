"""A list: where its items stand, what each offers, and how to ask for the next part."""

import math
from collections.abc import Mapping, Sequence

from pullcord.manifest.expressions import Here, in_body
from pullcord.manifest.links import links
from pullcord.manifest.node import Node, nearest
from pullcord.manifest.rules import exposed, state
from pullcord.model.listing import PAGE_LIMIT, Listing, Pages, PageStyle
from pullcord.model.operation import Parameter, Place
from pullcord.model.value import Json

_PAGES: Mapping[PageStyle, tuple[str, ...]] = {
    PageStyle.PAGE: ("at", "size", "total"),
    PageStyle.OFFSET: ("at", "size", "total"),
    PageStyle.LIMIT: ("size",),
    PageStyle.WHOLE: (),
}
"""What each style needs, and the only members that it has."""


def listing(node: Node, here: Here) -> Listing:
    """x-list: where the items stand, and what each offers."""
    members = node.members("x-list")
    return Listing(
        items=in_body(members["items"], "items"),
        expose=exposed(members["expose"]),
        pages=_pages(members["pages"], here.parameters),
        state=state(members["state"], here) if "state" in members else None,
        links=links(members["links"], here, of_items=True) if "links" in members else (),
    )


def _pages(node: Node, parameters: Sequence[Parameter]) -> Pages:
    members = node.members("pages")
    style = PageStyle(members["style"].choice(list(PageStyle)))
    for name in _PAGES[style]:
        if name not in members:
            node.fault(f"{name} is missing; pages of the style {style} need it")
    for name, member in members.items():
        if name not in {"style", *_PAGES[style]}:
            member.fault(f"pages of the style {style} have no {name}; leave it out")
    least = 1 if style is PageStyle.PAGE else 0
    return Pages(
        style=style,
        at=_counter(members["at"], parameters, least) if "at" in members else "offset",
        size=_counter(members["size"], parameters, 1, PAGE_LIMIT) if "size" in members else None,
        total=members["total"].pointer_text() if "total" in members else None,
    )


def _counter(node: Node, parameters: Sequence[Parameter], least: int, most: float = math.inf) -> str:
    """A parameter that counts, from where it says and to where it says: the next part is reckoned from these."""
    names = [
        each.name
        for each in parameters
        if each.place is Place.QUERY
        and each.schema["type"] == "integer"
        and "default" in each.schema
        and _number(each.schema.get("minimum"), -math.inf) >= least
        and _number(each.schema.get("maximum"), math.inf) <= most
    ]
    if node.value not in names:
        upper = "" if math.isinf(most) else f" and a maximum of {most} or less"
        node.fault(
            f"this names no integer of the query that has a default and a minimum of {least} or more{upper};"
            f" {nearest(str(node.value), names) if names else 'describe one'}"
        )
    return str(node.value)


def _number(given: Json, otherwise: float) -> float:
    return given if isinstance(given, int) else otherwise
