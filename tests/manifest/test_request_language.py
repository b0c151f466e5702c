"""What a manifest can say of a request, read into records."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.yard import YARD, yard

from pullcord.manifest import loading
from pullcord.manifest.document import parse
from pullcord.model.errors import ManifestError
from pullcord.model.operation import Operation, Parameter, Place

OPERATIONS = yard()


def parameter(operation: str, name: str) -> Parameter:
    (found,) = [each for each in OPERATIONS[operation].parameters if each.name == name]
    return found


def told(*changes: tuple[str, str]) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        yard(*changes)
    return caught.value.faults


def test_all_of_it_is_standard_openapi() -> None:
    OpenAPIV31SpecValidator(parse("yard.yaml", YARD).value).validate()  # type: ignore[arg-type]  # any JSON may be asked about


def test_an_operation_has_the_arguments_that_an_agent_gives_and_no_others() -> None:
    assert {name: [each.name for each in operation.arguments] for name, operation in OPERATIONS.items()} == {
        "cancel_yard_task": ["id", "hardness", "seconds", "reason"],
        "get_yard_task": ["id"],
        "yard/runs/get": ["number", "late", "X-Depth", "asker"],
        "list_yard_runs": ["after", "statuses", "numbers"],
        "get_yard_job": ["id", "n", "fields"],
        "list_yard_jobs": [],
    }


def test_a_property_is_required_where_everything_around_it_is() -> None:
    assert {each.name: each.required for each in OPERATIONS["cancel_yard_task"].arguments} == {
        "id": True,
        "hardness": True,
        "seconds": False,
        "reason": False,
    }


def test_a_property_stands_where_its_pointer_says() -> None:
    hardness = parameter("cancel_yard_task", "hardness")
    assert (hardness.place, hardness.wire, hardness.description) == (Place.BODY, "/state/kind", "How hard.")
    assert hardness.schema == {"type": "string", "enum": ["soft", "hard"]}


def test_constants_are_of_any_type_in_a_body() -> None:
    constants = {
        each.wire: (each.schema["type"], each.schema["const"])
        for each in OPERATIONS["cancel_yard_task"].parameters
        if "const" in each.schema and each.place is Place.BODY
    }
    assert constants == {
        "/state/type": ("string", "CANCELLING"),
        "/force": ("boolean", False),
        "/note": ("null", None),
        "/tags": ("array", ["a", {"b": 1}]),
    }


def test_a_text_with_arguments_needs_them_all() -> None:
    fields = parameter("get_yard_job", "fields")
    assert (fields.place, fields.required, fields.description) == (Place.TEXT, True, "What.")
    whole = parameter("get_yard_job", "/query")
    assert (whole.place, whole.is_argument) == (Place.BODY, False)


def test_an_operation_is_called_by_its_tool_and_keeps_its_manifests_name() -> None:
    names = {name: (each.operation_id, each.tool) for name, each in OPERATIONS.items()}
    assert names["cancel_yard_task"] == ("tasks/cancel.v1", "cancel_yard_task")
    assert names["yard/runs/get"] == ("runs/get", None)
    assert names["get_yard_job"] == ("query", "get_yard_job")


def test_the_word_behind_a_path_is_not_sent() -> None:
    assert {OPERATIONS[name].path for name in ("get_yard_job", "list_yard_jobs")} == {"/query"}
    assert OPERATIONS["yard/runs/get"].path == "/runs/{number}/at/{late}/"


def test_what_leads_to_an_operation_names_it_anew() -> None:
    link = (
        "\n          links: {self: {operationId: tasks/get, parameters: {id: $request.path.id}, description: Look.}}"
        "\n          x-outcomes: [{outcome: stopping}]\n"
    )
    target = "{operationId: runs/list, parameters: {}, when: {}, name: it, at: /id}"
    listed = "{items: $response.body#/runs, expose: [/id], pages: {style: whole}, links: {item: LINK}}"
    item = "{operationId: tasks/get, parameters: {id: $item#/id}, description: Look.}"
    operations = yard(
        (
            "'202': {description: Accepted., content: {application/yard+json: {}, text/plain: {}}}\n",
            f"'202':\n          description: Accepted.{link}",
        ),
        ("x-cancel: {aim: task}", f"x-cancel: {{aim: current, target: {target}}}"),
        ("description: Lists runs.", f"description: Lists runs.\n      x-list: {listed.replace('LINK', item)}"),
    )
    cancel = operations["cancel_yard_task"]
    assert cancel.responses["202"].links[0].operation_id == "get_yard_task"
    assert cancel.responses["202"].outcomes[0].word == "stopping"
    assert cancel.cancel is not None
    assert cancel.cancel.target is not None
    assert cancel.cancel.target.operation_id == "list_yard_runs"
    listing = operations["list_yard_runs"].listing
    assert listing is not None
    assert listing.links[0].operation_id == "get_yard_task"
    assert len({id(each.platform) for each in operations.values()}) == 1


def test_a_platform_has_six_tools_at_most() -> None:
    more = "".join(
        f"  /more/{n}:\n    get: {{operationId: more_{n}, summary: S, description: D., responses: {{}}}}\n"
        for n in "abc"
    )
    assert len(yard(("paths:\n", f"paths:\n{more[: len(more) // 3]}"))) == 7
    (fault,) = told(("paths:\n", f"paths:\n{more}"))
    assert "/paths/~1query#look/post: this is one tool more than 6; write x-tool: false at operations that" in fault
    assert "(also in line " in fault


# Paths that meet


@pytest.mark.parametrize(
    ("pattern", "meets"),
    [("^[a-z0-9-]+$", False), ("^[a-z0-9:-]+$", True), ("^[a-z0-9-]", True), ("^task-.*$", True)],
)
def test_an_id_that_may_end_in_a_later_word_makes_two_paths_meet(pattern: str, *, meets: bool) -> None:
    get = "        - {name: id, in: path, required: true, description: The task., schema: {type: string, pattern: "
    change = (f"{get}'^[a-z0-9-]+$'}}}}", f"{get}'{pattern}'}}}}")
    if not meets:
        assert "get_yard_task" in yard(change)
        return
    (fault,) = told(change)
    assert fault.endswith(
        "/paths/~1tasks~1{id}: with some arguments this path is /tasks/{id}:cancel, the path of tasks/cancel.v1;"
        " narrow the pattern of the parameter that makes it so"
    )


@pytest.mark.parametrize(
    ("path", "meets"),
    [
        ("/runs/5/at/true", True),
        ("/runs/0/at/true", False),
        ("/runs/5/at/noon", False),
        ("/runs/{number}/at/{late}:x", False),
        ("/runs/a{number}/at/{late}/", False),
        ("/runs/5{number}/at/{late}/", True),
        ("/runs/{number}-{late}/at/true", True),
        ("/runs/{number}.{late}/at/true", False),
        ("/runs/{number}/at/{late}", True),
        ("/runs/{number}/at/{late}/too", False),
    ],
)
def test_a_path_is_told_from_another_by_what_its_parameters_can_be(path: str, *, meets: bool) -> None:
    named = ", ".join(
        f"{{name: {name}, in: path, required: true, description: It., schema: {{type: {kind}}}}}"
        for name, kind in (("number", "integer"), ("late", "boolean"))
        if f"{{{name}}}" in path
    )
    other = f"{{operationId: other, summary: S, description: D., parameters: [{named}], responses: {{}}}}"
    change = ("  /runs:\n", f"  {path}#other:\n    get: {other}\n  /runs:\n")
    if meets:
        assert any("with some arguments" in fault for fault in told(change))
    else:
        assert yard(change)["other"].path == path


def test_two_operations_of_one_path_and_method_are_told_apart_by_a_word() -> None:
    first: list[Operation] = [each for each in OPERATIONS.values() if each.path == "/query"]
    assert [(each.method, each.media) for each in first] == [("POST", "application/json")] * 2
    faults = told(("  /query#list:", "  /query#List:"))
    assert "and #word at the end only to tell two operations apart" in faults[0]


def test_objects_in_each_other_are_refused() -> None:
    schemas = (
        "components:\n  schemas:\n    whole: {type: object, properties: {part: {$ref: '#/components/schemas/whole'}}}\n"
    )
    text = YARD.replace("schema: {type: object}}}}\n", "schema: {$ref: '#/components/schemas/whole'}}}}\n") + schemas
    with pytest.raises(ManifestError) as caught:
        loading.read("yard.yaml", text)
    (fault,) = caught.value.faults
    assert fault.endswith(
        "properties/part: objects stand more than 8 levels deep, or in each other; write them flatter"
    )
