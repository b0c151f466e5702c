"""Path templates: what may stand in one, and whether arguments can make two of them the same."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pullcord.manifest.node import Node
from pullcord.model.arguments import fault_of, typed
from pullcord.model.operation import PATH_NAMES, Operation, Parameter, Place
from pullcord.model.pattern import may_hold
from pullcord.model.value import Json

_SEGMENT = r"(?!\.{1,2}(?:[/#]|$))(?:(?<!\})\{[^\s{}/?#]+\}|[A-Za-z0-9._~!$&'()*+,=:@-])+"
_PATH = re.compile(rf"(?P<path>(?:/{_SEGMENT})+/?|/)(?:#[a-z0-9_-]+)?")


def sent_path(node: Node, path: str) -> str:
    """The path that is sent: without the #word that distinguishes operations of one path and method.

    Args:
        node: where it stands.
        path: as the manifest writes it.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        node.fault(
            "this path can't be followed; write /word/{name}, where a {name} may be a piece of a part, too,"
            " and #word at the end only to tell two operations apart"
        )
        return path
    return match["path"]


def check_parameters(node: Node, path: str, parameters: Sequence[Parameter]) -> None:
    """Note each parameter that only one of the path and the list of parameters has.

    Args:
        node: the operation.
        path: its path template.
        parameters: its parameters.
    """
    names = PATH_NAMES.findall(path)
    wires = [parameter.wire for parameter in parameters if parameter.place is Place.PATH]
    for name in dict.fromkeys(names):
        if name not in wires:
            node.fault(f"the path names {{{name}}}, which no parameter describes; add one with in: path")
        if names.count(name) > 1:
            node.fault(f"the path names {{{name}}} twice; give each its own name")
    for name in wires:
        if name not in names:
            node.fault(f"the parameter {name} is not in the path; write {{{name}}} there, or leave it out")


class _Part(NamedTuple):
    """What stands between two slashes."""

    words: list[str]
    """Before, between and behind the parameters."""
    schemas: list[Mapping[str, Json]]
    """What the parameters must fit."""


def check_distinct_paths(operations: Sequence[tuple[Operation, Node]]) -> None:
    """Note each path that arguments could turn into another one.

    Args:
        operations: those of a manifest, each with the place of its path.
    """
    rows = [(_parts(operation), operation, node) for operation, node in operations]
    for (parts, other, _), (parts_of, operation, node) in itertools.combinations(rows, 2):
        if operation.path != other.path and _may_be_same(parts_of, parts):
            node.fault(
                f"with some arguments this path is {other.path}, the path of {other.operation_id};"
                " narrow the pattern of the parameter that makes it so"
            )


def _parts(operation: Operation) -> list[_Part]:
    """The path of an operation, cut at its slashes."""
    schemas = {each.wire: each.schema for each in operation.parameters if each.place is Place.PATH}
    pieces = [PATH_NAMES.split(part) for part in operation.path.rstrip("/").split("/")]
    return [_Part(each[::2], [schemas.get(name, {"type": "string"}) for name in each[1::2]]) for each in pieces]


def _may_be_same(one: Sequence[_Part], other: Sequence[_Part]) -> bool:
    """Whether arguments could make two paths the same, as far as can be told: in doubt they could."""
    return len(one) == len(other) and all(map(_may_be_same_part, one, other))


def _may_be_same_part(one: _Part, other: _Part) -> bool:
    for part, text in ((one, other), (other, one)):
        if not text.schemas:
            return _can_be(part, text.words[0])
    begins = one.words[0].startswith(other.words[0]) or other.words[0].startswith(one.words[0])
    ends = one.words[-1].endswith(other.words[-1]) or other.words[-1].endswith(one.words[-1])
    return begins and ends and not _lacks(one, other) and not _lacks(other, one)


def _can_be(part: _Part, word: str) -> bool:
    """Whether arguments can make a part this word."""
    match = re.fullmatch("(.+)".join(map(re.escape, part.words)), word)
    if match is None:
        return False
    values = zip(part.schemas, match.groups(), strict=True)
    # With several names the word may also be cut otherwise.
    return len(part.schemas) > 1 or not any(fault_of(schema, typed(schema, text)) for schema, text in values)


def _lacks(part: _Part, other: _Part) -> bool:
    """Whether a character stands more often in the other than it ever can in this part."""
    words, others = "".join(part.words), "".join(other.words)
    return any(
        others.count(char) > words.count(char) and not any(may_hold(schema, char) for schema in part.schemas)
        for char in set(others)
    )
