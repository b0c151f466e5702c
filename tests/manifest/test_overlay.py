"""An overlay on a vendor's document, and what is kept of both."""

import pytest

from pullcord.manifest.document import parse
from pullcord.manifest.overlay import apply
from pullcord.manifest.trim import trim
from pullcord.manifest.vendor import document, written
from pullcord.model.errors import ManifestError
from pullcord.model.value import Json

VENDOR: Json = {
    "paths": {
        "/runs": {
            "get": {
                "operationId": "list",
                "parameters": [{"name": "page"}, {"name": "size"}, {"name": "sort"}],
                "deprecated": False,
            },
            "post": {"operationId": "start"},
        },
        "/runs/{id}": {"delete": {"operationId": "delete"}},
    },
}


def overlaid(*actions: str) -> Json:
    """The vendor's document, after actions."""
    text = "overlay: 1.1.0\ninfo: {title: Runs, version: '1'}\nactions:\n" + "\n".join(
        f"  - {{{each}}}" for each in actions
    )
    return apply(VENDOR, parse("runs.yaml", text))


def parameters(found: Json) -> Json:
    assert isinstance(found, dict)
    return found["paths"]["/runs"]["get"]["parameters"]  # type: ignore[index, call-overload]  # as VENDOR has it


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("target: \"$.paths['/runs'].get.parameters[0]\", remove: true", ["size", "sort"]),
        ("target: \"$.paths['/runs'].get.parameters[-1]\", remove: true", ["page", "size"]),
        ("target: \"$.paths['/runs'].get.parameters[?@.name == 'size']\", remove: true", ["page", "sort"]),
        ("target: \"$.paths['/runs'].get.parameters[0, 2]\", remove: true", ["size"]),
        ("target: \"$.paths['/runs'].get.parameters[*]\", remove: true", []),
        ("target: \"$.paths['/runs'].get.parameters\", update: {name: after}", ["page", "size", "sort", "after"]),
        (
            "target: \"$.paths['/runs'].get.parameters\", update: [{name: a}, {name: b}]",
            ["page", "size", "sort", "a", "b"],
        ),
        ("target: \"$.paths['/runs'].get.parameters[1]\", update: {name: limit}", ["page", "limit", "sort"]),
    ],
)
def test_a_parameter_is_named_by_its_place_or_its_name(action: str, names: list[str]) -> None:
    found = parameters(overlaid(action))
    assert isinstance(found, list)
    assert [look["name"] for look in found if isinstance(look, dict)] == names


def test_an_update_goes_into_objects_and_replaces_what_is_neither_object_nor_list() -> None:
    found = overlaid(
        'target: "$", update: {info: {title: Runs}}',
        "target: \"$.info\", update: {version: '2', title: All runs}",
        'target: "$.paths.*.get.deprecated", update: true',
    )
    assert isinstance(found, dict)
    assert found["info"] == {"title": "All runs", "version": "2"}
    assert found["paths"]["/runs"]["get"]["deprecated"] is True  # type: ignore[index, call-overload]  # as VENDOR has it


def test_what_was_given_stays_as_it_is() -> None:
    overlaid('target: "$.paths", remove: true')
    assert parameters(VENDOR)


@pytest.mark.parametrize(
    ("action", "what"),
    [
        (
            "target: \"$.paths['/jobs'].get\", remove: true",
            "target: this names nothing in the vendor's document, which may",
        ),
        (
            "target: \"$.paths.*.get.parameters[?@.name == 'sise']\", update: {x: 1}",
            "target: this names nothing in the",
        ),
        ("target: 'paths/runs', remove: true", "target: this is no JSONPath (RFC 9535): "),
        ('target: "$", remove: true', "target: this is the whole document, which can't be removed; name a part of it"),
        ('target: "$.paths"', "write either update, or remove: true"),
        ('target: "$.paths", remove: true, update: {x: 1}', "write either update, or remove: true"),
        ('target: "$.paths", remove: false', "write either update, or remove: true"),
        ("target: '', remove: true", "target: a text is expected here"),
        ('target: "$", copy: $.info', "copy is not supported in an action; leave it out, or write one of"),
    ],
)
def test_a_fault_of_an_overlay_is_told_with_its_line_and_what_to_do(action: str, what: str) -> None:
    with pytest.raises(ManifestError) as caught:
        overlaid('target: "$.paths", update: {}', action)
    faults = [each for each in caught.value.faults if what in each]
    assert len(faults) == 1
    assert faults[0].startswith("runs.yaml:5 /actions/1")


