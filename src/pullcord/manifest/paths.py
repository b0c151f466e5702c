"""Path templates: what may stand in one, and whether two can be told apart."""

import re
from collections.abc import Sequence

from pullcord.manifest.node import Node
from pullcord.model.arguments import fault_of
from pullcord.model.operation import Operation, Parameter, Place

_NAMES = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"(?:/(?:\{[A-Za-z_][A-Za-z0-9_]{0,63}\}|(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+))+")


def check_path(node: Node, path: str) -> None:
    """Note a path that can't be followed."""
    if not _PATH.fullmatch(path):
        node.fault(
            "this path can't be followed; write /word/{name}/word, where each {name} fills its part of the path"
            " and is a word of letters, digits and _"
        )


def meet(one: Operation, other: Operation) -> bool:
    """Whether arguments could make both paths the same."""
    parts = list(zip(one.path.split("/"), other.path.split("/"), strict=False))
    return one.path.count("/") == other.path.count("/") and all(
        _can_be(one, left, right) or _can_be(other, right, left) for left, right in parts
    )


def _can_be(operation: Operation, part: str, word: str) -> bool:
    """Whether a part of a path can be a word of another."""
    schema = next((p.schema for p in operation.parameters if p.place is Place.PATH and part == f"{{{p.wire}}}"), None)
    return part == word if schema is None else word.startswith("{") or not fault_of(schema, word)


def check_parameters(node: Node, path: str, parameters: Sequence[Parameter]) -> None:
    """Note each parameter that only one of the path and the list of parameters has.

    Args:
        node: the operation.
        path: its path template.
        parameters: its parameters.
    """
    named = _NAMES.findall(path)
    declared = [parameter.wire for parameter in parameters if parameter.place is Place.PATH]
    for name in dict.fromkeys(named):
        if name not in declared:
            node.fault(f"the path names {{{name}}}, which no parameter describes; add one with in: path")
        if named.count(name) > 1:
            node.fault(f"the path names {{{name}}} twice; give each its own name")
    for name in declared:
        if name not in named:
            node.fault(f"the parameter {name} is not in the path; write {{{name}}} there, or leave it out")
