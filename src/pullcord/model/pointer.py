"""JSON Pointers (RFC 6901): read one, write one."""

from functools import lru_cache
from typing import TypeAlias

from pullcord.model.value import Json

Pointer: TypeAlias = str
"""A JSON Pointer (RFC 6901)."""


@lru_cache(maxsize=4096)  # a manifest's pointers are read in every call
def tokens(pointer: Pointer) -> tuple[str, ...]:
    """The reference tokens of a pointer that is empty or starts with a slash."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def escape(token: str) -> str:
    """A token as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1") if "/" in token or "~" in token else token


def look_up(document: Json, pointer: Pointer) -> Json:
    """The value that a pointer names; None where there is none.

    Args:
        document: any JSON value.
        pointer: "" names the whole document.
    """
    value = document
    for token in tokens(pointer):
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list) and token.isascii() and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value
