"""What may stand at a pointer of a body, by its schema. Schemas are documentation: only an audit reads them."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pullcord.model.condition import NAMED, same
from pullcord.model.pointer import Pointer, look_up, tokens
from pullcord.model.value import Json

Shape: TypeAlias = "Sequence[Json] | None"
"""The schemas of which a value must fit one; empty: nothing may stand there. None: anything may."""

_DEPTH = 8
"""How far references and compositions are followed."""


def at(root: Json, shape: Shape, pointer: Pointer) -> Shape:
    """What may stand at a pointer within a shape.

    Args:
        root: the document that references lead into.
        shape: of the whole.
        pointer: where {name} stands for a member whose name is known only in a call.
    """
    for token in tokens(pointer):
        if shape is None:
            return None
        schemas: list[Json] = []
        for schema in _parts(root, shape):
            inner = _member(schema, token)
            if inner is None:
                return None
            schemas += inner
        shape = schemas
    return shape


def items(root: Json, shape: Shape) -> Shape:
    """What the items of an array or the members of an object may be.

    Args:
        root: the document that references lead into.
        shape: of the array or the object.
    """
    if shape is None:
        return None
    schemas: list[Json] = []
    for schema in _parts(root, shape):
        inner = (
            [schema[key] for key in ("items", "additionalProperties") if key in schema]
            if isinstance(schema, dict)
            else []
        )
        if not inner:
            return None
        schemas += inner
    return schemas


def union(*shapes: Shape) -> Shape:
    """What fits one of several shapes."""
    schemas: list[Json] = []
    for shape in shapes:
        if shape is None:
            return None
        schemas += shape
    return schemas


def types(root: Json, shape: Shape) -> set[str]:
    """The types that a value may have, by their names in JSON Schema; empty: any.

    Args:
        root: the document that references lead into.
        shape: of the value.
    """
    kinds: set[str] = set()
    for schema in _parts(root, shape or ()):
        value = schema.get("type") if isinstance(schema, dict) else None
        if value is None:
            return set()
        kinds |= {str(each) for each in value} if isinstance(value, list) else {str(value)}
    return kinds


def words(root: Json, shape: Shape) -> Sequence[Json] | None:
    """All values that a shape allows, by its enums and constants; None: it allows others, too.

    Args:
        root: the document that references lead into.
        shape: of the value.
    """
    values: list[Json] = []
    for schema in _parts(root, shape or ()):
        enum = schema.get("enum") if isinstance(schema, dict) else None
        if isinstance(schema, dict) and "const" in schema:
            enum = [schema["const"]]
        if not isinstance(enum, list):
            return None
        values += [each for each in enum if not any(same(each, other) for other in values)]
    return values or None


def names(root: Json, shape: Shape) -> list[str]:
    """The names of the members that the schemas of an object describe.

    Args:
        root: the document that references lead into.
        shape: of the object.
    """
    members: dict[str, None] = {}
    for schema in _parts(root, shape or ()):
        properties = schema.get("properties") if isinstance(schema, dict) else None
        members |= dict.fromkeys(properties) if isinstance(properties, dict) else {}
    return list(members)


def _parts(root: Json, shape: Sequence[Json], depth: int = _DEPTH) -> Iterator[Json]:
    """The schemas behind references and compositions (allOf, anyOf, oneOf); None for one that can't be followed."""
    for schema in shape:
        whole = _resolved(root, schema)
        if not isinstance(whole, dict) or not depth:
            yield None
            continue
        inner = [each for key in ("allOf", "anyOf", "oneOf") for each in _list(whole.get(key))]
        if not inner or whole.keys() & {"properties", "items", "enum", "const"}:
            yield whole
        yield from _parts(root, [each for each in inner if _is_telling(root, each)], depth - 1)


def _is_telling(root: Json, schema: Json) -> bool:
    """Whether a schema says more than that a value may be null, or that a member is required."""
    whole = _resolved(root, schema)
    return not isinstance(whole, dict) or (
        whole.get("type") != "null" and bool(whole.keys() - {"required", "description"})
    )


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _resolved(root: Json, schema: Json) -> Json:
    for _ in range(_DEPTH):
        ref = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(ref, str):
            break
        schema = look_up(root, ref[1:]) if ref.startswith("#/") else None
    return schema


def _member(schema: Json, token: str) -> Sequence[Json] | None:
    """What may stand at one member or item of a schema."""
    if not isinstance(schema, dict):
        return None
    properties = schema.get("properties")
    if isinstance(properties, dict) and token in properties:
        return [properties[token]]
    if token.isdecimal() and "items" in schema:
        return [schema["items"]]
    others = schema.get("additionalProperties")
    if isinstance(others, dict) and others:
        return [others]
    return [] if _is_closed(schema) and not NAMED.search(token) else None


def _is_closed(schema: dict[str, Json]) -> bool:
    """Whether a schema names all that stands in a value."""
    kinds = schema.get("type")
    if kinds is not None and not {"object", "array"} & {*(kinds if isinstance(kinds, list) else [kinds])}:
        return True
    is_open = schema.get("additionalProperties") in (True, {}) or schema.keys() & {"patternProperties", "prefixItems"}
    return bool(schema.keys() & {"properties", "items"}) and not is_open
