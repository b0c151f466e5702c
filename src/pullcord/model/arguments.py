"""The arguments of an operation: the schema that clients read, and the check of what they send. Pure.

The schema that agents read and the check that answers them are made from the same parameters. Clients fill in arguments
by themselves, in other types than the schema asks for: a reader takes those for what they mean before they are checked.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from pullcord.model.nearest import question
from pullcord.model.operation import Operation, Place
from pullcord.model.sanitize import text
from pullcord.model.value import Arguments, Json

Check: TypeAlias = Callable[[Arguments], list[str]]
"""Returns every fault of arguments, a sentence each. They are taken literally; an empty list: they can be sent."""


class Checked(NamedTuple):
    """A client's arguments, converted to the types of the schema, and their faults."""

    arguments: dict[str, Json]
    """The converted values; a value with a fault stays as the client sent it."""
    faults: list[str]
    """A sentence each; none: the arguments can be sent."""


Reader: TypeAlias = Callable[[Arguments], Checked]
"""Converts a client's arguments to the types of the schema, and checks them."""

SEGMENT_LIMIT = 256
"""Characters of a path value."""
FAULTS_LIMIT = 20
"""Faults that one answer lists; the others are counted."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
# What clients add to the arguments of any tool: a workflow server its toolCallId, Cline (cline/cline#8256) the other.
_ADDED = frozenset({"toolCallId", "task_progress"})
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,99})")
_UNSAFE = re.compile(r"[\s\x00-\x20\x7f-\x9f/\\%?#;]")
_DOTS = frozenset({"", ".", ".."})
_EXACT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact (RFC 8259, section 6)."""
_UNSHOWN = frozenset({"examples", "minLength", "maxLength", "minItems", "maxItems"})
_BOUNDS: Mapping[str, Mapping[str, int]] = {
    "string": {"maxLength": 1000},
    "integer": {"minimum": -_EXACT, "maximum": _EXACT},
    "boolean": {},
    "array": {"maxItems": 50},
}
"""What holds for a type where its schema says nothing: no argument may be too long for an address."""


def schema(operation: Operation) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an operation's arguments, as tools/list shows it.

    It is flat, and keeps to the few keywords that every client understands. Lengths stand only in the faults, and
    examples only in the manifest: they would cost every agent that reads the tools, and matter to hardly one.
    """
    parameters = operation.arguments
    required = [parameter.name for parameter in parameters if parameter.required]
    return {
        "type": "object",
        "properties": {
            parameter.name: {
                **{keyword: value for keyword, value in parameter.schema.items() if keyword not in _UNSHOWN},
                "description": parameter.description,
            }
            for parameter in parameters
        },
        **({"required": required} if required else {}),
    }


def reader(operation: Operation, check: Check) -> Reader:
    """Make the function that converts a client's arguments to the types of the schema, and checks them.

    Null counts as absent, and so does an empty text where the argument is optional. Names that clients add to every
    call are dropped. Where an integer is asked for, "5" and 5.0 are 5; where a text is asked for, 5 is "5". Nothing
    else is changed: of an id each character counts.

    Args:
        operation: the operation that the arguments are for.
        check: the operation's own check, as `checker` makes it.
    """
    parameters = {parameter.name: parameter for parameter in operation.arguments}

    def read(originals: Arguments) -> Checked:
        arguments: dict[str, Json] = {}
        for name, value in originals.items():
            parameter = parameters.get(name)
            if parameter is None:
                if name not in _ADDED:
                    arguments[name] = value
            elif value is not None and (value != "" or parameter.required):
                arguments[name] = _meant(parameter.schema, value)
        return Checked(arguments, check(arguments))

    return read


def typed_as(operation: Operation, arguments: Arguments) -> dict[str, Json]:
    """Arguments that stood in an answer, in the types of an operation's schema: a number and its text are the same id.

    Args:
        operation: the one that they are for.
        arguments: by name; a value that means nothing in its type stays as it is.
    """
    schemas = operation.schemas
    return {name: _meant(schemas[name], value) if name in schemas else value for name, value in arguments.items()}


def checker(operation: Operation) -> Check:
    """Make the function that returns every fault of an operation's arguments, a sentence each; none: they can be sent.

    Beside the schema it checks that a path value is one segment of a path, and that no unknown argument is there.
    """
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
    takes = f"it takes {', '.join(parameters) or 'none'}"

    def check(arguments: Arguments) -> list[str]:
        faults: dict[str, str] = {}
        try:
            validator.validate_python(arguments)
        except ValidationError as error:
            for detail in error.errors():
                name = str(detail["loc"][0])
                faults[name] = _sentence(detail["type"], parameters[name].schema, inner=len(detail["loc"]) > 1)
        for name in path:
            value = arguments.get(name)
            if name not in faults and isinstance(value, str) and not segment(value):
                faults[name] = _SEGMENT
        sentences = [
            f"{name} {fault} ({parameters[name].description.removesuffix('.')})" for name, fault in faults.items()
        ]
        sentences += [
            f"{_quoted(name)} is not an argument of {operation.id} ({question(name, parameters, takes)})"
            for name in arguments
            if name not in parameters
        ]
        rest = len(sentences) - FAULTS_LIMIT
        return [*sentences[:FAULTS_LIMIT], f"and {rest} more"] if rest > 0 else sentences

    return check


def _meant(schema: Mapping[str, Any], value: Json) -> Json:
    """The value in its schema's type, where it means the same in another one; else the value as it is."""
    match schema["type"], value:
        case _, bool():
            return value
        case "integer", str() if _WHOLE.fullmatch(value):
            return int(value)
        case "integer", float() if value.is_integer():
            return int(value)
        case "array", list():
            return [_meant(schema["items"], item) for item in value]
        # A larger number may have been rounded on its way here, and would be another id.
        case "string", int() | float() if abs(value) <= _EXACT and value == int(value):
            return str(int(value))
    return value


