"""What an operation's caller may give: the schema that says so, and the faults of what was given. Pure.

The schema that agents read and the check that answers them are made from the same parameters. Clients fill in arguments
by themselves, in other types than the schema asks for: a reader takes those for what they mean before they are checked.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from pullcord.model.operation import Operation, Parameter, Place
from pullcord.model.sanitize import text
from pullcord.model.value import Arguments, Json

Check: TypeAlias = Callable[[Arguments], list[str]]
"""Gives every fault of arguments that must fit as they are; none: they can be sent."""


class Checked(NamedTuple):
    """A client's arguments, taken for what they mean."""

    arguments: dict[str, Json]
    """What is used, in the types that the schema asks for; what has a fault stands as it was given."""
    faults: list[str]
    """Each in plain words; none: the arguments can be sent."""


Reader: TypeAlias = Callable[[Arguments], Checked]
"""Takes a client's arguments for what they mean, and checks them."""

SEGMENT_LIMIT = 256
"""Characters of a path value."""
FAULTS_LIMIT = 20
"""Faults that are told of one call."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
# What clients add to the arguments of any tool: n8n (n8n-io/n8n#21500), Cline (cline/cline#8256).
_ADDED = frozenset({"toolCallId", "task_progress"})
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,99})")
_UNSAFE = re.compile(r"[\s\x00-\x20\x7f-\x9f/\\%?#;]")
_EXACT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact (RFC 8259, section 6)."""
_BOUNDS: Mapping[str, Mapping[str, int]] = {
    "string": {"maxLength": 1000},
    "integer": {"minimum": -_EXACT, "maximum": _EXACT},
    "boolean": {},
    "array": {"maxItems": 50},
}
"""What holds for a type where its schema says nothing: no argument may be too long for an address."""


def schema(operation: Operation) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an operation's arguments: flat, and in the few keywords that every client takes."""
    parameters = operation.arguments
    required = [parameter.name for parameter in parameters if parameter.required]
    return {
        "type": "object",
        "properties": {
            parameter.name: {**parameter.schema, "description": parameter.description} for parameter in parameters
        },
        **({"required": required} if required else {}),
    }


def reader(operation: Operation, check: Check) -> Reader:
    """A function that takes a client's arguments for what they mean, and checks them.

    Null is no argument; neither is an empty text where the argument is optional, nor what clients add to every call.
    A whole number may be given as a text ("5") or with a fraction of zero (5.0), and a text as a whole number. Nothing
    else is changed: an id is what was given, character by character.

    Args:
        operation: whose arguments they are.
        check: the operation's.
    """
    parameters = {parameter.name: parameter for parameter in operation.arguments}

    def read(given: Arguments) -> Checked:
        arguments: dict[str, Json] = {}
        for name, value in given.items():
            parameter = parameters.get(name)
            if parameter is None:
                if name not in _ADDED:
                    arguments[name] = value
            elif value is not None and (value != "" or parameter.required):
                arguments[name] = _meant(parameter.schema, value)
        return Checked(arguments, check(arguments))

    return read


def checker(operation: Operation) -> Check:
    """A function that answers arguments with every fault, each in plain words; with none if they can be sent as is."""
    parameters = {parameter.name: parameter for parameter in operation.arguments}
    validator = SchemaValidator(
        core_schema.typed_dict_schema(
            {
                parameter.name: core_schema.typed_dict_field(core_type(parameter.schema), required=parameter.required)
                for parameter in parameters.values()
            }
        )
    )
    path = [parameter.name for parameter in parameters.values() if parameter.place is Place.PATH]

    def check(arguments: Arguments) -> list[str]:
        faults: dict[str, str] = {}
        try:
            validator.validate_python({name: arguments[name] for name in parameters if name in arguments})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0])
                faults[name] = _told(detail["type"], parameters[name].schema, inner=len(detail["loc"]) > 1)
        for name in path:
            value = arguments.get(name)
            if name not in faults and isinstance(value, str) and not segment(value):
                faults[name] = _SEGMENT
        told = [f"{name} {fault} ({parameters[name].description.rstrip('.')})" for name, fault in faults.items()]
        told += [
            f"{_shown(name)} is not an argument of {operation.id} ({_instead(name, parameters)})"
            for name in arguments
            if name not in parameters
        ]
        more = len(told) - FAULTS_LIMIT
        return [*told[:FAULTS_LIMIT], f"and {more} more"] if more > 0 else told

    return check


