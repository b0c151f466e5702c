"""Reads the conditions under which a rule, a link or a target fits."""

import re

from pullcord.manifest.expressions import Scope
from pullcord.manifest.node import Node, suggestion
from pullcord.model.arguments import pattern_fault
from pullcord.model.condition import NAMED, Clause, Comparison, Condition
from pullcord.model.expression import Source
from pullcord.model.outcome import Phase
from pullcord.model.pointer import Pointer

_PLACE = re.compile(
    r"\$response\.header\.(?P<header>[^#]+)|\$before#(?P<before>(?:/(?:[^~/]|~[01])*)*)|(?P<phase>\$before)"
    r"|(?:/(?:[^~/]|~[01])*)*"
)
"""The places that a condition can read."""


def condition(node: Node, scope: Scope) -> Condition:
    """Read a condition: an object of places and the values that must stand there.

    Args:
        node: the condition's place.
        scope: the operation whose arguments it may name.
    """
    return tuple(_clause(key, item, scope) for key, item in node.named().items())


def pointer(node: Node, scope: Scope) -> Pointer:
    """Read a JSON Pointer in which arguments may stand, as {name}.

    Args:
        node: the pointer's place.
        scope: the operation whose arguments it may name.
    """
    text = node.pointer_text()
    _check_named(node, text, scope)
    return text


def _clause(key: str, node: Node, scope: Scope) -> Clause:
    """Read what is compared at one place: values, {not: values}, or {match: a regular expression}."""
    match = _PLACE.fullmatch(key)
    source, place = Source.BODY, ""
    if match is None:
        node.fault(
            f"{key!r} is nothing that a condition reads; write a JSON Pointer such as /name (~0 for ~, ~1 for / in a"
            " name), $response.header.NAME, $before or $before#/POINTER"
        )
    elif match["header"] is not None:
        source, place = Source.HEADER, match["header"].lower()
    elif match["before"] is not None:
        source, place = Source.BEFORE, match["before"]
    elif match["phase"] is not None:
        source = Source.PHASE
    else:
        place = key
    _check_named(node, place, scope)
    comparison, values = _compared(node, scope)
    if source is Source.PHASE:
        words = [*map(str, Phase)]
        for item in values:
            if item.value is not None:
                item.choice(words)
    return Clause(place, tuple(item.value for item in values), source, comparison)


def _compared(node: Node, scope: Scope) -> tuple[Comparison, list[Node]]:
    if not isinstance(node.value, dict):
        return Comparison.IS, _values(node, scope)
    members = node.members("comparison")
    if len(node.value) != 1:
        node.fault("write {not: [...]} or {match: a regular expression}")
    if "match" not in members:
        return Comparison.NOT, _values(members["not"], scope) if "not" in members else []
    pattern = members["match"].text()
    if pattern and (fault := pattern_fault(pattern)):
        members["match"].fault(fault)
    return Comparison.MATCH, [members["match"]]


def _values(node: Node, scope: Scope) -> list[Node]:
    items = node.items()
    if node.value == []:
        node.fault("no value could ever fit; write the values that do")
    for item in items:
        if isinstance(item.value, str):
            _check_named(item, item.value, scope)
    return items


def _check_named(node: Node, text: str, scope: Scope) -> None:
    """Note each {name} in a text that is no argument of the operation."""
    names = [each.name for each in scope.parameters if each.is_argument]
    for name in dict.fromkeys(NAMED.findall(text)):
        if name not in names:
            node.fault(f"{{{name}}} is no argument of {scope.name}; {suggestion(name, names)}, or ask with match")
