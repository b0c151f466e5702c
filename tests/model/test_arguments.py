"""What a caller may give: the schema that says so, and what an agent is told of everything else."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.depot import depot, fitting
from tests.support import shipped, stage
from tests.yard import yard

from pullcord.model import arguments
from pullcord.model.arguments import Checked
from pullcord.model.operation import Operation
from pullcord.model.value import Json

OPERATIONS = {**shipped(), **depot(), **yard()}
WAITING = "Seconds to watch for the real end. Clients often give up after 60; waiting again is free"
SESSION, TASK = "session_" + "0" * 31 + "7", "task_1"
UUID = "00000000-0000-4000-8000-000000000007"

everything = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.id)


def faults(name: str, given: Mapping[str, Json]) -> list[str]:
    return arguments.checker(OPERATIONS[name])(given)


def read(name: str, given: Mapping[str, Json]) -> Checked:
    return arguments.reader(OPERATIONS[name], arguments.checker(OPERATIONS[name]))(given)


# The schema


# Some clients turn a schema into one of their own, and fail on what that doesn't know: google-genai on a Boolean in
# additionalProperties (googleapis/python-genai#2393). tests/clients drives them.
WHOLE = {"type", "properties", "required"}
OF_ARGUMENTS = {
    "type", "description", "default", "examples",
    "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems",
}  # fmt: skip


@everything
def test_the_schema_is_flat_in_words_that_every_client_takes_and_says_what_each_argument_is(
    operation: Operation,
) -> None:
    schema = arguments.schema(operation)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema.keys() <= WHOLE
    assert set(schema.get("required", [])) <= set(schema["properties"])
    for each in schema["properties"].values():
        assert each["type"] in {"string", "integer", "boolean", "array"}
        assert each["description"].strip()
        assert each.keys() <= OF_ARGUMENTS


@pytest.mark.parametrize("operation", shipped().values(), ids=lambda operation: operation.id)
def test_every_shipped_text_is_patterned_listed_or_bounded(operation: Operation) -> None:
    for each in (parameter.schema for parameter in operation.arguments):
        if each["type"] == "string":
            pattern = re.sub(r"\[[^]]*\]", "", str(each.get("pattern", "")))
            assert "enum" in each or "maxLength" in each or re.fullmatch(r"\^[^*+]*\$", pattern), each


def test_an_operation_without_required_arguments_says_nothing_of_them() -> None:
    assert "required" not in arguments.schema(OPERATIONS["list_runs"])
    schema = arguments.schema(OPERATIONS["get_run"])
    assert (schema["type"], schema["required"]) == ("object", ["run_id"])
    assert schema["properties"]["run_id"] == {"type": "string", "description": "The run."}


# What an agent is told


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("get_session", {}, ["session_id is missing (Session id, session_ and 32 lowercase hex digits)"]),
        (
            "cancel_task",
            {},
            [
                "session_id is missing (Session id, session_ and 32 lowercase hex digits)",
                "task_id is missing (Task id (task_...))",
            ],
        ),
        (
            "get_session",
            {"session_id": 7},
            ["session_id must be a string (Session id, session_ and 32 lowercase hex digits)"],
        ),
        (
            "get_session",
            {"session_id": None},
            ["session_id must be a string (Session id, session_ and 32 lowercase hex digits)"],
        ),
        (
            "get_session",
            {"session_id": SESSION[:-1]},
            ["session_id must match ^session_[0-9a-f]{32}$ (Session id, session_ and 32 lowercase hex digits)"],
        ),
        ("get_run", {"run_id": "\ud800"}, ["run_id must be text (The run)"]),
        ("get_run", {"run_id": ["r"]}, ["run_id must be a string (The run)"]),
        ("list_runs", {"line": ""}, ["line must have at least 1 characters (Only of this line)"]),
        ("list_runs", {"line": "x" * 1001}, ["line must have at most 1000 characters (Only of this line)"]),
        ("list_runs", {"kind": "noon"}, ["kind must be one of day, night (Only of this kind)"]),
        ("list_runs", {"kind": 1}, ["kind must be one of day, night (Only of this kind)"]),
        ("list_runs", {"late": "true"}, ["late must be true or false (Only late ones)"]),
        ("list_runs", {"late": 1}, ["late must be true or false (Only late ones)"]),
        ("list_runs", {"page": 0}, ["page must be at least 1 (From 1)"]),
        ("list_runs", {"per": 51}, ["per must be at most 50 (Runs on a page)"]),
        ("list_runs", {"page": "1"}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": True}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": 1.5}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": 2**53}, ["page must be at most 9007199254740991 (From 1)"]),
        ("list_runs", {"page": 10**5000}, ["page must be at most 9007199254740991 (From 1)"]),
        (
            "cancel_run",
            {"run_id": "r", "wait_seconds": 301},
            [f"wait_seconds must be at most 300 ({WAITING})"],
        ),
        (
            "cancel_task",
            {"session_id": SESSION, "task_id": TASK, "reason": "x" * 301},
            ["reason must have at most 300 characters (Why; Everruns keeps it in the history. No secrets)"],
        ),
        ("get_run", {"run_id": "r", "run": "r"}, ["run is not an argument of get_run (did you mean run_id?)"]),
        ("get_run", {"run_id": "r", "zzz": 1}, ["zzz is not an argument of get_run (it takes run_id, wait_seconds)"]),
        ("list_workspaces", {"a b": 1, "": 1}, [
            "'a b' is not an argument of list_workspaces (it takes include_archived, role_name, offset)",
            "'' is not an argument of list_workspaces (it takes include_archived, role_name, offset)",
        ]),
        ("get_run", {"run_id": "r", "\ud800\n": 1}, [
            "'\\ud800\\n' is not an argument of get_run (it takes run_id, wait_seconds)",
        ]),
        ("cancel_run", {"run_id": "r", "X-Yard": "y1"}, [
            "'X-Yard' is not an argument of cancel_run (it takes run_id, reason, wait_seconds)"
        ]),
        ("get_run", {"run_id": "r", "x" * 5000: 1}, [
            f"{'x' * 63}… is not an argument of get_run (it takes run_id, wait_seconds)",
        ]),
        (
            "get_run",
            {"run_id": "a/b"},
            ["run_id must be an id: 1 to 256 characters, no white space, none of / \\ % ? # ; (The run)"],
        ),
        ("get_run", {"run_id": ""}, [
            "run_id must be an id: 1 to 256 characters, no white space, none of / \\ % ? # ; (The run)"
        ]),
    ],
)  # fmt: skip
def test_a_bad_argument_is_told_in_plain_words(name: str, given: dict[str, Json], told: list[str]) -> None:
    assert faults(name, given) == told


def test_every_fault_of_a_call_is_told_at_once() -> None:
    assert faults("cancel_task", {"session_id": "x", "wait_seconds": -1, "reason": 5, "task": "t", "force": True}) == [
        "session_id must match ^session_[0-9a-f]{32}$ (Session id, session_ and 32 lowercase hex digits)",
        "task_id is missing (Task id (task_...))",
        "reason must be a string (Why; Everruns keeps it in the history. No secrets)",
        f"wait_seconds must be at least 0 ({WAITING})",
        "task is not an argument of cancel_task (did you mean task_id?)",
        "force is not an argument of cancel_task (it takes session_id, task_id, reason, wait_seconds, cascade)",
    ]


def test_an_operation_without_arguments_says_that_it_takes_none() -> None:
    told = arguments.checker(replace(OPERATIONS["get_run"], parameters=()))({"zzz": 1})
    assert told == ["zzz is not an argument of get_run (it takes none)"]


def test_of_a_description_nothing_but_its_last_full_stop_is_left_out() -> None:
    (run, *_) = OPERATIONS["get_run"].arguments
    check = arguments.checker(
        replace(OPERATIONS["get_run"], parameters=(run._replace(description="The run of a BMX."),))
    )
    assert check({}) == ["run_id is missing (The run of a BMX)"]


def test_no_more_faults_are_told_than_can_be_read() -> None:
    told = faults("get_run", {f"zz{n}": n for n in range(500)})
    assert len(told) == 21
    assert told[0] == "run_id is missing (The run)"
    assert told[-1] == "and 481 more"


def test_as_many_faults_as_can_be_read_are_all_told() -> None:
    told = faults("get_run", {"run_id": "r", **{f"zz{n}": n for n in range(20)}})
    assert [each.split()[0] for each in told] == [f"zz{n}" for n in range(20)]

    assert faults("get_run", {f"zz{n}": n for n in range(20)})[-1] == "and 1 more"


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_agent_is_told_what_to_correct_and_nothing_is_sent(mode: str) -> None:
    async with stage(mode) as at:
        answer = await at.call("cancel_turn", {"session_id": "..", "wait_second": 3})
        assert at.arrived == []
    assert answer["outcome"] == "invalid_arguments"
    assert answer["message"] == (
        "Nothing was sent. Correct the arguments and call again: session_id must match ^session_[0-9a-f]{32}$"
        " (Session id, session_ and 32 lowercase hex digits); wait_second is not an argument of cancel_turn"
        " (did you mean wait_seconds?)."
    )
    assert answer["problem"]["title"] == "Invalid arguments"
    assert answer["evidence"] is None
    retry = answer["allowed_actions"][0]
    assert (retry["rel"], retry["operation_id"]) == ("retry", "cancel_turn")
    assert "arguments" not in retry


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("stop_task", {"task_id": UUID + "\n"}, "task_id must match ^[0-9a-fA-F-]{36}"),
        ("stop_task", {"task_id": 12}, "task_id must match ^[0-9a-fA-F-]{36}"),
        ("stop_task", {"task_id": True}, "task_id must be a string"),
        ("stop_task", {"task_id": None}, "task_id is missing"),
        ("get_workspace_task", {"workspace_id": "ws_1", "task_id": "../../v1"}, "task_id must match ^[0-9A-Za-z_]"),
        ("cancel_workspace_task", {"workspace_id": ".."}, "workspace_id must match ^[0-9A-Za-z_]"),
        (
            "cancel_workspace_task",
            {"workspace_id": "ws_1", "expect_task_id": [TASK]},
            "expect_task_id must be a string",
        ),
        ("list_sessions", {"limit": 5000}, "limit must be at most 100"),
        ("list_org_tasks", {"created_after": "yesterday"}, "created_after must match"),
        ("list_workspaces", {"include_archived": "no"}, "include_archived must be true or false"),
    ],
)
async def test_each_tool_refuses_what_its_platform_would(name: str, given: dict[str, Any], told: str) -> None:
    async with stage() as at:
        answer = await at.call(name, given)
        assert at.arrived == []
    assert answer["outcome"] == "invalid_arguments"
    assert told in answer["message"]


@pytest.mark.anyio
async def test_the_arguments_of_an_ill_formed_call_are_shown_safely() -> None:
    async with stage() as at:
        answer = await at.call("cancel_turn", {"session_id": "x\u202e" + "y" * 5000})
    assert answer["target"] == {"session_id": "x" + "y" * 498 + "…"}


# What clients fill in by themselves


@pytest.mark.parametrize(
    ("name", "given", "used"),
    [
        ("list_runs", {"line": None, "kind": "", "late": None, "page": "", "per": None}, {}),
        ("list_runs", {"page": "5", "per": 7.0}, {"page": 5, "per": 7}),
        ("cancel_run", {"run_id": "r", "wait_seconds": "-0", "reason": ""}, {"run_id": "r", "wait_seconds": 0}),
        ("get_run", {"run_id": 17}, {"run_id": "17"}),
        ("get_run", {"run_id": -3.0}, {"run_id": "-3"}),
        ("get_run", {"run_id": 2**53 - 1}, {"run_id": "9007199254740991"}),
        ("halt_line", {"line": "7", "expect_run_id": 8}, {"line": "7", "expect_run_id": "8"}),
        # What n8n (n8n-io/n8n#21500) and Cline (cline/cline#8256) add.
        ("get_run", {"run_id": "r", "toolCallId": "call_1", "task_progress": "- [x] look"}, {"run_id": "r"}),
        ("list_runs", {"late": False, "line": " "}, {"late": False, "line": " "}),
        ("list_yard_runs", {"numbers": ["1", 2.0, 3], "statuses": None}, {"numbers": [1, 2, 3]}),
    ],
)
def test_what_a_client_fills_in_is_taken_for_what_it_means(
    name: str, given: dict[str, Json], used: dict[str, Json]
) -> None:
    checked = read(name, given)
    assert checked == Checked(used, [])
    assert {each: type(value) for each, value in checked.arguments.items()} == {
        each: type(value) for each, value in used.items()
    }


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("get_run", {"run_id": None}, ["run_id is missing (The run)"]),
        ("get_run", {"run_id": ""}, [
            "run_id must be an id: 1 to 256 characters, no white space, none of / \\ % ? # ; (The run)"
        ]),
        ("get_run", {"run_id": " r"}, [
            "run_id must be an id: 1 to 256 characters, no white space, none of / \\ % ? # ; (The run)"
        ]),
        ("get_run", {"run_id": True}, ["run_id must be a string (The run)"]),
        ("get_run", {"run_id": 1.5}, ["run_id must be a string (The run)"]),
        # JavaScript makes ...993 of it: what arrives may already be another id.
        ("get_run", {"run_id": 2**53}, ["run_id must be a string (The run)"]),
        ("get_run", {"run_id": 1e300}, ["run_id must be a string (The run)"]),
        ("get_run", {"run_id": math.inf}, ["run_id must be a string (The run)"]),
        ("list_runs", {"page": "05"}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": "5 "}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": "5.0"}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": "\u0665"}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": "9" * 101}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": "9" * 99}, ["page must be at most 9007199254740991 (From 1)"]),
        ("list_runs", {"page": 1e300}, ["page must be at most 9007199254740991 (From 1)"]),
        ("list_runs", {"page": 5.5}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": math.nan}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"page": True}, ["page must be a whole number (From 1)"]),
        ("list_runs", {"late": "true"}, ["late must be true or false (Only late ones)"]),
        ("list_runs", {"line": ["x"]}, ["line must be a string (Only of this line)"]),
        ("list_yard_runs", {"numbers": 5}, ["numbers must be a list (Of these numbers)"]),
        ("list_yard_runs", {"numbers": [1.5]}, ["numbers has an item that must be a whole number (Of these numbers)"]),
        ("get_run", {"run_id": "r", "progress": 1}, [
            "progress is not an argument of get_run (it takes run_id, wait_seconds)"
        ]),
        ("get_run", {"run_id": "r", "run": None}, ["run is not an argument of get_run (did you mean run_id?)"]),
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_something_else(name: str, given: dict[str, Json], told: list[str]) -> None:
    assert read(name, given).faults == told


def test_an_argument_that_is_not_known_stays_as_it_came() -> None:
    assert read("get_run", {"run_id": "r", "progress": 1}).arguments == {"run_id": "r", "progress": 1}


def test_what_stood_in_an_answer_is_given_in_the_types_of_the_arguments() -> None:
    values: dict[str, Json] = {"line": 7, "page": "5", "per": None, "other": 7}
    assert arguments.typed_as(OPERATIONS["list_runs"], values) == {"line": "7", "page": 5, "per": None, "other": 7}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_that_fills_in_every_argument_cancels_all_the_same(mode: str) -> None:
    async with stage(mode) as at:
        ids = at.sandbox.everruns.ids
        answer = await at.call(
            "cancel_task",
            {
                "session_id": ids.active_session,
                "task_id": ids.subagent_task,
                "reason": None,
                "wait_seconds": "0",
                "toolCallId": "call_1",
            },
        )
        assert answer["outcome"] == "stopping"
        assert (await at.call("list_sessions", {"limit": 2.0, "offset": ""}))["outcome"] == "observed"


# Paths

ATTACKS = [
    "",
    ".",
    "..",
    "...",
    "../..",
    "..;",
    "a;b=c",
    "..%2f",
    "%2e",
    "%2e%2e",
    "%2E%2E",
    "%252e%252e",
    "a/b",
    "/",
    "//",
    "a%2fb",
    "a\\b",
    "..\\",
    "a?b=c",
    "a#b",
    "a b",
    " ",
    "\t",
    "a\n",
    "\r\nHost: evil",
    "a\x00",
    "\x7f",
    "\x85",
    "\u00a0",
    "\u2028",
    "\u3000",
    "\uff0e\uff0e",  # full-width dots
    "\u2025",  # a two-dot leader
    "\u2024\u2024",  # one-dot leaders
    "a\uff0fb",  # a full-width solidus
    "a\uff3cb",  # a full-width backslash
    "\uff05\u0032\u0065",  # a full-width percent sign
    "a\u2048b",  # ⁈ folds into ?!
    "x" * 257,
]  # fmt: skip


@pytest.mark.parametrize("value", ATTACKS)
def test_what_might_not_stay_one_segment_of_a_path_is_refused(value: str) -> None:
    assert value == "..." or not arguments.segment(value)
    for name, operation in shipped().items():
        for parameter in operation.arguments:
            if parameter.place == "path":
                assert faults(name, {parameter.name: value}), parameter


@pytest.mark.parametrize(
    "value", ["a", "task_01HZ", "x" * 256, "a.b", "a..b", "...", "a:b@c~d", "-", "ünïcode", "日本", "+", "&="]
)
def test_what_stays_one_segment_of_a_path_is_taken(value: str) -> None:
    assert arguments.segment(value)
    assert faults("get_run", {"run_id": value}) == []


# The two forms of a schema

VALUES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=1)
    | st.sampled_from(
        [SESSION, TASK, UUID, "day", "queued", "2026-10-01T12:00:00Z", 0, 1, 20, 100, 101, 300, "x" * 301]
    )
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Operation, dict[str, Any]]:
    """An operation, with some arguments that fit and some that may not."""
    operation = draw(st.sampled_from(list(OPERATIONS.values())))
    given: dict[str, Any] = {}
    for parameter in operation.arguments:
        kind = draw(st.sampled_from(["fits", "fits", "fits", "odd", "none" if parameter.required else "left out"]))
        if kind in {"fits", "odd"}:
            given[parameter.name] = draw(fitting(parameter.schema) if kind == "fits" else VALUES)
    if draw(st.integers(0, 9)) == 0:
        given[draw(st.text(max_size=5))] = draw(VALUES)
    return operation, given


def exempt(value: object) -> bool:
    """Whether the two differ on purpose.

    JSON Schema takes 5.0 for an integer, and any number of digits, and unpaired surrogates; and the $ of Python's
    expressions, unlike that of JSON Schema's, also fits before a last line break.
    """
    if isinstance(value, list):
        return any(map(exempt, value))
    if isinstance(value, str):
        return value.endswith("\n") or any("\ud800" <= char <= "\udfff" for char in value)
    return (isinstance(value, float) and value.is_integer()) or (isinstance(value, int) and abs(value) >= 2**53)


@given(calls())
def test_the_check_takes_exactly_what_the_schema_takes(call: tuple[Operation, dict[str, Any]]) -> None:
    """Where nothing else bounds ids, it takes only those that stay one segment."""
    operation, given = call
    assume(not any(exempt(value) for value in given.values()))
    assume(given.keys() <= {each.name for each in operation.arguments})  # the schema leaves those to the check
    found = arguments.checker(operation)(given)
    published = arguments.schema(operation)
    whole = {**published, "properties": {each.name: dict(each.schema) for each in operation.arguments}}
    valid = jsonschema.Draft202012Validator(whole).is_valid(given)
    assert jsonschema.Draft202012Validator(published).is_valid(given) or not valid, "only lengths are left out"
    if operation.platform.name in {"depot", "yard"} and valid:
        paths = [given[each.name] for each in operation.arguments if each.place == "path"]
        assert (found == []) is all(arguments.segment(value) for value in paths if isinstance(value, str))
    else:
        assert (found == []) is valid


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ("integer", "5", 5),
        ("integer", "-07", -7),
        ("integer", "5.0", "5.0"),
        ("integer", "9" * 19, "9" * 19),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("boolean", "1", "1"),
        ("string", "5", "5"),
    ],
)
def test_a_text_of_an_address_becomes_the_value_that_its_schema_asks_for(schema: str, text: str, value: Json) -> None:
    typed = arguments.typed({"type": schema}, text)
    assert (typed, type(typed)) == (value, type(value))


@pytest.mark.parametrize("value", [5.0, 2**53, -(2**53), 1e300, math.inf, math.nan])
def test_a_number_that_json_readers_disagree_on_is_refused(value: float) -> None:
    """5.0 is an integer in JSON Schema, but would stand as 5.0 in an address."""
    assert faults("list_runs", {"page": value})


@given(calls())
def test_what_is_read_is_checked_in_the_types_that_the_schema_asks_for(
    call: tuple[Operation, dict[str, Any]],
) -> None:
    operation, given = call
    check = arguments.checker(operation)
    read = arguments.reader(operation, check)
    checked = read(given)
    assert checked.faults == check(checked.arguments)
    assert repr(read(checked.arguments)) == repr(checked), "what was read is not changed again"
    if not check(given) and "" not in given.values():
        assert checked == Checked(given, [])


# Schemas, as manifests write them


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "string"}, "x", None),
        ({"type": "string", "pattern": "b"}, "abc", None),
        ({"type": "string", "pattern": "^b"}, "abc", "must match ^b"),
        ({"type": "string", "minLength": 2}, "x", "must have at least 2 characters"),
        ({"type": "string", "maxLength": 2}, "\U0001f44d\U0001f44d", None),
        ({"type": "string", "enum": ["a", "b"]}, "c", "must be one of a, b"),
        ({"type": "string"}, "x" * 1001, "must have at most 1000 characters"),
        ({"type": "string", "maxLength": 2000}, "x" * 1001, None),
        ({"type": "integer", "minimum": -3}, -3, None),
        ({"type": "integer", "maximum": 3}, 4, "must be at most 3"),
        ({"type": "integer"}, -(2**53), "must be at least -9007199254740991"),
        ({"type": "boolean"}, False, None),
        ({"type": "boolean"}, 0, "must be true or false"),
        ({"type": "string"}, b"x", "must be a string"),
        ({"type": "array", "items": {"type": "string"}}, ["x"] * 50, None),
        ({"type": "array", "items": {"type": "string"}}, ["x"] * 51, "must have at most 50 items"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["x", "y"], "must have at most 1 items"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["x"], "must have at least 2 items"),
        ({"type": "array", "items": {"type": "string"}}, ("x",), "must be a list"),
        ({"type": "array", "items": {"type": "string"}}, ["x", 5], "has an item that must be a string"),
    ],
)
def test_a_value_is_held_to_a_schema(schema: dict[str, Any], value: object, fault: str | None) -> None:
    assert arguments.fault_of(schema, value) == fault


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("^[0-9]+$", None),
        ("(", "unclosed group"),
        ("(?=a)", "look-around, including look-ahead and look-behind, is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        ("a{1000000000}", "Compiled regex exceeds size limit of 10485760 bytes"),
    ],
)
def test_a_pattern_that_can_not_be_checked_is_known_beforehand(pattern: str, reason: str | None) -> None:
    told = arguments.pattern_fault(pattern)
    assert told == (
        f"this pattern can't be read: {reason}; write one without look-around and back-references" if reason else None
    )
