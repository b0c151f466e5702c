"""Manifests to a catalogue: what is read, and how every fault is told.

One mistake, one fault: mistakes*.txt make one mistake at a time in a manifest that is right, and says what is told.
"""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.depot import DEPOT, changed, depot, own
from tests.manifest.blocks import blocks
from tests.support import shipped
from tests.yard import YARD

from pullcord.config.settings import read as read_settings
from pullcord.config.surface import Surface
from pullcord.manifest import loading
from pullcord.manifest.audit import audit
from pullcord.manifest.document import parse
from pullcord.manifest.faults import Fault
from pullcord.manifest.openapi import read_document
from pullcord.model.cancel import Cancel, Target
from pullcord.model.condition import Clause, Comparison
from pullcord.model.errors import ManifestError
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.listing import Listing, Pages, PageStyle
from pullcord.model.operation import Key, Operation, Parameter, Place
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.rule import Rule, first
from pullcord.model.state import Poll, State
from pullcord.serving.tools import tool

OPERATIONS = {
    "cancel": "/paths/~1runs~1{run_id}~1cancel/post",
    "look": "/paths/~1runs~1{run_id}/get",
    "halt": "/paths/~1lines~1{line}~1halt/post",
    "list": "/paths/~1runs/get",
}


def told(text: str) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        loading.read("depot.yaml", text)
    return caught.value.faults


def whole(fault: str) -> str:
    """A fault whose operation is written out."""
    place, _, rest = fault.partition(": ")
    name, slash, inner = place.partition("/")
    return f"{OPERATIONS.get(name, name)}{slash}{inner}: {rest}"


@pytest.mark.parametrize(("change", "faults"), blocks("mistakes.txt", "mistakes_of_replies.txt"))
def test_a_mistake_is_told_with_its_place_and_what_to_write_instead(change: tuple[str, str], faults: list[str]) -> None:
    assert [re.sub(r"^depot\.yaml:\d+ ", "", fault) for fault in told(changed(change))] == [
        whole(fault) for fault in faults
    ]


def test_a_description_is_no_longer_than_hosts_take() -> None:
    assert depot(("Stops one run.", "x" * 1000))["cancel_run"].description == "x" * 1000
    (fault,) = told(changed(("Stops one run.", "x" * 1001)))
    assert fault.endswith("post/description: 1001 characters are too many; write at most 1000")


def test_every_fault_of_a_file_is_told_at_once_each_with_its_line() -> None:
    text = changed(
        ("operationId: halt_line", "operationId: get_run"),
        ("outcome: stopped}", "outcome: stopt}"),
        ("{when: {/state: [running]}, phase: active}", "{when: {state: [running]}, phase: active}"),
        ("scheme: bearer", "scheme: digest"),
        ("{run_id: $item#/id}", "{run: $item#/id}"),
        ("version: '1'}", "version: '1', licence: x}"),
    )
    assert [(int(fault.split()[0].split(":")[1]), fault.split(": ")[1][:26]) for fault in told(text)] == [
        (2, "licence is not supported i"),
        (30, "'stopt' is none of the wor"),
        (50, "'state' is nothing that a "),
        (55, "get_run is also GET /runs/"),
        (97, "this gives run, which get_"),
        (97, "this doesn't give run_id, "),
        (105, "this scheme is not support"),
    ]


def test_what_a_ref_names_is_told_once_however_often_it_is_named() -> None:
    (fault,) = told(changed(("description: Look at the run.", "description: ''")))
    assert fault.startswith("depot.yaml:116 /components/links/run/description: a text is expected here")


def test_a_shared_link_is_told_with_each_operation_that_it_does_not_fit() -> None:
    text = changed(
        ("'200': {description: The run.}", "'200': {description: x, links: {self: {$ref: '#/components/links/run'}}}"),
        ("{run_id: $request.path.run_id}", "{run_id: $request.path.run}"),
    )
    assert told(text) == (
        "depot.yaml:115 /components/links/run/parameters/run_id: cancel_run has no path parameter run; write run_id",
        "depot.yaml:115 /components/links/run/parameters/run_id: get_run has no path parameter run; write run_id",
    )


@pytest.mark.parametrize("text", ["[]", "text", "null", "1", "- openapi: 3.1.0"])
def test_a_file_that_is_no_object_is_told_so_and_no_more(text: str) -> None:
    assert told(text) == ("depot.yaml:1 /: an object is expected here; write keys and values",)


