"""A YAML file as plain values, each with its line, and without YAML's surprises.

Scalars are read by the JSON rules of YAML 1.2 (its chapter 10.2): `no`, `on`, dates and octals are strings, and so is
every key. Only `true`, `false`, `null`, `~`, decimal integers and floats are not.
"""

import functools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import yaml

from pullcord.model import sanitize
from pullcord.model.errors import ManifestError
from pullcord.model.pointer import Pointer, escape, tokens
from pullcord.model.value import Json

_STR, _PLAIN, _SEQ, _MAP = "tag:yaml.org,2002:str", "plain", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"

_SCALARS: Mapping[str, tuple[re.Pattern[str], Callable[[str], Json]]] = {
    "tag:yaml.org,2002:null": (re.compile(r"null|~|"), lambda _: None),
    "tag:yaml.org,2002:bool": (re.compile(r"true|false"), lambda text: text == "true"),
    "tag:yaml.org,2002:int": (re.compile(r"-?(?:0|[1-9][0-9]*)"), int),
    "tag:yaml.org,2002:float": (
        re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"),
        float,
    ),
}
_FIRST = frozenset(["", *"~ntf-0123456789"])
"""The first characters of a plain scalar that may be something else than a text."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape of JSON that is half a character: YAML reads two of them otherwise than JSON."""
_DEPTH_LIMIT = 64
"""Levels of values in each other, at most."""
_VALUES_LIMIT = 50_000
"""Values of a file at most, those behind aliases counted each time; the largest shipped manifest has 2,000."""
_TOO_DEEP = f"values stand more than {_DEPTH_LIMIT} levels deep; write them flatter"
_LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"
"""What libyaml says at its own limit of 1000 levels."""
_REMEDY = (
    "mostly, here or just before, a text that holds a colon needs quotes, a bracket is not closed, or a line is not"
    " indented by spaces as those beside it"
)
_TOO_MANY = f"there are more than {_VALUES_LIMIT:,} values, those behind aliases counted each time; write fewer"


