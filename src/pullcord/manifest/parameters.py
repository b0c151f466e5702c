"""The parameters of an operation: its arguments, and what is always sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from pullcord.manifest.node import Node
from pullcord.manifest.schemas import SCALARS, schema
from pullcord.manifest.security import HEADER
from pullcord.manifest.servers import env
from pullcord.model.cancel import REASON
from pullcord.model.operation import Parameter, Place
from pullcord.model.pointer import Pointer
from pullcord.model.value import Json

Described: TypeAlias = tuple[Parameter, Node]
"""A parameter, and the place that describes it."""

ARGUMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""An argument's name: some hosts accept no other characters."""
_STYLES: Mapping[Place, str] = {Place.QUERY: "form", Place.PATH: "simple", Place.HEADER: "simple"}
"""OpenAPI's own default for each place (3.1.1, 4.8.12.2), the only style that is supported there."""
_NAMES: Mapping[Place, tuple[re.Pattern[str], str]] = {
    Place.QUERY: (re.compile(r"[^\x00-\x1f\x7f]{1,256}"), "a name without control characters"),
    Place.PATH: (re.compile(r"[^\s{}/?#]{1,64}"), "the name that stands in the path"),
    Place.HEADER: (HEADER, "a header's name"),
}
_HEADER_TEXT = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OWN_HEADERS = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host",
    "traceparent", "transfer-encoding", "user-agent", "x-request-id",
})  # fmt: skip
"""OpenAPI ignores some of these as parameters (3.1.1, 4.8.12.1); all are pullcord's own to send, or not to."""


def parameters(shared: Sequence[Node], own: Sequence[Node], cache: dict[Pointer, Parameter]) -> list[Described]:
    """The parameters of an operation.

    Args:
        shared: those of its path.
        own: its own, each of which replaces a shared one of the same name and place.
        cache: the parameters of the document that were read, by their place, since many operations name the same ones;
            this function adds to it.
    """
    pairs: dict[tuple[str, Place], Described] = {}
    for nodes in (shared, own):
        level: dict[tuple[str, Place], Described] = {}
        for node in nodes:
            place = node.resolved()
            parameter = cache.get(place.pointer) or _parameter(place)
            cache[place.pointer] = parameter
            if (parameter.wire, parameter.place) in level:
                node.fault(f"the {parameter.place} parameter {parameter.wire} stands here twice; keep one")
            level[parameter.wire, parameter.place] = parameter, node
        pairs |= level
    return list(pairs.values())


def distinct(pairs: Iterable[Described]) -> tuple[Parameter, ...]:
    """The parameters of an operation; a fault is noted where two of them have one argument."""
    names: set[str] = set()
    for parameter, node in pairs:
        if parameter.is_argument and parameter.name in names:
            node.fault(
                f"two parameters are given by the argument {parameter.name}; tell them apart with x-argument-name"
            )
        names |= {parameter.name} if parameter.is_argument else set()
    return tuple(parameter for parameter, _ in pairs)


def _parameter(node: Node) -> Parameter:
    members = node.members("parameter")
    place = Place(members["in"].choice(list(_STYLES)))
    wire = members["name"].text(*_NAMES[place])
    required = "required" in members and members["required"].flag()
    values = schema(members["schema"], members["schema"].members("parameter schema"))
    if place is Place.PATH and ("required" not in members or members["required"].value is False):
        node.fault(f"{wire} stands in the path; write required: true")
    if place is Place.HEADER and wire.lower() in _OWN_HEADERS:
        node.fault(f"{wire} is no parameter; leave it out, since pullcord sends it itself")
    if place is not Place.HEADER and "x-env" in members:
        members["x-env"].fault("x-env only fills headers; leave it out")
    if required and "x-env" in members:
        members["required"].fault("a setting is never required; leave this out")
    if fault := _fault(place, values):
        members["schema"].fault(fault)
    if "style" in members:
        members["style"].choice([_STYLES[place]])
    return Parameter(
        name=argument(node, members, wire, values),
        place=place,
        required=required,
        description=described(node, members, values),
        schema=values,
        wire=wire,
        env=env(members["x-env"]) if "x-env" in members else None,
        explode="explode" not in members or members["explode"].flag(),
    )


def _fault(place: Place, values: Mapping[str, Json]) -> str | None:
    """What is wrong with the schema of a parameter for its place in the request; None if nothing is."""
    constant = values.get("const")
    if "const" in values and place is Place.PATH:
        return "a constant is no parameter of a path; write it into the path"
    if "const" in values and not isinstance(constant, str | int):
        words = isinstance(constant, list) and all(isinstance(each, str | int) for each in constant)
        return None if words and place is Place.QUERY else "write a text, a whole number, true or false"
    if place is Place.HEADER and isinstance(constant, str) and not _HEADER_TEXT.fullmatch(constant):
        return "a header carries no such text; write one of ASCII, without white space at its ends"
    if values["type"] == "array" and place is not Place.QUERY:
        return f"only a query takes lists; write one of {', '.join(SCALARS)}"
    return None


def argument(node: Node, members: Mapping[str, Node], wire: str, values: Mapping[str, Json]) -> str:
    """The name of the argument that gives a value; of what is no argument the name in the request.

    Args:
        node: the place that describes it.
        members: of that place.
        wire: the name in the request.
        values: its schema.
    """
    sources = [key for key in ("x-env", "x-argument", "x-argument-name") if key in members]
    if len(sources) + ("const" in values) > 1:
        keywords = [*sources, "const"] if "const" in values else sources
        node.fault(f"{' and '.join(keywords)} contradict each other; keep one")
    if "x-argument" in members:
        return members["x-argument"].choice([REASON])
    if "x-argument-name" in members:
        return members["x-argument-name"].text(ARGUMENT, "an argument's name: 1 to 64 of A-Z a-z 0-9 _ . -")
    if not sources and "const" not in values and wire and not ARGUMENT.fullmatch(wire):
        node.fault(f"{wire} can't name an argument; name it with x-argument-name, of A-Z a-z 0-9 _ . -")
    return wire


def described(node: Node, members: Mapping[str, Node], values: Mapping[str, Json]) -> str:
    """What a value means; only a constant needs no description.

    Args:
        node: the place that describes the value.
        members: of that place.
        values: its schema.
    """
    if "description" in members:
        return members["description"].text()
    if "const" not in values:
        node.fault("description is missing; an argument needs it")
    return ""