def _meant(given: Mapping[str, Any], value: Json) -> Json:
    """The value in its schema's type, where it says the same in another one."""
    match given["type"], value:
        case _, bool():
            return value
        case "integer", str() if _WHOLE.fullmatch(value):
            return int(value)
        case "integer", float() if value.is_integer():
            return int(value)
        case "array", list():
            return [_meant(given["items"], item) for item in value]
        # A larger number may have been rounded on its way here, and would be another id.
        case "string", int() | float() if abs(value) <= _EXACT and value == int(value):
            return str(int(value))
    return value


def core_type(given: Mapping[str, Any]) -> core_schema.CoreSchema:
    """The validator's form of a parameter's schema.

    Raises:
        SchemaError: its pattern is no regular expression.
    """
    bounds = {**_BOUNDS[given["type"]], **given}
    if "enum" in given:
        return core_schema.literal_schema(given["enum"])
    if given["type"] == "string":
        return core_schema.str_schema(
            pattern=given.get("pattern"),
            min_length=given.get("minLength"),
            max_length=bounds["maxLength"],
            strict=True,
        )
    if given["type"] == "integer":
        return core_schema.int_schema(ge=bounds["minimum"], le=bounds["maximum"], strict=True)
    if given["type"] == "array":
        return core_schema.list_schema(
            core_type(given["items"]), min_length=given.get("minItems"), max_length=bounds["maxItems"], strict=True
        )
    return core_schema.bool_schema(strict=True)


def fault_of(given: Mapping[str, Any], value: object) -> str | None:
    """What is wrong with a value by a parameter's schema, such as "must be at least 1"; None if nothing is."""
    try:
        SchemaValidator(core_type(given)).validate_python(value)
    except ValidationError as error:
        detail = error.errors()[0]
        return _told(detail["type"], given, inner=bool(detail["loc"]))
    return None


def typed(given: Mapping[str, Any], text: str) -> Json:
    """A text of an address as the value of a schema that it stands for; the text itself where it stands for none."""
    if given["type"] == "integer":
        return int(text) if _INTEGER.fullmatch(text) else text
    if given["type"] == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern can't be checked, and what to write instead; None if it can."""
    try:
        SchemaValidator(core_type({"type": "string", "pattern": pattern}))
    except SchemaError as error:
        reason = str(error).splitlines()[-1].rpartition("rror: ")[2].rstrip(".")
        return f"this pattern can't be read: {reason}; write one without look-around and back-references"
    return None


def segment(value: str) -> bool:
    """Whether a value stays one segment of a path, however often it is decoded or normalised."""
    # Some servers fold compatible characters: U+FF0F becomes a slash, U+2025 two dots (Unicode, NFKC).
    folded = unicodedata.normalize("NFKC", value)
    return 0 < len(value) <= SEGMENT_LIMIT and folded not in {"", ".", ".."} and not _UNSAFE.search(value + folded)


def _told(kind: str, given: Mapping[str, Any], *, inner: bool = False) -> str:
    if inner:
        return f"has an item that {_told(kind, given['items'])}"
    return _FAULTS[kind]({**_BOUNDS[given["type"]], **given})


def _shown(name: str) -> str:
    return text(name if name.isidentifier() else repr(name), 64)


def _instead(name: str, known: Mapping[str, Parameter]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"it takes {', '.join(known) or 'none'}"


_SEGMENT = f"must be an id: 1 to {SEGMENT_LIMIT} characters, no white space, none of / \\ % ? # ;"
_FAULTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "string_type": lambda _: "must be a string",
    "string_unicode": lambda _: "must be text",
    "int_type": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list",
    "too_short": lambda given: f"must have at least {given['minItems']} items",
    "too_long": lambda given: f"must have at most {given['maxItems']} items",
    "string_pattern_mismatch": lambda given: f"must match {given['pattern']}",
    "string_too_short": lambda given: f"must have at least {given['minLength']} characters",
    "string_too_long": lambda given: f"must have at most {given['maxLength']} characters",
    "greater_than_equal": lambda given: f"must be at least {given['minimum']}",
    "less_than_equal": lambda given: f"must be at most {given['maximum']}",
    "literal_error": lambda given: f"must be one of {', '.join(map(str, given['enum']))}",
}