def test_an_empty_object_is_told_all_that_it_lacks() -> None:
    assert [fault.split(": ")[1] for fault in told("{}")] == [
        f"{key} is missing; a document needs it"
        for key in ("openapi", "info", "x-platform", "servers", "security", "paths")
    ]


def test_a_manifest_without_operations_is_refused(tmp_path: Path) -> None:
    text = DEPOT[: DEPOT.index("  /runs/{run_id}/cancel:")].replace("paths:\n", "paths: {}\n")
    text += DEPOT[DEPOT.index("components:\n") :]
    path = tmp_path / "depot.yaml"
    path.write_text(text, encoding="utf-8")
    fault = "depot.yaml:13 /paths: no operation is described; write one"
    assert told(text) == (fault,)
    with pytest.raises(ManifestError) as caught:
        loading.load([path])
    assert caught.value.faults == (f"{tmp_path}/{fault}",)


def test_several_files_are_told_together_each_by_its_path(tmp_path: Path) -> None:
    good, broken, empty = tmp_path / "good.yaml", tmp_path / "broken.yaml", tmp_path / "empty.yaml"
    good.write_text(DEPOT, encoding="utf-8")
    broken.write_text("a: [", encoding="utf-8")
    empty.write_text("", encoding="utf-8")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        changed(("operationId: halt_line", "operationId: halt line"), ("x-platform: depot", "x-platform: other")),
        encoding="utf-8",
    )
    with pytest.raises(ManifestError) as caught:
        loading.load([good, broken, empty, binary, tmp_path / "none.yaml", tmp_path, wrong])
    assert [
        fault.removeprefix(str(tmp_path)).partition("; mostly,")[0].partition(" ") for fault in caught.value.faults[:5]
    ] == [
        ("/broken.yaml:2:", " ", "this is not YAML: did not find expected node content"),
        ("/empty.yaml:", " ", "the file is empty; write an OpenAPI 3.1 document"),
        ("/binary.yaml:", " ", "this manifest can't be read: it is not UTF-8 text"),
        ("/none.yaml:", " ", "this manifest can't be read: No such file or directory"),
        (":", " ", "this manifest can't be read: Is a directory"),
    ]
    no_tool = (
        "'halt line' does not fit; write a tool name (1 to 64 of A-Z a-z 0-9 _ -), or give its tool one with x-tool"
    )
    clash = f"is also in {good}; give one another name with x-tool"
    place = "/paths/~1runs"
    assert [fault for fault in caught.value.faults[5:] if "/x-env: " not in fault] == [
        f"{wrong}:20 {place}~1{{run_id}}~1cancel/post/operationId: the tool cancel_run {clash}",
        f"{wrong}:42 {place}~1{{run_id}}/get/operationId: the tool get_run {clash}",
        f"{wrong}:55 /paths/~1lines~1{{line}}~1halt/post/operationId: {no_tool}",
        f"{wrong}:80 {place}/get/operationId: the tool list_runs {clash}",
    ]


def test_what_pullcord_itself_is_called_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "depot.yaml"
    path.write_text(own(("x-platform: depot", "x-platform: pullcord")).replace("list_runs", "find_running"), "utf-8")
    with pytest.raises(ManifestError) as caught:
        loading.load([], [path])
    told = "\n".join(caught.value.faults)
    assert "platform pullcord is also in pullcord itself; rename one of the two" in told
    assert "the tool find_running is also in pullcord itself; give one another name with x-tool" in told


