"""A value of a manifest and where it stands: whatever is wrong with it is noted with its file, line and pointer."""

import difflib
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from pullcord.manifest.document import Document
from pullcord.manifest.faults import Fault
from pullcord.model.pointer import Pointer, escape, look_up
from pullcord.model.value import Json

POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = 100
_SHOWN.maxlevel = 1


@dataclass(slots=True, eq=False)  # made by the thousand, and faster than a tuple
class Node:
    """A value in a manifest, and where it stands: every fault is noted with the place that it was found at."""

    document: Document
    subset: Mapping[str, str]
    faults: list[Fault]
    value: Json
    pointer: Pointer = ""

    def at(self, pointer: Pointer, value: Json) -> "Node":
        """Another node of the same document."""
        return Node(self.document, self.subset, self.faults, value, pointer)

    def unheard(self) -> "Node":
        """What stands in for a value that is missing, which was noted: nothing more is said of it."""
        return Node(self.document, self.subset, [], {}, self.pointer)

    def fault(self, what: str) -> None:
        """Note what is wrong here, and what to write instead."""
        self.faults.append(Fault(self.document.line(self.pointer), self.pointer, what))

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
        return node.unheard()

    def members(self, kind: str) -> dict[str, "Node"]:
        """The members of an object of a kind in the subset; where a required one is missing, its stand-in."""
        node = self.resolved()
        known = _known(self.subset[kind])
        members = node.named()
        if known.needed <= members.keys() <= known.allowed:  # as it nearly always is
            return members
        for key in [key for key in members if key not in known.allowed]:
            member = members.pop(key)
            member.fault(f"{key or repr(key)} is not supported in {_a(kind)}; {self._instead(key, known.keys)}")
        for key in [key for key in known.keys if key in known.needed and key not in members]:
            if isinstance(node.value, dict):
                node.fault(f"{key} is missing; {_a(kind)} needs it")
            members[key] = node.unheard()
        return members

    def _instead(self, key: str, allowed: Sequence[str]) -> str:
        home = next((kind for kind, keys in self.subset.items() if key in re.split("[! ]+", keys)), None)
        return f"write it in {_a(home)}" if home and key[:2] == "x-" else f"leave it out, or {nearest(key, allowed)}"

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

    def text(self, pattern: re.Pattern[str] | None = None, instead: str = "") -> str:
        """A text that is not empty, and fits the pattern as a whole; `instead` tells what does."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.fault("a text is expected here; write one, in quotes if it looks like something else")
            return ""
        if pattern and not pattern.fullmatch(self.value):
            self.fault(f"{_SHOWN.repr(self.value)} does not fit; write {instead}")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.fault("write true or false")
        return self.value is True

    def seconds(self) -> float:
        """A positive number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or self.value <= 0:
            self.fault("write seconds, more than 0")
            return 1.0
        return float(self.value)

    def choice(self, words: Sequence[str]) -> str:
        """One of the words; the first where it is none."""
        if self.value not in words:
            shown = _SHOWN.repr(self.value)
            self.fault(f"{shown} is none of the words; {nearest(shown.strip(chr(39)), words)}")
            return words[0]
        return str(self.value)

    def pointer_text(self, *, whole: bool = True) -> Pointer:
        """A JSON Pointer; to the whole only if `whole` says so, and where it is none."""
        if not isinstance(self.value, str) or not POINTER.fullmatch(self.value) or not (self.value or whole):
            what = "write /name, /outer/inner" + (", or an empty text for the whole" if whole else "")
            self.fault(f"{_SHOWN.repr(self.value)} is no JSON Pointer; {what}")
            return ""
        return self.value


class _Known(NamedTuple):
    """The keys of a kind."""

    keys: list[str]
    allowed: frozenset[str]
    needed: frozenset[str]


@cache
def _known(keys: str) -> _Known:
    """The keys that a line of the subset names."""
    names = [key.rstrip("!") for key in keys.split()]
    return _Known(names, frozenset(names), frozenset(key.rstrip("!") for key in keys.split() if key.endswith("!")))


def nearest(word: str, words: Sequence[str]) -> str:
    """What to write instead of an unknown word."""
    near = difflib.get_close_matches(word, words, n=1)
    choice = near or words
    one = "one of " if len(choice) > 1 else ""
    return f"write {one}{', '.join(choice)}" if choice else "leave it out"


def _a(kind: str) -> str:
    return kind if kind[-1] == "s" or "." in kind else f"{'an' if kind[0] in 'aeioux' else 'a'} {kind}"