def core_type(schema: Mapping[str, Any]) -> core_schema.CoreSchema:
    """The pydantic-core schema that checks the values of a parameter's JSON Schema.

    Raises:
        SchemaError: its pattern is no regular expression.
    """
    bounds = {**_BOUNDS[schema["type"]], **schema}
    if "enum" in schema:
        return core_schema.literal_schema(schema["enum"])
    if schema["type"] == "string":
        return core_schema.str_schema(
            pattern=schema.get("pattern"),
            min_length=schema.get("minLength"),
            max_length=bounds["maxLength"],
            strict=True,
        )
    if schema["type"] == "integer":
        return core_schema.int_schema(ge=bounds["minimum"], le=bounds["maximum"], strict=True)
    if schema["type"] == "array":
        return core_schema.list_schema(
            core_type(schema["items"]), min_length=schema.get("minItems"), max_length=bounds["maxItems"], strict=True
        )
    return core_schema.bool_schema(strict=True)


def fault_of(schema: Mapping[str, Any], value: object) -> str | None:
    """What is wrong with a value, such as "must be at least 1"; None if nothing is.

    Args:
        schema: a parameter's JSON Schema.
        value: any Python value; it is not converted.
    """
    try:
        SchemaValidator(core_type(schema)).validate_python(value)
    except ValidationError as error:
        detail = error.errors()[0]
        return _sentence(detail["type"], schema, inner=bool(detail["loc"]))
    return None


def typed(schema: Mapping[str, Any], text: str) -> Json:
    """The value that a text in an address stands for: 5 for "5" where the schema says integer.

    Args:
        schema: a parameter's JSON Schema.
        text: part of a path or a query, decoded.

    Returns:
        An int or a bool; the text itself where the schema asks for a text, or where the text is no such value.
    """
    if schema["type"] == "integer":
        return int(text) if _INTEGER.fullmatch(text) else text
    if schema["type"] == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern can't be checked, and what to write instead; None if it can."""
    try:
        SchemaValidator(core_type({"type": "string", "pattern": pattern}))
    except SchemaError as error:
        *_, reason = str(error).splitlines()[-1].split("rror: ")
        return (
            f"this pattern can't be read: {reason.removesuffix('.')}; write one without look-around and back-references"
        )
    return None


def segment(value: str) -> bool:
    r"""Whether a value is safe as one segment of a path, however often servers decode or normalise it.

    It has 1 to 256 characters, is no "." or "..", and holds no white space, control character, or any of / \ % ? # ;
    """
    # Some servers fold compatible characters: U+FF0F becomes a slash, U+2025 two dots (Unicode, NFKC).
    folded = value if value.isascii() else unicodedata.normalize("NFKC", value)
    both = value if folded is value else value + folded
    return len(value) <= SEGMENT_LIMIT and folded not in _DOTS and not _UNSAFE.search(both)


def _sentence(kind: str, schema: Mapping[str, Any], *, inner: bool = False) -> str:
    if inner:
        return f"has an item that {_sentence(kind, schema['items'])}"
    return _FAULTS[kind]({**_BOUNDS[schema["type"]], **schema})


def _quoted(name: str) -> str:
    return text(name if name.isidentifier() else repr(name), 64)


_SEGMENT = f"must be an id: 1 to {SEGMENT_LIMIT} characters, no white space, none of / \\ % ? # ;"
_FAULTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "string_type": lambda _: "must be a string",
    "string_unicode": lambda _: "must be text",
    "int_type": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list",
    "too_short": lambda schema: f"must have at least {schema['minItems']} items",
    "too_long": lambda schema: f"must have at most {schema['maxItems']} items",
    "string_pattern_mismatch": lambda schema: f"must match {schema['pattern']}",
    "string_too_short": lambda schema: f"must have at least {schema['minLength']} characters",
    "string_too_long": lambda schema: f"must have at most {schema['maxLength']} characters",
    "greater_than_equal": lambda schema: f"must be at least {schema['minimum']}",
    "less_than_equal": lambda schema: f"must be at most {schema['maximum']}",
    "literal_error": lambda schema: f"must be one of {', '.join(map(str, schema['enum']))}",
}