def test_two_files_of_one_platform_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(DEPOT, encoding="utf-8")
    two.write_text(re.sub(r"(get|list|cancel|halt)_(run|line)", r"\1_my_\2", DEPOT), encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        loading.load([one, two])
    assert caught.value.faults == (f"{two}:3 /x-platform: platform depot is also in {one}; rename one of the two",)


def test_the_same_file_twice_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "depot.yaml"
    path.write_text(DEPOT, encoding="utf-8-sig")  # as some editors save it
    assert list(loading.load([path, path])) == ["cancel_run", "get_run", "halt_line", "list_runs"]


def test_a_right_manifest_becomes_records() -> None:
    operations = depot()
    platform = operations["get_run"].platform
    assert platform.name == "depot"
    assert platform.title == "Depot"
    assert platform.url == "https://{tenant}.depot.example/api"
    assert platform.url_env == "DEPOT_URL"
    assert platform.variables == {"tenant": "DEPOT_TENANT"}
    assert platform.keys == (Key("DEPOT_KEY", "Authorization", "Bearer ", "A key."),)
    assert platform.problem == {"code": (Expression(Source.BODY, "/error"),)}
    assert platform.actions == "/next"

    cancel = operations["cancel_run"]
    assert (cancel.method, cancel.path) == ("POST", "/runs/{run_id}/cancel")
    assert (cancel.title, cancel.description) == ("Depot - cancel a run", "Stops one run.")
    assert cancel.cancel == Cancel("task", ("self",), None, Poll(1, 4))
    assert cancel.state == State("/state")
    assert cancel.expose == ("/id",)
    assert cancel.repeatable
    assert [(each.name, each.place, each.required, each.wire, each.env) for each in cancel.parameters] == [
        ("run_id", Place.PATH, True, "run_id", None),
        ("reason", Place.HEADER, False, "X-Reason", None),
        ("X-Yard", Place.HEADER, False, "X-Yard", "DEPOT_YARD"),
        ("wait_seconds", Place.LOCAL, False, "wait_seconds", None),
    ]
    response = cancel.responses["200"]
    assert response.outcomes == (
        Rule(Outcome.STOPPED, (Clause("/state", ("cancelled",)),)),
        Rule(Outcome.STOPPING, (Clause("/state", ("running", "queued")),)),
        Rule(Outcome.ALREADY_FINISHED),
    )
    assert response.links == (
        Link("self", "get_run", (("run_id", Expression(Source.ARGUMENT, "run_id")),), "Look at the run."),
        Link("item", "get_run", (("run_id", Expression(Source.ITEM, "")),), "Look at a part.", each="/parts"),
    )
    assert operations["get_run"].state == State("/state", (Rule(Phase.ACTIVE, (Clause("/state", ("running",)),)),))

    halt = operations["halt_line"]
    assert halt.cancel == Cancel(
        "current",
        ("self",),
        Target(
            "list_runs",
            (("line", Expression(Source.ARGUMENT, "line")),),
            (Clause("/state", ("running",)),),
            "run_id",
            "/id",
        ),
    )
    assert not halt.repeatable
    assert [each.name for each in halt.parameters] == ["line", "wait_seconds", "expect_run_id", "reason"]
    assert halt.responses["2XX"].links[0].arguments == (("run_id", Expression(Source.TARGET, "run_id")),)

    assert operations["list_runs"].listing == Listing(
        items="/runs",
        expose=("/id", "/state"),
        pages=Pages(PageStyle.PAGE, "page", "per", "/total"),
        links=(Link("item", "get_run", (("run_id", Expression(Source.ITEM, "/id")),), "Look at this run."),),
    )
    assert operations["list_runs"].arguments[1] == Parameter(
        name="kind",
        place=Place.QUERY,
        required=False,
        description="Only of this kind.",
        schema={"type": "string", "enum": ["day", "night"]},
        wire="kind",
    )


def test_everything_that_a_link_and_a_rule_may_say_is_read() -> None:
    operations = depot(
        (
            "              x-each: /parts",
            (
                "              x-each: /parts\n              x-rel: up\n              x-note: It has parts.\n"
                "              x-when: {outcome: [stopping], phase: [active, ended], body: {/kind: [a, null, 1, true]}}"
            ),
        ),
        ("{run_id: $item#}", "{run_id: $response.header.X-Run}"),
        ("{outcome: already_finished}", "{outcome: already_finished, note: It was late., work_stopped: 'no'}"),
    )
    response = operations["cancel_run"].responses["200"]
    assert response.links[1] == Link(
        "up",
        "get_run",
        (("run_id", Expression(Source.HEADER, "x-run")),),
        "Look at a part.",
        frozenset({Outcome.STOPPING}),
        frozenset({Phase.ACTIVE, Phase.ENDED}),
        (Clause("/kind", ("a", None, 1, True)),),
        "/parts",
        "It has parts.",
    )
    assert response.outcomes[2] == Rule(Outcome.ALREADY_FINISHED, (), "It was late.", "no")


def test_the_media_types_of_a_reply_are_read_as_they_stand() -> None:
    content = "{application/a2a+json: {schema: {}}, 'text/plain; charset=utf-8': {}}"
    operations = depot(("'200': {description: The run.}", f"'200': {{description: The run., content: {content}}}"))
    assert operations["get_run"].responses["200"].media == ("application/a2a+json", "text/plain; charset=utf-8")
    assert operations["list_runs"].responses["200"].media == ()


def test_a_link_reads_an_argument_by_its_own_name_not_the_headers() -> None:
    operations = depot(
        ("parameters: {run_id: $item#}", "parameters: {run_id: $request.header.X-Reason}"),
    )
    assert operations["cancel_run"].responses["200"].links[1].arguments == (
        ("run_id", Expression(Source.ARGUMENT, "reason")),
    )


def test_a_link_can_not_read_a_setting() -> None:
    (fault,) = told(changed(("parameters: {run_id: $item#}", "parameters: {run_id: $request.header.X-Yard}")))
    assert fault.endswith("cancel_run has no header parameter X-Yard; write X-Reason")


def test_a_key_may_go_in_a_header_of_its_own() -> None:
    operations = depot(
        ("      type: http\n      scheme: bearer", "      type: apiKey\n      in: header\n      name: x-key")
    )
    assert operations["get_run"].platform.keys == (Key("DEPOT_KEY", "x-key", "", "A key."),)


def test_a_method_of_its_own_replaces_a_shared_parameter() -> None:
    own = "{name: run_id, in: path, required: true, description: Mine., schema: {type: string}}"
    operations = depot(
        ("      operationId: cancel_run\n", f"      operationId: cancel_run\n      parameters:\n        - {own}\n")
    )
    described = {each.name: each.description for each in operations["cancel_run"].parameters}
    assert described == {
        "run_id": "Mine.",
        "reason": "Why.",
        "X-Yard": "Where.",
        "wait_seconds": "Seconds to watch for the real end. Clients often give up after 60; waiting again is free.",
    }


def test_a_ref_may_lead_over_another() -> None:
    operations = depot(
        ("  links:\n    run:\n", "  links:\n    first: {$ref: '#/components/links/run'}\n    run:\n"),
        ("self: {$ref: '#/components/links/run'}", "self: {$ref: '#/components/links/first'}"),
    )
    assert operations["cancel_run"].responses["200"].links[0].hint == "Look at the run."


def test_a_path_whose_pattern_tells_it_from_another_is_read() -> None:
    operations = depot(
        ("  /runs:\n", "  /runs/all:\n"),
        (
            "description: The run., schema: {type: string}",
            "description: The run., schema: {type: string, pattern: '^r'}",
        ),
    )
    assert operations["list_runs"].path == "/runs/all"


def test_true_does_not_cover_1() -> None:
    """In Python they are equal, in JSON they aren't."""
    operations = depot(
        ("{when: {/state: [cancelled]}, outcome", "{when: {/state: [true]}, outcome"),
        ("{when: {/state: [running, queued]}, outcome", "{when: {/state: [1]}, outcome"),
    )
    outcomes = operations["cancel_run"].responses["200"].outcomes
    assert [first(outcomes, {"state": value})[0] for value in (True, 1)] == list(outcomes[:2])


def test_a_rule_that_only_some_bodies_reach_is_read() -> None:
    operations = depot(
        ("- {outcome: already_finished}", "- {when: {/state: [queued, paused], /kind: [a]}, outcome: already_finished}")
    )
    assert len(operations["cancel_run"].responses["200"].outcomes) == 3


def test_rules_of_very_many_kinds_of_bodies_are_read_at_once() -> None:
    conditions = ", ".join(f"/{name}: {json.dumps(list(range(10)))}" for name in "abcdefgh")
    operations = depot(("- {outcome: already_finished}", f"- {{when: {{{conditions}}}, outcome: already_finished}}"))
    assert len(operations["cancel_run"].responses["200"].outcomes) == 3
    (fault,) = told(
        changed(
            ("{when: {/state: [running, queued]}, outcome: stopping}", "{outcome: stopping}"),
            ("- {outcome: already_finished}", f"- {{when: {{{conditions}}}, outcome: already_finished}}"),
        )
    )
    assert "this rule can never be reached" in fault


VALUES = st.lists(st.sampled_from("xyz"), min_size=1, max_size=2)
RULES = st.lists(
    st.dictionaries(
        st.sampled_from(["/a", "/b"]), VALUES | st.builds(lambda values: {"not": values}, VALUES), max_size=2
    ),
    min_size=2,
    max_size=4,
)


@given(RULES)
def test_exactly_the_rules_that_no_body_reaches_are_refused(conditions: list[dict[str, Any]]) -> None:
    """Held against trying every body; w stands for all values that no rule names."""
    bodies = [{"a": a, "b": b} for a in "xyzw" for b in "xyzw"]
    reached = {
        next(
            (
                n
                for n, when in enumerate(conditions)
                if all(
                    body[at[1:]] not in values["not"] if isinstance(values, dict) else body[at[1:]] in values
                    for at, values in when.items()
                )
            ),
            -1,
        )
        for body in bodies
    }
    rules = json.dumps([{"when": when, "outcome": "stopping"} for when in conditions])
    text = DEPOT.replace("x-outcomes: [{outcome: stopping}]", f"x-outcomes: {rules}")
    faults: list[Fault] = []
    read_document("depot.yaml", text, faults)
    assert all("this rule can never be reached" in fault.what for fault in faults)
    refused = {int(fault.pointer.rpartition("/")[2]) for fault in faults}
    assert refused == set(range(len(conditions))) - reached


@pytest.mark.parametrize(
    ("earlier", "later", "covered"),
    [
        ([{"/a": {"match": "^x"}}], {"/a": ["xy"]}, True),
        ([{"/a": {"match": "^x"}}], {"/a": ["yx"]}, False),
        ([{"/a": {"match": "^x"}}], {"/a": {"match": "^x"}}, True),
        ([{"/a": {"match": "^x"}}], {"/a": {"match": "x"}}, False),
        ([{"/a": {"match": "^x"}}], {}, False),
        ([{"/a": {"not": ["x"]}}], {"/a": {"match": "x"}}, False),
        ([{"/a": ["{line}"]}], {"/a": ["{line}"]}, True),
        ([{"/a": ["{line}"]}], {"/a": ["x"]}, False),
        ([{"/a": {"not": ["{line}"]}}], {"/a": ["x"]}, False),
        ([{"/a": {"not": ["x"]}}], {"/a": ["{line}"]}, False),
        ([{"/a": ["{line}"]}], {"/a": {"match": "x"}}, False),
        ([{"$before": ["active"]}], {"$before": ["active"], "/a": ["x"]}, True),
        ([{"$before": ["active"]}], {"$before#": ["active"]}, False),
        ([{"$response.header.X": ["a"]}], {"$response.header.x": ["a"]}, True),
    ],
)
def test_a_rule_is_refused_only_where_nothing_can_reach_it(
    earlier: list[dict[str, Any]], later: dict[str, Any], *, covered: bool
) -> None:
    rules = json.dumps([{"when": when, "outcome": "stopping"} for when in [*earlier, later]])
    text = DEPOT.replace("x-outcomes: [{outcome: stopping}]", f"x-outcomes: {rules}")
    if covered:
        assert "this rule can never be reached" in told(text)[0]
    else:
        assert loading.read("depot.yaml", text)


def test_everything_that_a_condition_may_ask_is_read() -> None:
    operations = depot(
        (
            "{when: {/state: [cancelled]}, outcome",
            "{when: {'': [true], '/{run_id}/a': {not: ['{run_id}', null]}, $response.header.X-Run: {match: ^r},\n"
            + " " * 20
            + "$before: [ended, null], $before#/a/b: [1]}, outcome",
        )
    )
    assert operations["cancel_run"].responses["200"].outcomes[0].when == (
        Clause("", (True,)),
        Clause("/{run_id}/a", ("{run_id}", None), comparison=Comparison.NOT),
        Clause("x-run", ("^r",), Source.HEADER, Comparison.MATCH),
        Clause("", ("ended", None), Source.PHASE),
        Clause("/a/b", (1,), Source.BEFORE),
    )


# Shipped manifests


@pytest.mark.parametrize("path", loading.shipped(), ids=lambda path: path.name)
def test_a_shipped_manifest_is_valid_openapi_and_read_without_surprises(path: Path) -> None:
    document = parse(path.name, path.read_text(encoding="utf-8")).value
    OpenAPIV31SpecValidator(document).validate()  # type: ignore[arg-type]  # any JSON may be asked about
    assert yaml.safe_load(json.dumps(document)) == document
    assert "https://" in path.read_text(encoding="utf-8").partition("openapi:")[0], "it cites its sources"


@pytest.mark.parametrize("path", loading.shipped(), ids=lambda path: path.name)
def test_a_shipped_manifest_loads_by_itself(path: Path) -> None:
    operations = loading.load([path])
    assert {operation.platform.name for operation in operations.values()} == {path.stem}


def test_the_shipped_manifests_load_together() -> None:
    operations = loading.load(loading.shipped())
    assert operations.keys() > shipped().keys()


def test_three_platforms_are_served_unless_others_are_named() -> None:
    assert {name: operation.method + " " + operation.path for name, operation in shipped().items()} == {
        "cancel_task": "POST /v1/sessions/{session_id}/tasks/{task_id}/cancel",
        "get_task": "GET /v1/sessions/{session_id}/tasks/{task_id}",
        "cancel_turn": "POST /v1/sessions/{session_id}/cancel",
        "get_session": "GET /v1/sessions/{session_id}",
        "list_sessions": "GET /v1/sessions",
        "list_org_tasks": "GET /v1/tasks",
        "cancel_workspace_task": "POST /v1/workspaces/{workspace_id}/task/cancel",
        "get_workspace_task": "GET /v1/workspaces/{workspace_id}/tasks/{task_id}",
        "list_workspace_tasks": "GET /v1/workspaces/{workspace_id}/tasks",
        "list_workspaces": "GET /v1/workspaces",
        "stop_task": "POST /v1/tasks/{task_id}/stop",
        "get_execution": "GET /v1/tasks/{task_id}",
        "list_executions": "GET /v1/tasks",
    }


def test_the_installed_packages_manifests_go_before_the_checkouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "pullcord"
    checkout = tmp_path / "manifests" / "platforms"
    checkout.mkdir(parents=True)
    (checkout / "a.yaml").touch()
    monkeypatch.setattr(resources, "files", lambda _: package)
    assert loading.shipped() == [checkout / "a.yaml"]
    installed = package / "manifests"
    installed.mkdir(parents=True)
    (installed / "c.yaml").touch()
    (installed / "b.yaml").touch()
    assert loading.shipped() == [installed / "b.yaml", installed / "c.yaml"]


# Odd input

ODD: list[object] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    " ",
    "x",
    "$item#/x",
    "$",
    "/~",
    "\n",
    "{run_id}",
    "/a/{b",
    "(",
    10**30,
]
ODD += [[], {}, [[]], [{}], {"$ref": "#/"}, {"$ref": "#/paths"}, {"$ref": 1}, {"": {}}, ["x", "x"], {"a": {"b": [1]}}]


