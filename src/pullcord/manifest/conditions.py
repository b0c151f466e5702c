"""What must be read for a rule, a link or a target to fit."""

import re

from pullcord.manifest.expressions import Here
from pullcord.manifest.node import Node, nearest
from pullcord.model.arguments import pattern_fault
from pullcord.model.condition import NAMED, Clause, Comparison, Condition
from pullcord.model.expression import Source
from pullcord.model.outcome import Phase
from pullcord.model.pointer import Pointer

_PLACE = re.compile(
    r"\$response\.header\.(?P<header>[^#]+)|\$before#(?P<before>(?:/(?:[^~/]|~[01])*)*)|(?P<phase>\$before)"
    r"|(?:/(?:[^~/]|~[01])*)*"
)
"""What a condition reads."""


def condition(node: Node, here: Here) -> Condition:
    """What must be read, by where it stands."""
    return tuple(_clause(key, item, here) for key, item in node.named().items())


def pointer(node: Node, here: Here) -> Pointer:
    """A JSON Pointer in which arguments may stand, as {name}."""
    found = node.pointer_text()
    _check_named(node, found, here)
    return found


def _clause(key: str, node: Node, here: Here) -> Clause:
    """What stands at one place: its values, {not: its values}, or {match: a regular expression}."""
    match = _PLACE.fullmatch(key)
    source, at = Source.BODY, ""
    if match is None:
        node.fault(
            f"{key!r} is nothing that a condition reads; write a JSON Pointer such as /name (~0 for ~, ~1 for / in a"
            " name), $response.header.NAME, $before or $before#/POINTER"
        )
    elif match["header"] is not None:
        source, at = Source.HEADER, match["header"].lower()
    elif match["before"] is not None:
        source, at = Source.BEFORE, match["before"]
    elif match["phase"] is not None:
        source = Source.PHASE
    else:
        at = key
    _check_named(node, at, here)
    comparison, values = _compared(node, here)
    if source is Source.PHASE:
        words = [*map(str, Phase)]
        for item in values:
            if item.value is not None:
                item.choice(words)
    return Clause(at, tuple(item.value for item in values), source, comparison)


def _compared(node: Node, here: Here) -> tuple[Comparison, list[Node]]:
    if not isinstance(node.value, dict):
        return Comparison.IS, _values(node, here)
    members = node.members("comparison")
    if len(node.value) != 1:
        node.fault("write {not: [...]} or {match: a regular expression}")
    if "match" not in members:
        return Comparison.NOT, _values(members["not"], here) if "not" in members else []
    pattern = members["match"].text()
    if pattern and (fault := pattern_fault(pattern)):
        members["match"].fault(fault)
    return Comparison.MATCH, [members["match"]]


def _values(node: Node, here: Here) -> list[Node]:
    items = node.items()
    if node.value == []:
        node.fault("no value could ever fit; write the values that do")
    for item in items:
        if isinstance(item.value, str):
            _check_named(item, item.value, here)
    return items


def _check_named(node: Node, text: str, here: Here) -> None:
    """Note each {name} in a text that is no argument of the operation."""
    known = [each.name for each in here.parameters if each.is_argument]
    for name in dict.fromkeys(NAMED.findall(text)):
        if name not in known:
            node.fault(f"{{{name}}} is no argument of {here.name}; {nearest(name, known)}, or ask with match")
