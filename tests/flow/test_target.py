"""A cancel that names no task: what runs is looked up first, named, and compared."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx2
import pytest
from tests.depot import depot
from tests.support import BASE_URL, Stage, action, respond, shipped, stage
from tests.transport import mock

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.flow.target import resolve
from pullcord.flow.wording import AIMS
from pullcord.model.listing import Pages, PageStyle
from pullcord.sandbox import Sandbox
from pullcord.upstream.connections import LostError, UnsentError
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

WORKSPACE = {"workspace_id": "ws_1"}
EXPECTING = {**WORKSPACE, "expect_task_id": "task_1"}
RUNNING = [{"id": "task_2", "status": "submitted"}, {"id": "task_1", "status": "running"}]


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


class Platform:
    """A platform whose list fails in some way, and whose cancel is accepted, or answered with another status."""

    def __init__(self, look: Callable[[], httpx2.Response], status: int = 202) -> None:
        self.look, self.status = look, status
        self.cancels = 0
        self.transport = mock(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return self.look()
        self.cancels += 1
        return respond(self.status)


def _refuse() -> httpx2.Response:
    raise UnsentError("the connection could not be made")


def _lose() -> httpx2.Response:
    raise LostError("no answer came in time")


LOOKS: list[tuple[Callable[[], httpx2.Response], str, str]] = [
    (_refuse, "unavailable", "The connection could not be made."),
    (_lose, "unavailable", "No answer came in time."),
    (lambda: respond(500), "unavailable", "EverShell answered with status 500."),
    (lambda: respond(503), "unavailable", "EverShell answered with status 503."),
    (lambda: respond(200, {}), "unavailable", "EverShell answered in a way that pullcord doesn't know."),
    (lambda: respond(200, b"<html>"), "unavailable", "it can't be read: it is not JSON."),
    (lambda: respond(200, [{"status": "running"}]), "unavailable", "in a way that pullcord doesn't know."),
    (lambda: respond(200, [{"id": "x" * 257, "status": "running"}]), "unavailable", "that pullcord doesn't know."),
    (lambda: respond(200, [{"id": {}, "status": "running"}]), "unavailable", "that pullcord doesn't know."),
    (lambda: respond(429, None, {"Retry-After": "60"}), "rate_limited", "EverShell is limiting requests"),
    (lambda: respond(401), "denied", "EverShell refused the key."),
    (lambda: respond(403), "denied", "EverShell refused the key."),
    (lambda: respond(404), "not_found", "EverShell knows no such work, or this key may not see it."),
    (
        lambda: respond(403, {"error": {"code": "workspace_not_visible"}}),
        "not_found",
        "EverShell knows no such work, or this key may not see it.",
    ),
]


async def test_the_task_that_runs_is_named(staged: Stage) -> None:
    ids = staged.sandbox.evershell.ids
    answer = await staged.call("cancel_workspace_task", {"workspace_id": ids.queued_workspace, "wait_seconds": 0})

    assert answer["target"] == {"workspace_id": ids.queued_workspace, "task_id": ids.first_task}
    assert action(answer, "self")["arguments"] == {**answer["target"], "wait_seconds": 20}
    assert staged.arrived == [
        f"GET /v1/workspaces/{ids.queued_workspace}/tasks",
        f"POST /v1/workspaces/{ids.queued_workspace}/task/cancel",
    ]


async def test_the_expected_task_is_cancelled(staged: Stage) -> None:
    ids = staged.sandbox.evershell.ids
    expecting = {"workspace_id": ids.queued_workspace, "expect_task_id": ids.first_task, "wait_seconds": 0}
    answer = await staged.call("cancel_workspace_task", expecting)

    assert (answer["outcome"], answer["target"]["task_id"]) == ("stopping", ids.first_task)


async def test_another_task_than_the_expected_one_is_left_alone(staged: Stage) -> None:
    ids = staged.sandbox.evershell.ids
    expecting = {"workspace_id": ids.queued_workspace, "expect_task_id": ids.next_task, "wait_seconds": 10}
    answer = await staged.call("cancel_workspace_task", expecting)

    assert (answer["outcome"], answer["work_stopped"]) == ("target_changed", "unknown")
    assert answer["target"] == {"workspace_id": ids.queued_workspace, "task_id": ids.first_task}
    assert answer["message"] == ("Nothing was cancelled: another task runs now than the expected one; target names it.")
    assert [arrival.split()[0] for arrival in staged.arrived] == ["GET"], "nothing but the look was sent"
    assert action(answer, "self")["arguments"]["task_id"] == ids.first_task
    assert not {"method", "href"} & action(answer, "self").keys(), "beside a cancel a look needs no address"
    assert action(answer, "cancel")["arguments"] == {**expecting, "expect_task_id": ids.first_task}
    assert action(answer, "cancel")["hint"] == "Cancel what runs now instead."
    assert (await staged.follow(answer, "cancel"))["outcome"] == "stopped"


async def test_where_nothing_runs_the_expected_task_is_not_there_to_cancel(staged: Stage) -> None:
    ids = staged.sandbox.evershell.ids
    answer = await staged.call(
        "cancel_workspace_task", {"workspace_id": ids.idle_workspace, "expect_task_id": ids.idle_task}
    )

    assert (answer["outcome"], answer["work_stopped"]) == ("target_changed", "unknown")
    assert answer["target"]["task_id"] is None
    assert "no task runs now. The expected one may have ended, or may not have begun yet." in answer["message"]
    assert [each["rel"] for each in answer["allowed_actions"]] == ["collection", "up"]
    assert (await staged.follow(answer, "collection"))["resource"]["items"][0]["status"] == "completed"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(("look", "outcome", "why"), LOOKS, ids=range(len(LOOKS)))
async def test_without_a_look_an_expecting_cancel_is_not_sent(
    mode: str, look: Callable[[], httpx2.Response], outcome: str, why: str
) -> None:
    platform = Platform(look)
    async with stage(mode, transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", EXPECTING)

    assert (answer["outcome"], answer["work_stopped"], platform.cancels) == (outcome, "unknown", 0)
    assert why in answer["message"]
    assert answer["message"].endswith("Nothing was cancelled: whether it would hit what was meant could not be told.")
    assert answer["target"] == WORKSPACE
    assert answer["problem"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(("look", "_outcome", "_why"), LOOKS, ids=range(len(LOOKS)))
async def test_without_a_look_a_cancel_of_whatever_runs_is_sent_all_the_same(
    mode: str, look: Callable[[], httpx2.Response], _outcome: str, _why: str
) -> None:
    platform = Platform(look)
    async with stage(mode, transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", {**WORKSPACE, "wait_seconds": 10})

    assert (answer["outcome"], answer["target"], platform.cancels) == ("stopping", WORKSPACE, 1)
    assert "Which task it met is unknown, since what runs could not be looked up." in answer["message"]
    assert "self" not in [each["rel"] for each in answer["allowed_actions"]]


async def test_a_look_that_was_limited_tells_how_long_to_wait() -> None:
    async with stage(transport=Platform(lambda: respond(429, None, {"Retry-After": "60"})).transport) as staged:
        answer = await staged.call("cancel_workspace_task", EXPECTING)

    again = action(answer, "retry-later")
    assert (again["arguments"], again["retry_after_seconds"]) == (EXPECTING, 60)


async def test_a_workspace_that_is_not_there_leads_to_those_that_are() -> None:
    async with stage() as staged:
        answer = await staged.call("cancel_workspace_task", EXPECTING)

        assert answer["outcome"] == "not_found"
        assert [each["tool"] for each in answer["allowed_actions"]] == ["list_workspaces"]


async def test_the_look_up_takes_what_runs_not_what_waits() -> None:
    platform = Platform(lambda: respond(200, RUNNING))
    async with stage(transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", EXPECTING)

    assert (answer["outcome"], answer["target"]["task_id"], platform.cancels) == ("stopping", "task_1", 1)


async def test_an_id_in_other_case_is_another_than_the_expected_one() -> None:
    platform = Platform(lambda: respond(200, RUNNING))
    async with stage(transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", {**WORKSPACE, "expect_task_id": "TASK_1"})

    assert (answer["outcome"], answer["target"]["task_id"], platform.cancels) == ("target_changed", "task_1", 0)


async def test_a_malformed_expectation_is_refused_before_anything_is_sent() -> None:
    async with stage() as staged:
        answer = await staged.call("cancel_workspace_task", {**WORKSPACE, "expect_task_id": {}})
        assert staged.arrived == []

    assert answer["outcome"] == "invalid_arguments"


class Changing:
    """A platform whose list shows each of several lists in turn, and whose cancel is accepted."""

    def __init__(self, *lists: list[dict[str, str]]) -> None:
        self.lists = [*lists]
        self.transport = mock(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        return respond(200, self.lists.pop(0)) if request.method == "GET" else respond(202)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancel_that_was_accepted_though_nothing_ran_is_looked_at_once_more(mode: str) -> None:
    idle, begun, unread = Changing([], []), Changing([], [RUNNING[1]]), Changing([])
    unread.lists += [[{"status": "running"}]]  # it has no id: nothing is learnt
    answers = []
    for platform in (idle, begun, unread):
        async with stage(mode, transport=platform.transport) as staged:
            answers.append(await staged.call("cancel_workspace_task", WORKSPACE))
        assert platform.lists == []

    assert [each["outcome"] for each in answers] == ["nothing_running", "stopping", "stopping"]
    assert "Looks just before and after the request showed no running task." in answers[0]["message"]
    assert answers[0]["may_go_on"] == []
    for answer in answers[1:]:
        assert answer["target"]["task_id"] is None, "what runs now was not looked up before"
        assert "No task was running when pullcord looked just before." in answer["message"]
    for answer in answers:
        assert action(answer, "collection")["tool"] == "list_workspace_tasks", "there is a next step"


# What moves between a look and a sending.


class Moving:
    """A platform whose look shows each of several tasks in turn, and that can't be reached by a first cancel."""

    def __init__(self, *running: str) -> None:
        self.running = iter(running)
        self.tries = 0
        self.cancelled: list[str] = []
        self.now = ""
        self.transport = mock(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            self.now = next(self.running)
            return respond(200, [{"id": self.now, "status": "running"}])
        self.tries += 1
        if self.tries == 1:
            raise UnsentError("the connection could not be made")
        self.cancelled.append(self.now)
        return respond(202)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_condition_is_looked_up_right_before_each_sending(mode: str) -> None:
    moved, stayed = Moving("task_1", "task_2"), Moving("task_1", "task_1")
    async with stage(mode, transport=moved.transport) as staged:
        left_alone = await staged.call("cancel_workspace_task", EXPECTING)
    async with stage(mode, transport=stayed.transport) as staged:
        met = await staged.call("cancel_workspace_task", {**EXPECTING, "wait_seconds": 0})

    assert (left_alone["outcome"], moved.tries, moved.cancelled) == ("unavailable", 1, [])
    assert (met["outcome"], stayed.tries, stayed.cancelled) == ("stopping", 2, ["task_1"])
    assert met["target"]["task_id"] == "task_1"


TWO = [{"id": "task_1", "status": "running"}, {"id": "task_2", "status": "running"}]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_where_two_run_which_one_a_cancel_meets_is_unknown_and_said(mode: str) -> None:
    platform = Platform(lambda: respond(200, TWO))
    async with stage(mode, transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", WORKSPACE)

    assert (answer["outcome"], answer["target"], platform.cancels) == ("stopping", WORKSPACE, 1)
    assert "Which task it met is unknown, since several were running" in answer["message"]


@pytest.mark.parametrize(("status", "outcome"), [(401, "denied"), (404, "not_found"), (500, "unknown")])
@pytest.mark.parametrize("look", [_refuse, lambda: respond(200, TWO), lambda: respond(200, [])], ids=range(3))
async def test_of_a_cancel_that_was_not_accepted_nothing_is_said_of_what_it_met(
    look: Callable[[], httpx2.Response], status: int, outcome: str
) -> None:
    platform = Platform(look, status)
    async with stage(transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", {**WORKSPACE, "wait_seconds": 0})

    assert (answer["outcome"], platform.cancels) == (outcome, 1)
    assert not [sentence for sentence in AIMS.values() if sentence in answer["message"]]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("expected", ["task_1", "task_2"])
async def test_where_two_run_one_that_is_expected_is_left_alone(mode: str, expected: str) -> None:
    platform = Platform(lambda: respond(200, TWO))
    async with stage(mode, transport=platform.transport) as staged:
        answer = await staged.call("cancel_workspace_task", {**WORKSPACE, "expect_task_id": expected})

    assert (answer["outcome"], platform.cancels) == ("refused", 0)
    assert answer["message"].startswith("Nothing was cancelled: several tasks run now")


async def test_the_look_up_is_made_with_the_manifests_arguments_and_its_condition_reads_those_of_the_call() -> None:
    catalogue = depot(
        ("parameters: {line: $request.path.line}\n          when: {/state: [running]}",
         "parameters: {kind: day}\n          when: {/line: ['{line}']}"),
        ("{description: A page of runs.}", "{description: A page of runs., content: {application/json: {}}}"),
    )  # fmt: skip
    cancel = catalogue["halt_line"].cancel
    assert cancel
    assert cancel.target
    queries: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        queries.append(request.url.query)
        return respond(200, {"runs": [{"id": "r1", "line": "a"}, {"id": "r2", "line": "b"}], "total": 2})

    surface = Surface.of(catalogue, settings.read(catalogue, {"DEPOT_URL": BASE_URL, "DEPOT_KEY": "k"}))
    async with Gateway(mock(answer)) as gateway:
        sighting = await resolve(Call(surface, catalogue["halt_line"], {"line": "b"}), gateway, cancel.target)

    assert queries == [b"kind=day&page=1&per=10"]
    assert sighting.found == {"run_id": "r2"}


@pytest.mark.parametrize(("expected", "outcome"), [("7", "stopping"), ("8", "target_changed")])
async def test_a_platform_may_write_an_id_as_a_number(expected: str, outcome: str) -> None:
    catalogue = depot(
        ("{description: A page of runs.}", "{description: A page of runs., content: {application/json: {}}}")
    )
    posts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            posts.append(request.url.path)
            return respond(200)
        return respond(200, {"runs": [{"id": 7, "state": "running"}], "total": 1})

    surface = Surface.of(catalogue, settings.read(catalogue, {"DEPOT_URL": BASE_URL, "DEPOT_KEY": "k"}))
    async with Gateway(mock(answer)) as gateway:
        call = Call(surface, catalogue["halt_line"], {"line": "b", "expect_run_id": expected, "wait_seconds": 0})
        met = await run(call, Engine(gateway), Caller("test", _silent))

    assert (met.outcome, met.target["run_id"], len(posts)) == (outcome, "7", outcome == "stopping")


@pytest.mark.parametrize(("state", "outcome"), [("running", "stopping"), ("done", "nothing_running")])
async def test_work_that_the_look_before_showed_running_was_met_though_the_list_did_not_have_it(
    state: str, outcome: str
) -> None:
    up = "up: {operationId: get_run, parameters: {run_id: $request.path.line}, description: Look.}"
    catalogue = depot(
        ("aim: current\n        confirm: self\n", "aim: current\n        confirm: self\n        before: {look: up}\n"),
        ("Look at the run that was met.", f"Look at the run that was met.\n            {up}"),
        ("{description: The run.}", "{description: The run., content: {application/json: {}}}"),
        ("{description: A page of runs.}", "{description: A page of runs., content: {application/json: {}}}"),
    )

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            return respond(202)
        return respond(200, {"runs": [], "total": 0} if request.url.path == "/runs" else {"state": state})

    surface = Surface.of(catalogue, settings.read(catalogue, {"DEPOT_URL": BASE_URL, "DEPOT_KEY": "k"}))
    async with Gateway(mock(answer)) as gateway:
        call = Call(surface, catalogue["halt_line"], {"line": "a", "wait_seconds": 1})
        came = await run(call, Engine(gateway), Caller("test", _silent))

    assert came.outcome == outcome


DONE = {"id": "task_0", "status": "completed"}
FULL, SHORT = [RUNNING[1], *[DONE] * 19], [RUNNING[1], *[DONE] * 18]
"""A part of a list of tasks behind which others may follow, and one that is the last."""


@pytest.mark.parametrize(
    ("items", "arguments", "protected", "outcome", "cancels"),
    [
        (FULL, EXPECTING, [], "unavailable", 0),
        (FULL, WORKSPACE, ["task_9"], "refused", 0),
        (FULL, WORKSPACE, [], "stopping", 1),
        (SHORT, EXPECTING, ["task_9"], "stopping", 1),
        ([*FULL[1:], RUNNING[1], RUNNING[1]], EXPECTING, [], "refused", 0),
    ],
)
async def test_behind_a_part_of_a_list_other_tasks_may_run(
    items: list[dict[str, str]], arguments: dict[str, str], protected: list[str], outcome: str, cancels: int
) -> None:
    tasks = shipped()["list_workspace_tasks"]
    assert tasks.listing
    pages = tasks.listing._replace(pages=Pages(PageStyle.LIMIT))
    catalogue = {**shipped(), "list_workspace_tasks": replace(tasks, listing=pages)}
    surface = Surface.of(catalogue, settings.read(catalogue, Sandbox().environment(BASE_URL)), protected=protected)
    platform = Platform(lambda: respond(200, items))
    async with Gateway(platform.transport) as gateway:
        call = Call(surface, catalogue["cancel_workspace_task"], {**arguments, "wait_seconds": 0})
        answer = await run(call, Engine(gateway), Caller("test", _silent))

    assert (answer.outcome, platform.cancels) == (outcome, cancels)
    assert ("task_id" in answer.target) is (items is SHORT)


async def _silent(_seconds: float, _of: float, _text: str) -> None:
    """Take no notice of progress."""


# Work that must not be stopped from here.


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("protected", "name", "arguments"),
    [
        (["ws_1"], "cancel_workspace_task", WORKSPACE),
        (["TASK_1"], "cancel_workspace_task", WORKSPACE),
        (["ws_1"], "cancel_workspace_task", {"workspace_id": "WS_1"}),
        (["task_1", "other"], "cancel_workspace_task", EXPECTING),
        (["task_9"], "cancel_task", {"session_id": f"session_{'0' * 32}", "task_id": "task_9"}),
    ],
)
async def test_what_is_protected_is_refused_whether_named_or_found(
    mode: str, protected: list[str], name: str, arguments: dict[str, str]
) -> None:
    platform = Platform(lambda: respond(200, RUNNING))
    async with stage(mode, transport=platform.transport, environ={"PULLCORD_PROTECT": ", ".join(protected)}) as staged:
        answer = await staged.call(name, {**arguments, "reason": "x"})

    assert (answer["outcome"], platform.cancels) == ("refused", 0)
    assert answer["message"] == (
        "No cancel was sent: this is work that must not be stopped from here (PULLCORD_PROTECT)."
    )


def test_protected_work_is_known_in_a_list_and_not_in_what_a_cancel_is_told_beside_it() -> None:
    environ = {"DEPOT_URL": BASE_URL, "DEPOT_KEY": "k"}
    catalogue = depot()
    surface = Surface.of(catalogue, settings.read(catalogue, environ), protected=["20", "true", "r9"])
    call = Call(surface, catalogue["cancel_run"], {"run_id": "r1", "wait_seconds": 20, "cascade": True})
    assert not call.is_protected
    assert call._replace(arguments={"run_ids": ["r1", "R9"]}).is_protected
    assert call._replace(arguments={"run_id": 20}).is_protected


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("look", [_refuse, lambda: respond(200, TWO), lambda: respond(500)], ids=range(3))
async def test_where_some_work_is_protected_a_cancel_of_the_unknown_is_refused(
    mode: str, look: Callable[[], httpx2.Response]
) -> None:
    platform = Platform(look)
    async with stage(mode, transport=platform.transport, environ={"PULLCORD_PROTECT": "task_9"}) as staged:
        answer = await staged.call("cancel_workspace_task", WORKSPACE)

    assert (answer["outcome"], platform.cancels) == ("refused", 0)
    assert "which work this would stop could not be told" in answer["message"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_other_work_than_the_protected_is_cancelled_as_ever(mode: str) -> None:
    platform = Platform(lambda: respond(200, RUNNING))
    async with stage(mode, transport=platform.transport, environ={"PULLCORD_PROTECT": "task_9"}) as staged:
        answer = await staged.call("cancel_workspace_task", {**WORKSPACE, "reason": "task_9"})

    assert (answer["outcome"], platform.cancels) == ("stopping", 1)