def places(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place] * bool(place) + [found for key, each in inner for found in places(each, (*place, key))]


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """A manifest with some of its values replaced, renamed, moved or gone."""
    document = json.loads(json.dumps(parse("depot.yaml", draw(st.sampled_from([DEPOT, YARD]))).value))
    for _ in range(draw(st.integers(1, 3))):
        *way, key = draw(st.sampled_from(places(document)))
        parent = document
        for step in way:
            parent = parent[step]
        *other, name = draw(st.sampled_from(places(document)))
        value = document
        for step in (*other, name):
            value = value[step]
        value = json.loads(json.dumps(draw(st.sampled_from([*ODD, value]))))  # a copy: it may be changed further on
        match draw(st.sampled_from(["replace", "remove", "rename", "add"])), parent:
            case "remove", _:
                del parent[key]
            case "rename", dict():
                parent[str(name)] = parent.pop(key)
            case "add", dict():
                parent[str(name)] = value
            case _:
                parent[key] = value
    return json.dumps(document)


@st.composite
def scribbles(draw: st.DrawFn) -> str:
    """A manifest's text with characters put in, or cut out."""
    text = draw(st.sampled_from([DEPOT, YARD]))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.text("{}[]:,#&*!|>'\"%@`?- \n\t~0x\x00", max_size=3))
            + text[at + draw(st.integers(0, 3)) :]
        )
    return text


@given(mutants() | scribbles() | st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_or_told_its_faults(text: str) -> None:
    """And what is read can be offered, asked, and audited."""
    operations: list[Operation] = []
    faults: tuple[str, ...] = ()
    try:
        operations = loading.read("depot.yaml", text)
    except ManifestError as error:
        faults = error.faults
    assert bool(operations) is not bool(faults)
    for fault in faults:
        assert re.match(r"depot\.yaml(:\d+( /.*?)?)?: \S", fault), fault
        assert len(fault.splitlines()) == 1
        assert len(fault) <= 1000
    if operations:
        assert isinstance(audit("depot.yaml", text), list)
    catalogue = {operation.id: operation for operation in operations}
    scope = Surface.of(catalogue, read_settings(catalogue, {}))
    for operation in operations:
        assert tool(operation).name == operation.id
        assert isinstance(scope.checks[operation.id]({}), list)
