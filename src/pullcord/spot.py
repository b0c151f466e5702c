"""A value of a manifest and where it stands: whatever is wrong with it is noted with its file, line and pointer."""

import difflib
import re
from collections.abc import Mapping, Sequence

from pullcord.document import Document
from pullcord.operation import Json, Pointer
from pullcord.pointer import escape, look_up

POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")


class Spot:
    """A value in a manifest, and where it stands: every fault is noted with the place that it was found at."""

    def __init__(
        self,
        document: Document,
        subset: Mapping[str, str],
        faults: list[str],
        value: Json,
        pointer: Pointer = "",
    ) -> None:
        self.document = document
        self.subset = subset
        self.faults = faults
        self.value = value
        self.pointer = pointer

    def at(self, pointer: Pointer, value: Json) -> "Spot":
        """Another spot of the same document."""
        return Spot(self.document, self.subset, self.faults, value, pointer)

    def fault(self, what: str) -> None:
        """Note what is wrong here, and what to write instead."""
        at = self.pointer or "/"
        fault = f"{self.document.name}:{self.document.line(self.pointer)} {at}: {what}"
        if fault not in self.faults:  # a $ref is read once for each place that names it
            self.faults.append(fault)

    def resolved(self) -> "Spot":
        """What a $ref names, or the spot itself."""
        spot = self
        for _ in range(8):
            if not isinstance(spot.value, dict) or "$ref" not in spot.value:
                return spot
            ref = spot.value["$ref"]
            if len(spot.value) > 1:
                spot.fault("other keys beside $ref are not supported; write them where the $ref points")
            target = look_up(self.document.value, ref[1:]) if isinstance(ref, str) and ref[:2] == "#/" else None
            if target is None:
                spot.fault("this $ref names nothing in this file; write #/components/...")
                break
            spot = self.at(str(ref)[1:], target)
        else:
            self.fault("this $ref goes in a circle, or too deep; write the thing itself")
        return Spot(self.document, self.subset, [], {}, spot.pointer)

    def members(self, kind: str) -> dict[str, "Spot"]:
        """The members of an object of a kind in SUBSET."""
        spot = self.resolved()
        required = {key[:-1] for key in self.subset[kind].split() if key.endswith("!")}
        allowed = [key.rstrip("!") for key in self.subset[kind].split()]
        members = spot.named()
        for key, member in members.items():
            if key not in allowed:
                member.fault(f"{key} is not supported in a {kind}; {nearest(key, allowed)}")
        for key in sorted(required - members.keys()):
            spot.fault(f"{key} is missing; a {kind} needs it")
        return {key: member for key, member in members.items() if key in allowed}

    def named(self) -> dict[str, "Spot"]:
        """The members of an object, whatever their names."""
        if not isinstance(self.value, dict):
            self.fault("an object is expected here; write keys and values")
            return {}
        return {name: self.at(f"{self.pointer}/{escape(name)}", value) for name, value in self.value.items()}

    def items(self) -> list["Spot"]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.fault("a list is expected here; write [...]")
            return []
        return [self.at(f"{self.pointer}/{index}", value) for index, value in enumerate(self.value)]

    def text(self, pattern: re.Pattern[str] | None = None, instead: str = "") -> str:
        """A text that is not empty, and fits the pattern as a whole; `instead` tells what does."""
        if not isinstance(self.value, str) or not self.value:
            self.fault("a text is expected here; write one, in quotes if it looks like something else")
            return ""
        if pattern and not pattern.fullmatch(self.value):
            self.fault(f"{self.value!r} does not fit; write {instead}")
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
            self.fault(f"{self.value!r} is none of the words; {nearest(str(self.value), words)}")
            return words[0]
        return str(self.value)

    def pointer_text(self) -> Pointer:
        """A JSON Pointer; the whole where it is none."""
        if not isinstance(self.value, str) or not POINTER.fullmatch(self.value):
            self.fault(f"{self.value!r} is no JSON Pointer; write /name, /outer/inner, or an empty text for the whole")
            return ""
        return self.value


def nearest(word: str, words: Sequence[str]) -> str:
    """What to write instead of an unknown word."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"write {near[0]}" if near else f"write one of {', '.join(words)}"
