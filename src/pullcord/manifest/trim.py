"""A vendor's document, after an overlay, to a manifest: only what is marked, and only what manifests may say. Pure.

An operation is marked by x-tool, which no vendor writes. Of schemas that describe answers the bare structure is kept.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pullcord.manifest.openapi import SUBSET
from pullcord.model.pointer import look_up, tokens
from pullcord.model.value import Json

Object: TypeAlias = dict[str, Any]
"""A JSON object."""

_METHODS = ("get", "put", "post", "patch", "delete")
_UNREAD = frozenset({"tags", "example", "examples", "headers"})
"""What manifests may say, and nobody reads."""
_INNER: Mapping[str, Mapping[str, str]] = {
    "document": {"info": "info"},
    "path": {"parameters": "parameter", **dict.fromkeys(_METHODS, "operation")},
    "operation": {"parameters": "parameter", "requestBody": "request body"},
    "parameter": {"schema": "parameter schema"},
    "parameter schema": {"items": "items"},
}
"""Of each kind of object what stands in it that is trimmed, too."""
_STRUCTURE = frozenset({
    "$ref", "type", "format", "properties", "items", "enum", "const", "required", "additionalProperties", "allOf",
    "anyOf", "oneOf",
})  # fmt: skip
_COMPONENTS = {"parameters": "parameter", "responses": "response"}


def trim(document: Json) -> Object:
    """The manifest that a document's marked operations make.

    Args:
        document: OpenAPI 3.0 or 3.1, with what an overlay added.
    """
    kept = _kept(document, "document")
    whole: Object = {key: kept[key] for key in (key.rstrip("!") for key in SUBSET["document"].split()) if key in kept}
    paths = dict(_paths(whole.get("paths")))
    whole |= {"openapi": "3.1.0", "paths": paths, "components": _components(document, paths, whole.get("security"))}
    return whole


def _kept(value: Any, kind: str) -> Any:  # noqa: ANN401 - any JSON
    """A value without what a manifest doesn't say in an object of its kind."""
    if isinstance(value, list):
        return [_kept(each, kind) for each in value]
    if not isinstance(value, dict) or "$ref" in value:
        return value
    allowed = {key.rstrip("!") for key in SUBSET[kind].split()} - _UNREAD
    inner = _INNER.get(kind, {})
    kept = {key: _kept(each, inner[key]) if key in inner else each for key, each in value.items() if key in allowed}
    if "responses" in kept:
        kept["responses"] = {status: _kept(each, "response") for status, each in kept["responses"].items()}
    if "content" in kept and kind == "response":
        kept["content"] = {
            media: {"schema": _schema(look_up(each, "/schema"))} for media, each in kept["content"].items()
        }
    return kept


def _paths(paths: Any) -> Iterator[tuple[str, Json]]:  # noqa: ANN401 - any JSON
    """The paths that have a marked operation, with these alone."""
    for path, item in paths.items() if isinstance(paths, dict) else ():
        marked = {key for key in _METHODS if look_up(item, f"/{key}/x-tool") is not None}
        if marked:
            yield path, _kept({key: each for key, each in item.items() if key in {*marked, "parameters"}}, "path")


def _schema(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """The bare structure of a schema, as OpenAPI 3.1 writes it."""
    if isinstance(schema, list):
        return [_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: each for key, each in schema.items() if key in _STRUCTURE}
    for key in kept.keys() & {"items", "additionalProperties", "allOf", "anyOf", "oneOf"}:
        kept[key] = _schema(kept[key])
    if "properties" in kept:
        kept["properties"] = {name: _schema(each) for name, each in kept["properties"].items()}
    if schema.get("nullable") is True and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept:
            kept["enum"] = [*(each for each in kept["enum"] if each is not None), None]
    return kept


def _components(document: Json, paths: Object, security: Any) -> Object:  # noqa: ANN401 - any JSON
    """The components that are named by what is kept, and by each other."""
    found: dict[str, Object] = {}
    schemes = (
        [name for each in security if isinstance(each, dict) for name in each] if isinstance(security, list) else []
    )
    named = [*_references(paths), *(f"/components/securitySchemes/{name}" for name in schemes)]
    while named:
        pointer = named.pop()
        _, kind, name = tokens(pointer)
        if name not in found.setdefault(kind, {}):
            value = look_up(document, pointer)
            found[kind][name] = _schema(value) if kind == "schemas" else value
            if kind in _COMPONENTS:
                found[kind][name] = _kept(value, _COMPONENTS[kind])
            named += _references(found[kind][name])
    return {kind: dict(sorted(each.items())) for kind, each in sorted(found.items())}


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
