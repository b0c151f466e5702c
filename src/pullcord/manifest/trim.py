"""Trims a vendor's document, after an overlay, to a manifest: marked operations only, and keys of manifests only. Pure.

An operation is marked by x-tool, which no vendor writes. Of schemas that describe answers only the structure is kept.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pullcord.manifest.openapi import METHODS, SUBSET
from pullcord.model.pointer import look_up, tokens
from pullcord.model.value import Json

Object: TypeAlias = dict[str, Any]
"""A JSON object."""

_IGNORED_KEYS = frozenset({"tags", "example", "examples", "headers"})
"""Keys that manifests may have, and that are left out since they are not read."""
_INNER_KINDS: Mapping[str, Mapping[str, str]] = {
    "document": {"info": "info"},
    "path": {"parameters": "parameter", **dict.fromkeys(METHODS, "operation")},
    "operation": {"parameters": "parameter", "requestBody": "request body"},
    "parameter": {"schema": "parameter schema"},
    "parameter schema": {"items": "items"},
}
"""By the kind of an object: its members that are trimmed, too, and their kinds."""
_STRUCTURE = frozenset({
    "$ref", "type", "format", "properties", "items", "enum", "const", "required", "additionalProperties", "allOf",
    "anyOf", "oneOf",
})  # fmt: skip
_COMPONENTS = {"parameters": "parameter", "responses": "response"}


def trim(document: Json) -> Object:
    """The manifest of a document's marked operations.

    Args:
        document: OpenAPI 3.0 or 3.1, with what an overlay added.
    """
    members = _trimmed(document, "document")
    manifest: Object = {
        key: members[key] for key in (key.rstrip("!") for key in SUBSET["document"].split()) if key in members
    }
    paths = dict(_paths(manifest.get("paths")))
    manifest |= {
        "openapi": "3.1.0",
        "paths": paths,
        "components": _components(document, paths, manifest.get("security")),
    }
    return manifest


def _trimmed(value: Any, kind: str) -> Any:  # noqa: ANN401 - any JSON
    """A value without the keys that a manifest doesn't have in an object of its kind."""
    if isinstance(value, list):
        return [_trimmed(each, kind) for each in value]
    if not isinstance(value, dict) or "$ref" in value:
        return value
    keys = {key.rstrip("!") for key in SUBSET[kind].split()} - _IGNORED_KEYS
    kinds = _INNER_KINDS.get(kind, {})
    members = {key: _trimmed(each, kinds[key]) if key in kinds else each for key, each in value.items() if key in keys}
    if "responses" in members:
        members["responses"] = {status: _trimmed(each, "response") for status, each in members["responses"].items()}
    if "content" in members and kind == "response":
        members["content"] = {
            media: {"schema": _schema(look_up(each, "/schema"))} for media, each in members["content"].items()
        }
    return members


def _paths(paths: Any) -> Iterator[tuple[str, Json]]:  # noqa: ANN401 - any JSON
    """The paths that have a marked operation, with their marked operations only."""
    for path, item in paths.items() if isinstance(paths, dict) else ():
        methods = {key for key in METHODS if look_up(item, f"/{key}/x-tool") is not None}
        if methods:
            yield path, _trimmed({key: each for key, each in item.items() if key in {*methods, "parameters"}}, "path")


def _schema(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """The structure of a schema, without descriptions and the like, as OpenAPI 3.1 writes it."""
    if isinstance(schema, list):
        return [_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    members = {key: each for key, each in schema.items() if key in _STRUCTURE}
    for key in members.keys() & {"items", "additionalProperties", "allOf", "anyOf", "oneOf"}:
        members[key] = _schema(members[key])
    if "properties" in members:
        members["properties"] = {name: _schema(each) for name, each in members["properties"].items()}
    if schema.get("nullable") is True and isinstance(members.get("type"), str):
        members["type"] = [members["type"], "null"]
        if "enum" in members:
            members["enum"] = [*(each for each in members["enum"] if each is not None), None]
    return members


def _components(document: Json, paths: Object, security: Any) -> Object:  # noqa: ANN401 - any JSON
    """The components that the paths and each other name."""
    components: dict[str, Object] = {}
    schemes = (
        [name for each in security if isinstance(each, dict) for name in each] if isinstance(security, list) else []
    )
    queue = [*_references(paths), *(f"/components/securitySchemes/{name}" for name in schemes)]
    while queue:
        pointer = queue.pop()
        _, kind, name = tokens(pointer)
        if name not in components.setdefault(kind, {}):
            value = look_up(document, pointer)
            components[kind][name] = _schema(value) if kind == "schemas" else value
            if kind in _COMPONENTS:
                components[kind][name] = _trimmed(value, _COMPONENTS[kind])
            queue += _references(components[kind][name])
    return {kind: dict(sorted(each.items())) for kind, each in sorted(components.items())}


def _references(value: Json) -> Iterator[str]:
    """The components that a value names."""
    match value:
        case {"$ref": str() as place} if place.startswith("#/components/"):
            yield place[1:]
        case dict():
            for each in value.values():
                yield from _references(each)
        case list():
            for each in value:
                yield from _references(each)
