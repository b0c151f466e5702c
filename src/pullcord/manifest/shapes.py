"""What a schema of a body says may stand at a pointer. Schemas are documentation: only an audit reads them."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pullcord.model.condition import NAMED, same
from pullcord.model.pointer import Pointer, look_up, tokens
from pullcord.model.value import Json

Shape: TypeAlias = "Sequence[Json] | None"
"""The schemas of which a value fits one; none of them: nothing stands there. None: anything may."""

_DEPTH = 8
"""How far references and compositions are followed."""


def at(root: Json, shape: Shape, pointer: Pointer) -> Shape:
    """What may stand at a pointer within a shape.

    Args:
        root: the document that references lead into.
        shape: of the whole.
        pointer: where {name} stands for a member that nobody knows before a call.
    """
    for token in tokens(pointer):
        if shape is None:
            return None
        found: list[Json] = []
        for schema in _parts(root, shape):
            inner = _member(schema, token)
            if inner is None:
                return None
            found += inner
        shape = found
    return shape


def items(root: Json, shape: Shape) -> Shape:
    """What the items of an array or the members of an object may be."""
    if shape is None:
        return None
    found: list[Json] = []
    for schema in _parts(root, shape):
        inner = (
            [schema[key] for key in ("items", "additionalProperties") if key in schema]
            if isinstance(schema, dict)
            else []
        )
        if not inner:
            return None
        found += inner
    return found


def union(*shapes: Shape) -> Shape:
    """What fits one of several shapes."""
    found: list[Json] = []
    for shape in shapes:
        if shape is None:
            return None
        found += shape
    return found


def types(root: Json, shape: Shape) -> set[str]:
    """The types that a value may have; empty: any."""
    found: set[str] = set()
    for schema in _parts(root, shape or ()):
        given = schema.get("type") if isinstance(schema, dict) else None
        if given is None:
            return set()
        found |= {str(each) for each in given} if isinstance(given, list) else {str(given)}
    return found


def words(root: Json, shape: Shape) -> Sequence[Json] | None:
    """The values that may stand there; None: others, too."""
    found: list[Json] = []
    for schema in _parts(root, shape or ()):
        given = schema.get("enum") if isinstance(schema, dict) else None
        if isinstance(schema, dict) and "const" in schema:
            given = [schema["const"]]
        if not isinstance(given, list):
            return None
        found += [each for each in given if not any(same(each, other) for other in found)]
    return found or None


def names(root: Json, shape: Shape) -> list[str]:
    """The members that an object has by its schemas."""
    found: dict[str, None] = {}
    for schema in _parts(root, shape or ()):
        properties = schema.get("properties") if isinstance(schema, dict) else None
        found |= dict.fromkeys(properties) if isinstance(properties, dict) else {}
    return list(found)


def _parts(root: Json, shape: Sequence[Json], depth: int = _DEPTH) -> Iterator[Json]:
    """Schemas without references and compositions: each is one that says something of its own."""
    for schema in shape:
        whole = _resolved(root, schema)
        if not isinstance(whole, dict) or not depth:
            yield None
            continue
        inner = [each for key in ("allOf", "anyOf", "oneOf") for each in _list(whole.get(key))]
        if not inner or whole.keys() & {"properties", "items", "enum", "const"}:
            yield whole
        yield from _parts(root, [each for each in inner if _says(root, each)], depth - 1)


def _says(root: Json, schema: Json) -> bool:
    """Whether a schema says more than that something may be null, or has to have a member."""
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
