"""A value of a manifest and where it stands: whatever is wrong with it is noted with its file, line and pointer."""

import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from pullcord.manifest.document import Document
from pullcord.manifest.faults import Fault
from pullcord.model.nearest import nearest
from pullcord.model.pointer import Pointer, escape, look_up
from pullcord.model.value import Json

POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")

_QUOTED = reprlib.Repr()
_QUOTED.maxstring = 100
_QUOTED.maxlevel = 1


@dataclass(slots=True, eq=False)  # made by the thousand, and faster than a tuple
class Node:
    """A value in a manifest, and where it stands; it notes faults with their place."""

    document: Document
    subset: Mapping[str, str]
    faults: list[Fault]
    value: Json
    pointer: Pointer = ""

    def at(self, pointer: Pointer, value: Json) -> "Node":
        """Another node of the same document.

        Args:
            pointer: where it stands.
            value: what stands there; None will do where only a fault is to be noted.
        """
        return Node(self.document, self.subset, self.faults, value, pointer)

    def stand_in(self) -> "Node":
        """An empty node instead of a missing value, whose absence was noted: further faults of it are dropped."""
        return Node(self.document, self.subset, [], {}, self.pointer)

    def fault(self, sentence: str) -> None:
        """Note a fault at this place: what is wrong, and what to write instead."""
        self.faults.append(Fault(self.document.line(self.pointer), self.pointer, sentence))

    def resolved(self) -> "Node":
        """What a $ref names, or the node itself."""
        node = self
        for _ in range(8):
            if not isinstance(node.value, dict) or "$ref" not in node.value:
                return node
            ref = node.value["$ref"]
            if len(node.value) > 1:
                node.fault("other keys beside $ref are not supported; write them where the $ref points")
            target = look_up(self.document.value, ref[1:]) if isinstance(ref, str) and ref[:2] == "#/" else None
            if target is None:
                node.fault("this $ref names nothing in this file; write #/components/...")
                break
            node = self.at(str(ref)[1:], target)
        else:
            self.fault("this $ref goes in a circle, or too deep; write the thing itself")
        return node.stand_in()

    def members(self, kind: str) -> dict[str, "Node"]:
        """The members of an object of a kind in the subset; an empty node where a required one is missing."""
        node = self.resolved()
        keys = _keys(self.subset[kind])
        members = node.named()
        if keys.needed <= members.keys() <= keys.allowed:  # as it nearly always is
            return members
        for key in [key for key in members if key not in keys.allowed]:
            member = members.pop(key)
            member.fault(f"{key or repr(key)} is not supported in {_a(kind)}; {self._instead(key, keys.names)}")
        for key in [key for key in keys.names if key in keys.needed and key not in members]:
            if isinstance(node.value, dict):
                node.fault(f"{key} is missing; {_a(kind)} needs it")
            members[key] = node.stand_in()
        return members

    def _instead(self, key: str, allowed: Sequence[str]) -> str:
        kind_of = next((kind for kind, keys in self.subset.items() if key in re.split("[! ]+", keys)), None)
        return (
            f"write it in {_a(kind_of)}"
            if kind_of and key[:2] == "x-"
            else f"leave it out, or {suggestion(key, allowed)}"
        )

    def named(self) -> dict[str, "Node"]:
        """The members of an object, whatever their names."""
        if not isinstance(self.value, dict):
            self.fault("an object is expected here; write keys and values")
            return {}
        document, subset, faults, pointer = self.document, self.subset, self.faults, self.pointer
        return {
            name: Node(document, subset, faults, value, f"{pointer}/{escape(name)}")
            for name, value in self.value.items()
        }

    def items(self) -> list["Node"]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.fault("a list is expected here; write [...]")
            return []
        return [self.at(f"{self.pointer}/{index}", value) for index, value in enumerate(self.value)]

    def text(self, pattern: re.Pattern[str] | None = None, remedy: str = "") -> str:
        """The text that stands here, whether or not it has a fault; "" where there is none.

        Args:
            pattern: what the whole text must match; None: anything but an empty text.
            remedy: what to write where it does not match, such as "a header's name".
        """
        if not isinstance(self.value, str) or not self.value.strip():
            self.fault("a text is expected here; write one, in quotes if it looks like something else")
            return ""
        if pattern and not pattern.fullmatch(self.value):
            self.fault(f"{_QUOTED.repr(self.value)} does not fit; write {remedy}")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.fault("write true or false")
        return self.value is True

    def seconds(self) -> float:
        """Seconds, more than 0; 1.0 where there is no such number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or self.value <= 0:
            self.fault("write seconds, more than 0")
            return 1.0
        return float(self.value)

    def choice(self, words: Sequence[str]) -> str:
        """One of the words; where it is none, the one that was probably meant, or else the first."""
        if self.value in words:
            return str(self.value)
        quoted = _QUOTED.repr(self.value)
        word = quoted.strip("'")
        self.fault(f"{quoted} is none of the words; {suggestion(word, words)}")
        return nearest(word, words) or words[0]

    def pointer_text(self, *, whole: bool = True) -> Pointer:
        """The JSON Pointer that stands here; "" where there is none.

        Args:
            whole: whether it may be "", which names the whole document.
        """
        if not isinstance(self.value, str) or not POINTER.fullmatch(self.value) or not (self.value or whole):
            remedy = "write /name, /outer/inner" + (", or an empty text for the whole" if whole else "")
            self.fault(f"{_QUOTED.repr(self.value)} is no JSON Pointer; {remedy}")
            return ""
        return self.value


class _Keys(NamedTuple):
    """The keys of a kind."""

    names: list[str]
    allowed: frozenset[str]
    needed: frozenset[str]


@cache
def _keys(line: str) -> _Keys:
    """The keys that a line of the subset names."""
    words = line.split()
    names = [word.rstrip("!") for word in words]
    return _Keys(names, frozenset(names), frozenset(word.rstrip("!") for word in words if word.endswith("!")))


def suggestion(word: str, words: Sequence[str]) -> str:
    """What to write instead of an unknown word, such as "write active".

    Args:
        word: the unknown one.
        words: the known ones.
    """
    match = nearest(word, words)
    choice = [match] if match else words
    prefix = "one of " if len(choice) > 1 else ""
    return f"write {prefix}{', '.join(choice)}" if choice else "leave it out"


def _a(kind: str) -> str:
    return kind if kind[-1] == "s" or "." in kind else f"{'an' if kind[0] in 'aeioux' else 'a'} {kind}"
