"""A YAML file as plain values, each with its line, and without YAML's surprises.

Scalars are read by the JSON rules of YAML 1.2 (its chapter 10.2): `no`, `on`, dates and octals are strings, and so is
every key. Only `true`, `false`, `null`, `~`, decimal integers and floats are not.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

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

_VALUES: dict[str, Callable[[str], Json]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}


@dataclass(frozen=True, slots=True)
class Document:
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
        root = yaml.compose(text, Loader=_Composer)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "can't be read"
        raise ManifestError([f"{where}: this is not YAML: {problem}"]) from None
    if root is None:
        raise ManifestError([f"{name}: the file is empty; write an OpenAPI 3.1 document"])
    faults: list[str] = []
    value = _plain(root, name, "", (), faults)
    if faults:
        raise ManifestError(faults)
    return Document(name, value, root)


def _plain(node: yaml.Node, name: str, pointer: Pointer, above: tuple[yaml.Node, ...], faults: list[str]) -> Json:
    where = f"{name}:{node.start_mark.line + 1} {pointer}"
    if any(node is parent for parent in above):
        faults.append(f"{where}: this value contains itself; write it out")
        return None
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(item, name, f"{pointer}/{index}", (*above, node), faults) for index, item in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        members: dict[str, Json] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                faults.append(f"{where}: a key is a list or an object; write a name")
                continue
            at = f"{pointer}/{escape(key.value)}"
            if key.value in members:
                faults.append(f"{name}:{key.start_mark.line + 1} {at}: this key stands twice; keep one")
            members[key.value] = _plain(item, name, at, (*above, node), faults)
        return members
    if node.tag not in _VALUES:
        faults.append(f"{where}: the tag {node.tag} is not supported; write a plain value")
        return None
    try:
        return _VALUES[node.tag](node.value)
    except ValueError:
        faults.append(f"{where}: {node.tag.rpartition(':')[2]} is expected here; write one, or leave the tag out")
        return None