# libyaml's parser is many times faster; PyYAML falls back to its own where it was built without.
class _Composer(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a base chosen at run time
    """Composes nodes, and leaves it to this module what a plain scalar is."""

    def resolve(self, kind: type[yaml.Node], _: object, implicit: tuple[bool, bool]) -> str:
        """The tag of a node that has none."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _STR
        return _SEQ if kind is yaml.SequenceNode else _MAP

    def descend_resolver(self, *_: object) -> None:
        """Nothing depends on where a node stands."""

    def ascend_resolver(self) -> None:
        """Nothing depends on where a node stands."""


class Document(NamedTuple):
    """A parsed file."""

    name: str
    value: Json
    text: str

    def line(self, pointer: Pointer) -> int:
        """The line, from 1, of the value that a pointer names; the nearest value around it where it is missing."""
        node = _nodes(self.text)
        line = node.start_mark.line if node else 0
        for token in tokens(pointer):
            if isinstance(node, yaml.MappingNode):
                pair = next(((key, item) for key, item in node.value if key.value == token), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line, pair[1]
            elif isinstance(node, yaml.SequenceNode) and token.isdecimal() and int(token) < len(node.value):
                node = node.value[int(token)]
                line = node.start_mark.line
            else:
                break
        return line + 1


@functools.lru_cache(maxsize=1)
def _nodes(text: str) -> yaml.Node | None:
    """The YAML nodes of a text, which know their lines. They cost time, so they are made only if there is a fault."""
    return yaml.compose(text, Loader=_Composer)


def fault(name: str, line: int, pointer: Pointer, sentence: str) -> str:
    """The line of text that tells a person of a fault.

    Args:
        name: of the file.
        line: in the file, from 1.
        pointer: to the value; "" is the whole file.
        sentence: what is wrong, and what to write instead.
    """
    return sanitize.text(f"{name}:{line} {pointer or '/'}: {sentence}", 1000)


def parse(name: str, text: str) -> Document:
    """Read a YAML text, of which JSON is a kind.

    Args:
        name: of the file, for its faults.
        text: the content of the file.

    Raises:
        ManifestError: it is no YAML, or uses more of YAML than a manifest may: duplicate keys, tags, several documents,
            keys that are no scalars, values that contain themselves, aliases that multiply.
    """
    if (value := _json(text)) is not None:
        return Document(name, value, text)
    try:
        root = yaml.compose(text, Loader=_Composer)
    except yaml.YAMLError as error:
        raise ManifestError([_broken(name, text, error)]) from None
    except RecursionError:  # PyYAML's own parser sets no limit
        raise ManifestError([f"{name}: {_TOO_DEEP}"]) from None
    if root is None:
        raise ManifestError([f"{name}: the file is empty; write an OpenAPI 3.1 document"])
    faults: list[str] = []
    value = _Reader(name, faults).plain(root, ())
    if faults:
        raise ManifestError(faults)
    return Document(name, value, text)


def _json(text: str) -> Json:
    """The value of a text that is JSON, which is read many times faster than YAML; None: it must be read as YAML."""
    if not text.startswith("{") or _SURROGATE.search(text):
        return None
    try:
        value: Json = json.loads(text, object_pairs_hook=_members, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    containers: list[Json] = [value]
    for _ in range(_DEPTH_LIMIT):
        containers = [each for outer in containers for each in _inside(outer) if isinstance(each, dict | list)]
    return None if containers else value


def _inside(value: Json) -> Iterable[Json]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice")
    return members


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("too large, or none at all")
    return value


def _broken(name: str, text: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line if mark else text.encode()[: getattr(error, "position", 0)].count(b"\n")
    problem = getattr(error, "problem", None) or getattr(error, "reason", "")
    remedy = f"; {_REMEDY}" if mark else ""
    sentence = _TOO_DEEP if problem == _LIBYAML_TOO_DEEP else f"this is not YAML: {problem}{remedy}"
    return f"{name}:{line + 1}: {sentence}"


class _Reader:
    """Turns nodes into plain values, and notes what a manifest may not hold."""

    def __init__(self, name: str, faults: list[str]) -> None:
        self.name = name
        self.faults = faults
        self.around: set[int] = set()
        """The nodes that the present one is in."""
        self.refused: set[int] = set()
        """The nodes of which a fault was noted."""
        self.values = 0

    def plain(self, node: yaml.Node, path: tuple[str, ...]) -> Json:
        self.values += 1
        if self.values > _VALUES_LIMIT:
            raise ManifestError([*self.faults, f"{self.name}: {_TOO_MANY}"])
        if type(node) is yaml.ScalarNode:
            return self.scalar(node, path)
        if id(node) in self.around:
            return self.refuse(node, path, "this value contains itself; write it out")
        if len(path) >= _DEPTH_LIMIT:
            return self.refuse(node, path, _TOO_DEEP)
        self.around.add(id(node))
        value = self.collection(node, path)
        self.around.remove(id(node))
        return value

    def collection(self, node: yaml.Node, path: tuple[str, ...]) -> Json:
        if node.tag not in {_SEQ, _MAP}:
            return self.refuse(node, path, f"the tag {node.tag} is not supported; write a plain value")
        if type(node) is yaml.SequenceNode:
            return [self.plain(item, (*path, str(index))) for index, item in enumerate(node.value)]
        members: dict[str, Json] = {}
        for key, item in node.value:
            if type(key) is not yaml.ScalarNode:
                self.refuse(key, path, "a key is a list or an object; write a name")
                continue
            name = key.value
            inner_path = (*path, name)
            if name in members:
                self.refuse(key, inner_path, "this key stands twice; keep one")
            members[name] = self.plain(item, inner_path)
        return members

    def scalar(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> Json:
        text: str = node.value
        tag: str = node.tag
        if tag == _PLAIN and text[:1] in _FIRST:
            tag = next((kind for kind, (pattern, _) in _SCALARS.items() if pattern.fullmatch(text)), _STR)
        if tag in {_STR, _PLAIN}:
            return text
        if tag not in _SCALARS:
            return self.refuse(node, path, f"the tag {tag} is not supported; write a plain value")
        pattern, read = _SCALARS[tag]
        if not pattern.fullmatch(text):  # only a tag can say so
            return self.refuse(node, path, f"{text!r} is no {tag.rpartition(':')[2]}; write one, or leave the tag out")
        try:
            value = read(text)
        except ValueError:  # more digits than Python reads
            value = math.inf
        if isinstance(value, float) and not math.isfinite(value):
            return self.refuse(node, path, "this number is too large; write a smaller one, or quote it")
        return value

    def refuse(self, node: yaml.Node, path: tuple[str, ...], sentence: str) -> Json:
        """Note a fault; null stands in for the value."""
        if id(node) not in self.refused:  # aliases lead to the same node again
            self.refused.add(id(node))
            pointer = "".join(f"/{escape(token)}" for token in path)
            self.faults.append(fault(self.name, node.start_mark.line + 1, pointer, sentence))
        return None
