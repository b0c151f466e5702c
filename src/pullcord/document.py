"""A YAML file as plain values, each with its line, and without YAML's surprises.

Scalars are read by the JSON rules of YAML 1.2 (its chapter 10.2): `no`, `on`, dates and octals are strings, and so is
every key. Only `true`, `false`, `null`, `~`, decimal integers and floats are not.
"""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from pullcord import clean
from pullcord.errors import ManifestError
from pullcord.operation import Json, Pointer
from pullcord.pointer import escape, tokens


# libyaml's parser is many times faster; PyYAML falls back to its own where it was built without.
class _Composer(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a base chosen at run time
    """Composes nodes, and resolves only the JSON scalars."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own attribute, filled below


_SCALARS = {
    "tag:yaml.org,2002:null": (re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    "tag:yaml.org,2002:bool": (re.compile(r"^(?:true|false)$"), list("tf")),
    "tag:yaml.org,2002:int": (re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789")),
    "tag:yaml.org,2002:float": (
        re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
        list("-0123456789"),
    ),
}
for _tag, (_pattern, _first) in _SCALARS.items():
    _Composer.add_implicit_resolver(_tag, _pattern, _first)

_COLLECTIONS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_DEPTH_LIMIT = 64
"""Levels of a file: both parsers descend by recursion, and libyaml's ends the process where the stack ends."""

_VALUES: dict[str, Callable[[str], Json]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}


class Document(NamedTuple):
    """A parsed file."""

    name: str
    value: Json
    root: yaml.Node

    def line(self, pointer: Pointer) -> int:
        """The line, from 1, of what a pointer names; of the nearest thing around it where that isn't there."""
        node = self.root
        line = node.start_mark.line
        for token in tokens(pointer):
            if isinstance(node, yaml.MappingNode):
                found = next(((key, item) for key, item in node.value if key.value == token), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line, found[1]
            elif isinstance(node, yaml.SequenceNode) and token.isdecimal() and int(token) < len(node.value):
                node = node.value[int(token)]
                line = node.start_mark.line
            else:
                break
        return line + 1


def fault(name: str, line: int, pointer: Pointer, what: str) -> str:
    """A fault as a person is told of it, in one line."""
    return clean.text(f"{name}:{line} {pointer or '/'}: {what}", 1000)


def parse(name: str, text: str) -> Document:
    """Read a YAML text.

    Args:
        name: what to call the file in faults.
        text: its content.

    Raises:
        ManifestError: it is no YAML, or uses more of YAML than a manifest may: duplicate keys, tags, several documents,
            keys that are no scalars, values that contain themselves.
    """
    try:
        if _too_deep(text):
            raise ManifestError([f"{name}: values stand more than {_DEPTH_LIMIT} levels deep; write them flatter"])
        root = yaml.compose(text, Loader=_Composer)
    except yaml.YAMLError as error:
        raise ManifestError([_broken(name, text, error)]) from None
    if root is None:
        raise ManifestError([f"{name}: the file is empty; write an OpenAPI 3.1 document"])
    faults: list[str] = []
    value = _Reader(name, faults).plain(root, "", ())
    if faults:
        raise ManifestError(faults)
    return Document(name, value, root)


def _broken(name: str, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line if mark else text.encode()[: getattr(error, "position", 0)].count(b"\n")
    what = getattr(error, "problem", None) or getattr(error, "reason", "")
    return f"{name}:{line + 1}: this is not YAML: {what}"


def _too_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=_Composer):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH_LIMIT:
            return True
    return False


class _Reader:
    """Turns nodes into plain values, and notes what a manifest may not hold."""

    def __init__(self, name: str, faults: list[str]) -> None:
        self.name = name
        self.faults = faults
        self.done: dict[int, Json] = {}
        """Values by their node: one that many aliases name is read once."""

    def plain(self, node: yaml.Node, pointer: Pointer, above: tuple[yaml.Node, ...]) -> Json:
        if any(node is parent for parent in above):
            return self.refuse(node, pointer, "this value contains itself; write it out")
        if id(node) not in self.done:
            self.done[id(node)] = self.read(node, pointer, (*above, node))
        return self.done[id(node)]

    def read(self, node: yaml.Node, pointer: Pointer, above: tuple[yaml.Node, ...]) -> Json:
        if node.tag not in (_VALUES if isinstance(node, yaml.ScalarNode) else _COLLECTIONS):
            return self.refuse(node, pointer, f"the tag {node.tag} is not supported; write a plain value")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, pointer)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, f"{pointer}/{index}", above) for index, item in enumerate(node.value)]
        members: dict[str, Json] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(key, pointer, "a key is a list or an object; write a name")
                continue
            at = f"{pointer}/{escape(key.value)}"
            if key.value in members:
                self.refuse(key, at, "this key stands twice; keep one")
            members[key.value] = self.plain(item, at, above)
        return members

    def scalar(self, node: yaml.ScalarNode, pointer: Pointer) -> Json:
        kind = node.tag.rpartition(":")[2]
        if node.tag in _SCALARS and not _SCALARS[node.tag][0].fullmatch(node.value):  # only a tag can say so
            return self.refuse(node, pointer, f"{node.value!r} is no {kind}; write one, or leave the tag out")
        try:
            value = _VALUES[node.tag](node.value)
        except ValueError:  # more digits than Python reads
            value = math.inf
        if isinstance(value, float) and not math.isfinite(value):
            return self.refuse(node, pointer, "this number is too large; write a smaller one, or quote it")
        return value

    def refuse(self, node: yaml.Node, pointer: Pointer, what: str) -> Json:
        """Note a fault; null stands in for the value."""
        self.faults.append(fault(self.name, node.start_mark.line + 1, pointer, what))
        return None
