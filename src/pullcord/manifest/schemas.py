"""Reads the schema of one value that is sent: a small part of JSON Schema (2020-12)."""

from collections.abc import Mapping, Sequence

from pullcord.manifest.node import Node
from pullcord.model.arguments import fault_of, pattern_fault
from pullcord.model.nearest import nearest
from pullcord.model.value import Json

_BOUNDS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"pattern", "enum", "minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "array": frozenset({"minItems", "maxItems"}),
}
"""The keywords of a schema, by its type."""
SCALARS = tuple(kind for kind in _BOUNDS if kind != "array")
_ALL = frozenset().union(*_BOUNDS.values())
_TYPES: Mapping[type, str] = {
    str: "string", int: "integer", bool: "boolean", float: "number", list: "array", dict: "object", type(None): "null"
}  # fmt: skip


def schema(node: Node, members: Mapping[str, Node], kinds: Sequence[str] = tuple(_BOUNDS)) -> dict[str, Json]:
    """Read a schema; what has a fault is left out of it, but for "type", which it always has.

    Args:
        node: its place.
        members: those of the schema, and perhaps others, which are passed over.
        kinds: the types that it may have.
    """
    if "const" in members:
        for key in members.keys() & {*_ALL, "default", "items"}:
            members[key].fault("the const says all; leave this out")
        value = members["const"].value
        return {"type": _TYPES[type(value)], "const": value}
    if "type" not in members:
        node.fault(f"type is missing; write one of {', '.join(kinds)}")
        return {"type": "string"}
    kind = members["type"].choice(kinds)
    word = members["type"].value
    if word != kind and not nearest(str(word), kinds):  # what belongs beside it can't be said
        return {"type": kind}
    values = {"type": kind, **_bounds(members, kind), **_items(node, members, kind)}
    samples = [members["default"]] if "default" in members else []
    samples += members["examples"].items() if "examples" in members else []
    for each in samples:
        if fault := fault_of(values, each.value):
            each.fault(f"this {fault}; write a value that fits the schema, or leave it out")
    return values | {key: members[key].value for key in ("default", "examples") if key in members}


def _bounds(members: Mapping[str, Node], kind: str) -> dict[str, Json]:
    """Read the keywords that bound the values of the schema's type."""
    bounds: dict[str, Json] = {}
    for key in [key for key in members if key in _ALL]:
        if key not in _BOUNDS[kind]:
            members[key].fault(f"{key} says nothing of the type {kind}; leave it out")
        elif "enum" in members and key != "enum":
            members[key].fault("the enum says all; leave this out")
        elif fault := _keyword_fault(key, members[key].value):
            members[key].fault(fault)
        else:
            bounds[key] = members[key].value
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        match bounds.get(least), bounds.get(most):
            case int() as low, int() as high if low > high:
                members[least].fault(f"no value is {low} or more and {high} or less; write {high} or less")
    return bounds


def _items(node: Node, members: Mapping[str, Node], kind: str) -> dict[str, Json]:
    """Read the schema of a list's items."""
    if kind == "array":
        if "items" not in members:
            node.fault("items is missing; a list needs the schema of its items")
            return {"items": {"type": "string"}}
        return {"items": schema(members["items"], members["items"].members("items"), SCALARS)}
    if "items" in members:
        members["items"].fault(f"items says nothing of the type {kind}; leave it out")
    return {}


def _keyword_fault(key: str, value: Json) -> str | None:
    """What is wrong with a keyword of a schema, and what to write instead."""
    counts = key.endswith(("Length", "Items"))
    match key, value:
        case "pattern", str() if value:
            return pattern_fault(value)
        case "pattern", _:
            return "write a regular expression, in quotes"
        case "enum", [str(), *_] if all(isinstance(word, str) for word in value) and len({*value}) == len(value):
            return None
        case "enum", _:
            return "write a list of texts, each once"
        case _, int() if not isinstance(value, bool) and (value >= 0 or not counts):
            return None
    return "write a whole number" + (" from 0" if counts else "")
