"""Which characters a value may hold, as far as its schema tells. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pullcord.model.arguments import fault_of

_TOKEN = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<either>\|)|(?P<times>[*+?]|\{[0-9,]+\})"
    r"|(?P<atom>\[\^?\]?(?:\\.|[^\[\]\\])*\]|\\[^pPxuU]|[^\\\[\](){}|*+?^$])"
)
"""The parts of the regular expressions that can be judged character by character."""
_WRITTEN: Mapping[str, str] = {"integer": "-0123456789", "boolean": "truefalse"}
"""The characters of the types that are no text."""


def may_hold(schema: Mapping[str, Any], char: str) -> bool:
    """Whether a value that fits a schema may hold a character, as far as can be told: in doubt it may.

    Args:
        schema: of a text, a whole number or true and false, as a manifest gives it.
        char: one character.
    """
    if "enum" in schema:
        return any(char in word for word in schema["enum"])
    if schema["type"] in _WRITTEN:
        return char in _WRITTEN[schema["type"]]
    atoms = _atoms(schema.get("pattern", ""))
    return atoms is None or any(not fault_of({"type": "string", "pattern": f"^(?:{atom})$"}, char) for atom in atoms)


@lru_cache
def _atoms(pattern: str) -> frozenset[str] | None:
    """What matches one character each in a pattern that holds for the whole value; None if that can't be told."""
    if not (pattern.startswith("^") and pattern.endswith("$")) or pattern.endswith("\\$"):
        return None
    atoms: set[str] = set()
    inner, start, depth = pattern[1:-1], 0, 0
    while start < len(inner):
        token = _TOKEN.match(inner, start)
        if token is None or (token["open"] == "(" and inner[start + 1 : start + 2] == "?"):
            return None
        if (token["either"] and not depth) or (token["times"] and not start):  # these loosen the anchors
            return None
        depth += bool(token["open"]) - bool(token["close"])
        if token["atom"]:
            atoms.add(token["atom"])
        start = token.end()
    return frozenset(atoms)
