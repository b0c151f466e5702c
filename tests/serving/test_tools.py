"""The tools, over the whole catalogue: what hosts and models rely on."""

import json
import re

import jsonschema
import pytest
from mcp import types
from tests.depot import depot
from tests.support import shipped

from pullcord.model.operation import Operation
from pullcord.model.running import callables
from pullcord.serving.panel import TOOL_META
from pullcord.serving.tools import tool

CANCELS = ["cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"]
OBSERVES = ["get_task", "get_session", "get_workspace_task", "list_workspace_tasks", "get_execution"]

everything = pytest.mark.parametrize(
    "operation", [*callables(shipped()).values(), *depot().values()], ids=lambda operation: operation.id
)


@everything
def test_the_tool_is_called_by_its_operation_id(operation: Operation) -> None:
    assert tool(operation).name == operation.id
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", operation.id)


@everything
def test_all_four_annotations_are_said_outright(operation: Operation) -> None:
    annotations = tool(operation).annotations
    assert annotations is not None
    hints = annotations.model_dump(exclude={"title"})
    cancels = operation.method != "GET"
    assert hints == {
        "read_only_hint": not cancels,
        "destructive_hint": cancels,
        "idempotent_hint": operation.id not in {"cancel_turn", "cancel_workspace_task", "halt_line"},
        "open_world_hint": True,
    }
    assert all(type(hint) is bool for hint in hints.values())


def test_only_what_can_not_meet_other_work_is_called_idempotent() -> None:
    hints = {
        name: annotations.idempotent_hint for name, each in shipped().items() if (annotations := tool(each).annotations)
    }
    assert {name for name, hint in hints.items() if not hint} == {"cancel_turn", "cancel_workspace_task"}


@everything
def test_the_title_and_the_description_begin_with_the_platform(operation: Operation) -> None:
    described = tool(operation)
    assert (described.title or "").startswith(f"{operation.platform.title} - ")
    assert len(described.title or "") <= 60
    assert 0 < len(described.description or "") <= 1000


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_description_begins_with_the_words_that_people_use_and_names_the_platform(name: str) -> None:
    operation = shipped()[name]
    begin = re.split(r"[:.?] ", operation.description)[0]
    assert begin.startswith("Stop, cancel, " if operation.cancel else ("Status of ", "Which "))
    assert operation.platform.title in begin
    assert "\n" not in operation.description


@pytest.mark.parametrize("name", CANCELS)
def test_a_cancel_says_what_comes_back_and_which_sibling_stops_other_work(name: str) -> None:
    description = shipped()[name].description
    assert "Returns outcome and allowed_actions." in description
    siblings = {other for other in shipped() if other != name and other in description}
    assert siblings or name == "cancel_workspace_task"
    assert re.search(r"[Cc]ooperative|at once|[Nn]ot immediate", description)
    assert re.search(r"go on|goes on|stays up", description)
    assert re.search(r"[Rr]epeat", description)


@everything
def test_both_schemas_are_sound_and_plain_objects(operation: Operation) -> None:
    described = tool(operation)
    for schema in (described.input_schema, described.output_schema or {}):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        for keyword in ("$ref", "anyOf", "oneOf", "allOf", "not", "if"):
            assert f'"{keyword}"' not in json.dumps(schema)


@everything
def test_a_call_fits_the_input_schema_only_with_flat_arguments(operation: Operation) -> None:
    schema = tool(operation).input_schema
    valid = jsonschema.Draft202012Validator(schema).is_valid
    odd: list[object] = [{}, [], None, 1.5]
    assert not any(valid({name: value}) for name in schema["properties"] for value in odd)


@pytest.mark.parametrize(("names", "most"), [(CANCELS, 7_500), ([*CANCELS, *OBSERVES], 14_000)])
def test_the_list_of_tools_leaves_room_for_other_things(names: list[str], most: int) -> None:
    listed = types.ListToolsResult(tools=[tool(shipped()[name], TOOL_META) for name in names])
    text = json.dumps(
        {"tools": [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in listed.tools]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    assert len(text.encode()) <= most
