"""What an operation's caller may give: the schema that says so, and the faults of what was given. Pure.

The schema that agents read and the check that answers them are made from the same parameters.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pydantic_core import SchemaValidator, ValidationError, core_schema

from pullcord.clean import text
from pullcord.operation import Arguments, Operation, Parameter, Place

Check: TypeAlias = Callable[[Arguments], list[str]]

SEGMENT_LIMIT = 256
"""Characters of a path value."""
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f/\\%?#]")


def schema(operation: Operation) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an operation's arguments: flat and strict."""
    parameters = operation.arguments
    required = [parameter.name for parameter in parameters if parameter.required]
    return {
        "type": "object",
        "properties": {
            parameter.name: {**parameter.schema, "description": parameter.description} for parameter in parameters
        },
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def checker(operation: Operation) -> Check:
    """A function that answers arguments with every fault, each in plain words; with none if they can be sent."""
    parameters = {parameter.name: parameter for parameter in operation.arguments}
    validator = SchemaValidator(
        core_schema.typed_dict_schema(
            {
                parameter.name: core_schema.typed_dict_field(core_type(parameter.schema), required=parameter.required)
                for parameter in parameters.values()
            },
            extra_behavior="forbid",
            strict=True,
        )
    )
    path = [parameter.name for parameter in parameters.values() if parameter.place is Place.PATH]

    def check(arguments: Arguments) -> list[str]:
        faults: list[str] = []
        try:
            validator.validate_python(arguments)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0])
                if name in parameters:
                    parameter = parameters[name]
                    faults.append(
                        f"{name} {_FAULTS[detail['type']](parameter.schema)} ({parameter.description.rstrip('.')})"
                    )
                else:
                    faults.append(f"{_shown(name)} is not an argument of {operation.id} ({_instead(name, parameters)})")
        for name in path:
            value = arguments.get(name)
            if isinstance(value, str) and not segment(value) and not any(f.startswith(f"{name} ") for f in faults):
                faults.append(
                    f"{name} must be an id: 1 to {SEGMENT_LIMIT} characters, no white space, none of / \\ % ? #"
                )
        return faults

    return check


def core_type(given: Mapping[str, Any]) -> core_schema.CoreSchema:
    """The validator's form of a parameter's schema.

    Raises:
        SchemaError: the schema contradicts itself, or its pattern is no regular expression.
    """
    if "enum" in given:
        return core_schema.literal_schema(given["enum"])
    if given["type"] == "string":
        return core_schema.str_schema(
            pattern=given.get("pattern"), min_length=given.get("minLength"), max_length=given.get("maxLength")
        )
    if given["type"] == "integer":
        return core_schema.int_schema(ge=given.get("minimum"), le=given.get("maximum"))
    return core_schema.bool_schema()


def segment(value: str) -> bool:
    """Whether a value stays one segment of a path, however often it is decoded or normalised."""
    return 0 < len(value) <= SEGMENT_LIMIT and value not in {".", ".."} and not _UNSAFE.search(value)


def _shown(name: str) -> str:
    return name if name.isidentifier() else text(repr(name), 64)


def _instead(name: str, known: Mapping[str, Parameter]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"it takes {', '.join(known) or 'none'}"


_FAULTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "string_type": lambda _: "must be a string",
    "string_unicode": lambda _: "must be text",
    "int_type": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "string_pattern_mismatch": lambda given: f"must match {given['pattern']}",
    "string_too_short": lambda given: f"must have at least {given['minLength']} characters",
    "string_too_long": lambda given: f"must have at most {given['maxLength']} characters",
    "greater_than_equal": lambda given: f"must be at least {given['minimum']}",
    "less_than_equal": lambda given: f"must be at most {given['maximum']}",
    "literal_error": lambda given: f"must be one of {', '.join(map(str, given['enum']))}",
}
