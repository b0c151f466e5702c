"""What a schema says may stand at a pointer."""

import pytest

from pullcord.manifest import shapes
from pullcord.model.value import Json

ID: Json = {"type": "string"}
RUN: Json = {"type": "object", "properties": {"id": ID, "tags": {"type": "array", "items": {"type": "integer"}}}}
ROOT: Json = {
    "schemas": {"Run": RUN, "Loop": {"$ref": "#/schemas/Loop"}, "Knot": {"anyOf": [{"$ref": "#/schemas/Knot"}]}}
}


@pytest.mark.parametrize(
    ("schema", "pointer", "found"),
    [
        (RUN, "", [RUN]),
        (RUN, "/id", [ID]),
        (RUN, "/name", []),
        (RUN, "/id/deeper", []),
        (RUN, "/tags/0", [{"type": "integer"}]),
        (RUN, "/tags/first", []),
        ({"$ref": "#/schemas/Run"}, "/id", [ID]),
        ({"$ref": "#/schemas/None"}, "/id", None),
        ({"$ref": "other.yaml#/Run"}, "/id", None),
        ({"$ref": "#/schemas/Loop"}, "/id", None),
        ({"$ref": "#/schemas/Knot"}, "/id", None),
        ({"allOf": [RUN, {"properties": {"name": ID}}]}, "/name", [ID]),
        ({"allOf": [{"$ref": "#/schemas/Run"}, {"required": ["id"]}]}, "/name", []),
        ({"anyOf": [RUN, {"type": "null"}]}, "/id", [ID]),
        ({"oneOf": [RUN, ID]}, "/id", [ID]),
        ({"oneOf": [RUN, True]}, "/name", None),
        ({"properties": {"name": ID}, "anyOf": [RUN]}, "/name", [ID]),
        ({"type": ["object", "null"], "properties": {"id": ID}}, "/id", [ID]),
        ({"type": "object"}, "/id", None),
        ({}, "/id", None),
        (True, "/id", None),
        ({"additionalProperties": RUN}, "/r1/id", [ID]),
        ({"additionalProperties": RUN}, "/{run_id}/id", [ID]),
        (RUN, "/{run_id}", None),
        ({"properties": {"id": ID}, "additionalProperties": True}, "/name", None),
        ({"properties": {"id": ID}, "additionalProperties": False}, "/name", []),
        ({"properties": {"id": ID}, "patternProperties": {"^x": ID}}, "/xy", None),
        ({"type": "array", "prefixItems": [ID]}, "/0", None),
    ],
)
def test_what_stands_at_a_pointer(schema: Json, pointer: str, found: list[Json] | None) -> None:
    assert shapes.at(ROOT, [schema], pointer) == found


def test_what_nothing_is_known_of_may_be_anything() -> None:
    assert shapes.at(ROOT, None, "/id") is None
    assert shapes.items(ROOT, None) is None
    assert shapes.types(ROOT, None) == set()
    assert shapes.words(ROOT, None) is None
    assert shapes.names(ROOT, None) == []


def test_items_are_those_of_a_list_or_the_members_of_an_object() -> None:
    assert shapes.items(ROOT, [{"type": "array", "items": ID}]) == [ID]
    assert shapes.items(ROOT, [{"additionalProperties": RUN}]) == [RUN]
    assert shapes.items(ROOT, [{"type": "array"}]) is None
    assert shapes.items(ROOT, [True]) is None


def test_a_union_is_open_where_one_is() -> None:
    assert shapes.union([ID], [RUN]) == [ID, RUN]
    assert shapes.union([ID], None) is None
    assert shapes.union() == []


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        (ID, {"string"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"anyOf": [ID, {"type": "integer"}]}, {"string", "integer"}),
        ({"anyOf": [ID, {"enum": [1]}]}, set()),
        (True, set()),
    ],
)
def test_types(schema: Json, types: set[str]) -> None:
    assert shapes.types(ROOT, [schema]) == types


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"enum": ["a", None]}, ["a", None]),
        ({"const": "a"}, ["a"]),
        ({"anyOf": [{"enum": ["a", 1]}, {"enum": ["a", True]}]}, ["a", 1, True]),
        ({"anyOf": [{"enum": ["a"]}, ID]}, None),
        (True, None),
    ],
)
def test_words(schema: Json, words: list[Json] | None) -> None:
    assert shapes.words(ROOT, [schema]) == words


def test_names_are_those_of_all_schemas() -> None:
    assert shapes.names(ROOT, [{"allOf": [RUN, {"properties": {"name": ID}}]}, True]) == ["id", "tags", "name"]
