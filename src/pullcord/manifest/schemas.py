"""The schema of one value that a caller gives: a small part of JSON Schema (2020-12)."""

from collections.abc import Mapping

from pullcord.manifest.node import Node
from pullcord.model.arguments import fault_of, pattern_fault
from pullcord.model.value import Json

_SCHEMAS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"pattern", "enum", "minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
"""What may be said of values, by their type."""


def schema(node: Node) -> dict[str, Json]:
    """A parameter's schema, as far as it is sound."""
    members = node.members("parameter schema")
    kind = members["type"].choice(list(_SCHEMAS))
    found: dict[str, Json] = {"type": kind}
    for key, member in members.items():
        if key in {"type", "default", "examples"}:
            continue
        if key not in _SCHEMAS[kind]:
            member.fault(f"{key} says nothing of the type {kind}; leave it out")
        elif "enum" in members and key != "enum":
            member.fault("the enum says all; leave this out")
        elif fault := _keyword_fault(key, member.value):
            member.fault(fault)
        else:
            found[key] = member.value
    for least, most in (("minimum", "maximum"), ("minLength", "maxLength")):
        match found.get(least), found.get(most):
            case int() as low, int() as high if low > high:
                members[least].fault(f"no value is {low} or more and {high} or less; write {high} or less")
    shown = [members["default"]] if "default" in members else []
    shown += members["examples"].items() if "examples" in members else []
    for each in shown:
        if fault := fault_of(found, each.value):
            each.fault(f"this {fault}; write a value that fits the schema, or leave it out")
    return found | {key: members[key].value for key in ("default", "examples") if key in members}


def _keyword_fault(key: str, value: Json) -> str | None:
    """What is wrong with a keyword of a schema, and what to write instead."""
    match key, value:
        case "pattern", str() if value:
            return pattern_fault(value)
        case "pattern", _:
            return "write a regular expression, in quotes"
        case "enum", [str(), *_] if all(isinstance(word, str) for word in value) and len({*value}) == len(value):
            return None
        case "enum", _:
            return "write a list of texts, each once"
        case _, int() if not isinstance(value, bool) and (value >= 0 or "Length" not in key):
            return None
    return "write a whole number" + (" from 0" if "Length" in key else "")
