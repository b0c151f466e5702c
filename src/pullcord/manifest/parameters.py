"""The parameters of an operation."""

import re
from collections.abc import Sequence

from pullcord.manifest.node import Node
from pullcord.manifest.schemas import schema
from pullcord.manifest.security import HEADER
from pullcord.manifest.servers import env
from pullcord.model.cancel import REASON
from pullcord.model.operation import Parameter, Place

_ARGUMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLACES = (Place.QUERY, Place.PATH, Place.HEADER)
_OWN_HEADERS = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host",
    "traceparent", "transfer-encoding", "user-agent", "x-request-id",
})  # fmt: skip
"""OpenAPI ignores some of these as parameters (3.1.1, 4.8.12.1); all are pullcord's own to send, or not to."""


def parameters(shared: Sequence[Node], own: Sequence[Node]) -> tuple[Parameter, ...]:
    """The parameters of an operation.

    Args:
        shared: its path's.
        own: its own, each of which replaces one of the same name and place.
    """
    found: dict[tuple[str, Place], Parameter] = {}
    for nodes in (shared, own):
        level: dict[tuple[str, Place], Parameter] = {}
        for node in nodes:
            parameter = _parameter(node)
            if (parameter.wire, parameter.place) in level:
                node.fault(f"the {parameter.place} parameter {parameter.wire} stands here twice; keep one")
            level[parameter.wire, parameter.place] = parameter
            names = [each.name for key, each in (found | level).items() if not each.env]
            if not parameter.env and names.count(parameter.name) > 1:
                node.fault(f"two parameters are given by the argument {parameter.name}; an agent can't tell them apart")
        found |= level
    return tuple(found.values())


def _parameter(node: Node) -> Parameter:
    members = node.members("parameter")
    place = Place(members["in"].choice(_PLACES))
    header = place is Place.HEADER
    wire = members["name"].text(HEADER if header else _ARGUMENT, "a header's name" if header else "A-Z a-z 0-9 _ . -")
    required = "required" in members and members["required"].flag()
    sources = members.keys() & {"x-env", "x-argument"}
    if place is Place.PATH and ("required" not in members or members["required"].value is False):
        node.fault(f"{wire} stands in the path; write required: true")
    if header and len(sources) != 1:
        node.fault(f"the header {wire} needs one source; write x-env (a setting) or x-argument (reason)")
    if header and wire.lower() in _OWN_HEADERS:
        node.fault(f"{wire} is no parameter; leave it out, since pullcord sends it itself")
    if not header and sources:
        node.fault(f"{' and '.join(sorted(sources))} only fills headers; leave it out")
    if required and "x-env" in members:
        members["required"].fault("a setting is never required; leave this out")
    values = schema(members["schema"])
    if values["type"] != "string" and place is not Place.QUERY:
        members["schema"].fault("only a query takes other types than string; write type: string, with a pattern")
    return Parameter(
        name=members["x-argument"].choice([REASON]) if "x-argument" in members else wire,
        place=place,
        required=required,
        description=members["description"].text(),
        schema=values,
        wire=wire,
        env=env(members["x-env"]) if "x-env" in members else None,
    )