def test_every_target_that_names_nothing_is_told_at_once() -> None:
    with pytest.raises(ManifestError) as caught:
        overlaid('target: "$.a", remove: true', 'target: "$.paths", update: {}', 'target: "$.b", update: {}')
    (fault,) = caught.value.faults
    assert fault.startswith("runs.yaml:4 /actions/0/target: this names nothing")
    assert fault.endswith("(also in line 6)")


MARKED: Json = {
    "openapi": "3.0.3",
    "x-vendor": True,
    "tags": [{"name": "runs"}],
    "info": {"title": "Runs", "version": "1", "termsOfService": "https://x.example"},
    "security": [{"key": []}],
    "paths": {
        "/runs/{id}": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "get": {
                "x-tool": False,
                "operationId": "get",
                "tags": ["runs"],
                "parameters": [{"name": "a", "in": "query", "example": 1, "schema": {"type": "string", "title": "A"}}],
                "responses": {
                    "200": {
                        "description": "The run.",
                        "headers": {"Link": {}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/run"}, "examples": {}}
                        },
                    },
                    "404": {"$ref": "#/components/responses/absent"},
                },
            },
            "delete": {"operationId": "delete"},
        },
        "/jobs": {"get": {"operationId": "jobs"}},
    },
    "components": {
        "securitySchemes": {"key": {"type": "http"}, "other": {"type": "http"}},
        "parameters": {"id": {"name": "id", "in": "path", "allowReserved": True}, "job": {}},
        "responses": {"absent": {"description": "None.", "content": {"application/json": {"schema": True}}}},
        "schemas": {
            "job": {},
            "run": {
                "description": "A run.",
                "type": "object",
                "properties": {
                    "id": {"type": "string", "nullable": True, "enum": ["a", None], "example": "a"},
                    "state": {"type": "string", "nullable": True},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/run"}},
                    "owner": {"oneOf": [{"type": "string", "title": "A name"}], "nullable": True},
                },
            },
        },
    },
}


def test_what_is_not_marked_and_what_no_manifest_says_is_left_out() -> None:
    assert trim(MARKED) == {
        "openapi": "3.1.0",
        "info": {"title": "Runs", "version": "1"},
        "security": [{"key": []}],
        "paths": {
            "/runs/{id}": {
                "parameters": [{"$ref": "#/components/parameters/id"}],
                "get": {
                    "x-tool": False,
                    "operationId": "get",
                    "parameters": [{"name": "a", "in": "query", "schema": {"type": "string"}}],
                    "responses": {
                        "200": {
                            "description": "The run.",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/run"}}},
                        },
                        "404": {"$ref": "#/components/responses/absent"},
                    },
                },
            }
        },
        "components": {
            "parameters": {"id": {"name": "id", "in": "path"}},
            "responses": {"absent": {"description": "None.", "content": {"application/json": {"schema": True}}}},
            "schemas": {
                "run": {
                    "type": "object",
                    "properties": {
                        "id": {"type": ["string", "null"], "enum": ["a", None]},
                        "state": {"type": ["string", "null"]},
                        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/run"}},
                        "owner": {"oneOf": [{"type": "string"}]},
                    },
                }
            },
            "securitySchemes": {"key": {"type": "http"}},
        },
    }


def test_a_document_without_paths_or_keys_makes_a_manifest_that_has_none() -> None:
    assert trim({"openapi": "3.1.0"}) == {"openapi": "3.1.0", "paths": {}, "components": {}}


@pytest.mark.parametrize("text", ['{"a": ["no", 1]}', "a: ['no', 1]"])
def test_a_vendors_document_is_json_or_yaml(text: str) -> None:
    assert document("vendor", text) == {"a": ["no", 1]}


@pytest.mark.parametrize("text", ["{'a': 1", "a: [", "{a"])
def test_what_is_neither_is_told(text: str) -> None:
    with pytest.raises(ManifestError, match="vendor: this is neither JSON nor YAML: "):
        document("vendor", text)


def test_a_manifest_that_was_written_is_read_as_it_was() -> None:
    twice: Json = {"version": "2022-11-28", "on": "no", "number": "1"}
    text = written({"a": twice, "b": twice})
    assert parse("made.yaml", text).value == {"a": twice, "b": twice}
    assert "&" not in text
