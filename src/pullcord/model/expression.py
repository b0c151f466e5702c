"""A value that is read from a call or its reply."""

from enum import StrEnum
from typing import NamedTuple

from pullcord.model.value import Json


class Source(StrEnum):
    """Where a value is read, for an argument of a link or for a condition."""

    ARGUMENT = "argument"
    """An argument of this call, by name."""
    BODY = "body"
    """The reply's body, by pointer."""
    HEADER = "header"
    """A header of the reply, by lower-case name."""
    ITEM = "item"
    """The item of an array that the link belongs to, by pointer."""
    TARGET = "target"
    """The id that a look just before a cancel found to run."""
    PHASE = "phase"
    """The phase that a look just before a cancel showed."""
    BEFORE = "before"
    """The body of the reply to that look, by pointer."""
    CONSTANT = "constant"
    """The value that the manifest itself gives."""


class Expression(NamedTuple):
    """A value to be read from a call or its reply."""

    source: Source
    value: Json
    """The name, the pointer, or the constant itself."""
