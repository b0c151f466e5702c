"""Conditions: whether a reply, or an item of a list, has the values that a rule, a link or a target names. Pure."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import SchemaValidator, core_schema

from pullcord.model import sanitize
from pullcord.model.expression import Source
from pullcord.model.outcome import Phase
from pullcord.model.pointer import Pointer, escape, look_up
from pullcord.model.value import Arguments, Json

NAMED = re.compile(r"\{([^{}]*)\}")
"""An argument's name where its value is to stand."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Comparison(StrEnum):
    """How a value is compared with those that a condition names."""

    IS = "is"
    """It is one of them."""
    NOT = "not"
    """It is none of them."""
    MATCH = "match"
    """It is a text in which the regular expression is found, the only value that the condition names."""


class Clause(NamedTuple):
    """One comparison of a condition. Arguments may stand in the pointer and in the values, as {name}."""

    at: str
    """The pointer, the header's lower-case name, or nothing for a phase."""
    values: tuple[Json, ...]
    source: Source = Source.BODY
    """Body, header, phase, or before."""
    comparison: Comparison = Comparison.IS


Condition: TypeAlias = tuple[Clause, ...]
"""All of its clauses must hold; a condition without clauses always holds."""


class Context(NamedTuple):
    """What a condition may read beside the body."""

    arguments: Arguments = _NOTHING
    """Of the call."""
    headers: Mapping[str, str] = _NOTHING
    """Of the reply, by lower-case name."""
    phase: Phase | None = None
    """The phase that the look before the cancel showed; None: no look succeeded, or its phase is unknown."""
    before: Json = None
    """The body of the reply to that look."""


ALONE = Context()
"""A context with nothing in it: the body is all that is read."""


def fits(condition: Condition, body: Json, context: Context = ALONE) -> bool:
    """Whether all clauses of a condition hold. A value that is absent counts as null.

    Args:
        condition: without clauses it always fits.
        body: a reply's body, or an item of a list.
        context: what else may be read.
    """
    for clause in condition:
        if not holds(clause.comparison, clause.values, _read(clause, body, context), context.arguments):
            return False
    return True


def evidence(condition: Condition, body: Json, context: Context = ALONE) -> dict[str, Json]:
    """The values that a condition reads, made fit to be shown, each by its place such as "/status".

    An object or a list is shown only where the condition compares it with values.

    Args:
        condition: one that fits.
        body: a reply's body, or an item of a list.
        context: what else was read.
    """
    return {_place(clause, context): _shown(clause, body, context) for clause in condition}


def fill(pointer: Pointer, arguments: Arguments) -> Pointer:
    """A JSON Pointer whose {names} are replaced by arguments.

    Args:
        pointer: may hold {name} for the argument of that name.
        arguments: of the call; a {name} without an argument stays as it is.
    """
    if "{" not in pointer:
        return pointer
    return NAMED.sub(lambda match: escape(_text(arguments.get(match[1]), match[0])), pointer)


def same(left: Json, right: Json) -> bool:
    """Whether two values are equal in JSON: as in Python, but 1 is not true.

    Args:
        left: any JSON value.
        right: the one that it is compared with.
    """
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def holds(comparison: Comparison, values: Sequence[Json], value: Json, arguments: Arguments = _NOTHING) -> bool:
    """Whether a value compares with others as a clause says.

    Args:
        comparison: how it is compared.
        values: what it is compared with; for a match: one regular expression, searched for in the text.
        value: what was read.
        arguments: replace their {names} in the values.
    """
    if comparison is Comparison.MATCH:
        return isinstance(value, str) and _pattern(str(values[0])).isinstance_python(value)
    for each in values:
        if same(value, _filled(each, arguments, value) if isinstance(each, str) and "{" in each else each):
            return comparison is Comparison.IS
    return comparison is not Comparison.IS


def _filled(original: str, arguments: Arguments, value: Json) -> Json:
    """The value of a condition with its {names} replaced by arguments.

    It becomes a number where it is compared with one: platforms write ids as texts or as numbers.
    """
    text = NAMED.sub(lambda match: _text(arguments.get(match[1]), match[0]), original)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and text != original and text == str(value) else text


def _text(value: Json, fallback: str) -> str:
    match value:
        case None:
            return fallback
        case bool():
            return str(value).lower()
    return str(value)


def _read(clause: Clause, body: Json, context: Context) -> Json:
    match clause.source:
        case Source.BODY:
            return look_up(body, fill(clause.at, context.arguments))
        case Source.HEADER:
            return context.headers.get(clause.at)
        case Source.PHASE:
            return context.phase
    return look_up(context.before, fill(clause.at, context.arguments))


def _place(clause: Clause, context: Context) -> str:
    match clause.source:
        case Source.HEADER:
            return f"$response.header.{clause.at}"
        case Source.PHASE:
            return "$before"
        case Source.BEFORE:
            return f"$before#{fill(clause.at, context.arguments)}"
    return fill(clause.at, context.arguments)


def _shown(clause: Clause, body: Json, context: Context) -> Json:
    value = _read(clause, body, context)
    return None if isinstance(value, dict | list) and clause.comparison is not Comparison.IS else sanitize.value(value)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> SchemaValidator:
    # The engine that checks arguments, too: its time grows with the text only, whatever the pattern.
    return SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True))
