"""What is easily got wrong about each platform, end to end: MCP above, the platform's own dialect below.

Each trap is met in both protocol eras.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support import Stage, about, action, answering, stage

pytestmark = pytest.mark.anyio

SESSION = f"session_{'0' * 32}"
TASK = {"session_id": SESSION, "task_id": "task_1"}
WORKSPACE = {"workspace_id": "ws_1"}
EXECUTION = {"task_id": "fbd08e4d-cfa7-4838-b6e6-000000000001"}

CANCELS: list[tuple[str, dict[str, Any]]] = [
    ("cancel_task", TASK),
    ("cancel_turn", {"session_id": SESSION}),
    ("cancel_workspace_task", WORKSPACE),
    ("stop_task", EXECUTION),
]


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestEverruns:
    async def test_a_session_without_a_turn_has_nothing_to_stop(self, staged: Stage) -> None:
        turn = {"session_id": staged.sandbox.everruns.ids.idle_session, "wait_seconds": 0}
        answer = await staged.call("cancel_turn", turn)

        assert (answer["outcome"], answer["work_stopped"]) == ("nothing_running", "unknown")
        assert answer["resource"] == {"status": "no_op"}
        assert (await staged.follow(answer, "self"))["state"] == "idle"

    @pytest.mark.parametrize("which", ["waiting_session", "paused_session"])
    async def test_a_session_that_waits_is_not_called_idle(self, staged: Stage, which: str) -> None:
        turn = {"session_id": getattr(staged.sandbox.everruns.ids, which), "wait_seconds": 0}
        answer = await staged.call("cancel_turn", turn)

        assert (answer["outcome"], answer["work_stopped"]) == ("nothing_running", "unknown")
        assert "not idle and may go on" in answer["message"]
        looked = await staged.follow(answer, "self")
        assert looked["work_stopped"] == "unknown"
        assert looked["message"] == (
            "The work is paused, or waits for something, and may go on."
            " pullcord watched it for 20 s; state is what was reported last."
        )

    async def test_a_session_that_waits_is_told_apart_by_waiting(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_turn", {"session_id": ids.waiting_session, "wait_seconds": 30})

        assert (answer["outcome"], answer["work_stopped"]) == ("nothing_running", "unknown")
        assert answer["state"] == "waitingfortoolresults"
        assert "not idle" in answer["message"]
        assert staged.arrived[1:] == [f"GET /v1/sessions/{ids.waiting_session}"], "one look tells; there is no wait"

    async def test_an_idle_session_is_known_to_be_idle_after_waiting(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_turn", {"session_id": ids.idle_session, "wait_seconds": 30})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("nothing_running", "unknown", "idle")
        assert "A look since then shows that nothing runs there now." in answer["message"]

    # The failed one failed at a time limit; whether its executor ended then is not told.
    @pytest.mark.parametrize(("which", "work_stopped"), [("succeeded_task", "yes"), ("failed_task", "unknown")])
    async def test_the_flag_on_a_task_that_has_long_ended_is_no_cancel(
        self, staged: Stage, which: str, work_stopped: str
    ) -> None:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_task", {"session_id": ids.active_session, "task_id": getattr(ids, which)})

        assert (answer["outcome"], answer["work_stopped"]) == ("already_finished", work_stopped)
        assert answer["state"] == which.removesuffix("_task")
        assert answer["resource"]["cancel_requested_at"] == "2026-10-01T12:00:00Z"

    @pytest.mark.parametrize(
        ("kind", "work_stopped", "may_go_on"),
        [
            (None, "yes", []),
            ("no_result", "yes", []),
            ("timeout", "unknown", ["processes"]),
            ("timed_out", "unknown", ["processes"]),
            ("orphaned", "unknown", ["processes"]),
        ],
    )
    async def test_a_task_has_failed_at_its_own_end_or_by_a_clock(
        self, mode: str, kind: str | None, work_stopped: str, may_go_on: list[str]
    ) -> None:
        task = {"kind": "background_tool", "state": "failed", "error": {"kind": kind, "message": "no"}}
        async with stage(mode, transport=answering(200, about("cancel_task", TASK, task))) as staged:
            answer = await staged.call("cancel_task", TASK)
        async with stage(mode, transport=answering(200, about("get_task", TASK, {"task": task}))) as staged:
            looked = await staged.call("get_task", TASK)

        assert (answer["outcome"], answer["work_stopped"], answer["may_go_on"]) == (
            "already_finished",
            work_stopped,
            may_go_on,
        )
        assert (looked["work_stopped"], looked["may_go_on"]) == (work_stopped, may_go_on)

    async def test_a_subagent_only_gets_the_flag_and_its_child_session_can_be_stopped(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": ids.subagent_task}
        answer = await staged.call("cancel_task", {**task, "wait_seconds": 5})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopping", "no", "running")
        assert answer["may_go_on"] == ["children"]
        assert len(staged.arrived) == 1, "it isn't watched in vain"
        assert "runs in a child session, which this request does not reach" in answer["message"]
        assert action(answer, "cancel")["arguments"] == {"session_id": ids.child_session, "wait_seconds": 20}
        assert (await staged.follow(answer, "cancel"))["outcome"] == "stopped"
        staged.clock.pass_seconds(3)
        assert (await staged.call("get_task", task))["state"] == "canceled"

    async def test_the_child_session_is_also_offered_by_a_look_at_the_task(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        looked = await staged.call("get_task", {"session_id": ids.active_session, "task_id": ids.subagent_task})

        cancels = [(each["tool"], each["arguments"]) for each in looked["allowed_actions"] if each["rel"] == "cancel"]
        assert cancels == [
            ("cancel_task", {"session_id": ids.active_session, "task_id": ids.subagent_task, "wait_seconds": 20}),
            ("cancel_turn", {"session_id": ids.child_session, "wait_seconds": 20}),
        ]

    async def test_no_child_session_is_offered_for_a_task_that_has_none(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": ids.background_task}

        for name in ("cancel_task", "get_task"):
            offered = (await staged.call(name, task))["allowed_actions"]
            assert "cancel_turn" not in [each.get("operation_id") for each in offered]

    async def test_a_monitor_comes_back_canceled_at_once(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_task", {"session_id": ids.active_session, "task_id": ids.monitor_task})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopped", "yes", "canceled")

    @pytest.mark.parametrize("which", ["background_task", "awaiting_task", "queued_task"])
    async def test_accepted_is_not_stopped(self, staged: Stage, which: str) -> None:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": getattr(ids, which), "wait_seconds": 0}
        answer = await staged.call("cancel_task", task)

        runs = "unknown" if which == "awaiting_task" else "no"
        assert (answer["outcome"], answer["work_stopped"]) == ("stopping", runs)
        assert answer["resource"]["cancel_requested_at"]

    async def test_after_a_turn_its_background_tasks_go_on_and_are_listed(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_turn", {"session_id": ids.active_session})

        assert (answer["outcome"], answer["work_stopped"]) == ("stopped", "unknown"), "that it failed is only logged"
        assert answer["may_go_on"] == ["children", "background_tasks", "current_step"]
        assert "Any background tasks and child sessions of this session go on" in answer["message"]
        assert action(answer, "collection")["arguments"] == {"root_session_id": ids.active_session}
        listed = await staged.follow(answer, "collection")
        assert ids.child_task in [item["id"] for item in listed["resource"]["items"]], "of its child sessions, too"


class TestEverShell:
    async def test_an_accepted_cancel_has_no_body_and_says_nothing_yet(self, staged: Stage) -> None:
        ids = staged.sandbox.evershell.ids
        busy = {"workspace_id": ids.busy_workspace, "wait_seconds": 0}
        answer = await staged.call("cancel_workspace_task", busy)

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopping", "unknown", None)
        assert (answer["resource"], answer["evidence"]["http_status"]) == (None, 202)
        assert answer["target"] == {"workspace_id": ids.busy_workspace, "task_id": ids.busy_task}

    @pytest.mark.parametrize(("status", "body"), [(202, None), (200, {}), (200, {"status": "ok"})])
    async def test_either_success_is_an_accepted_cancel(self, mode: str, status: int, body: object) -> None:
        async with stage(mode, transport=answering(status, body)) as staged:
            answer = await staged.call("cancel_workspace_task", WORKSPACE)

        assert (answer["outcome"], answer["evidence"]["http_status"]) == ("stopping", status)
        assert answer["may_go_on"] == ["current_step"]

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (202, {"error": {"code": "internal", "message": "no"}}),
            (200, {"success": False}),
            (200, 0),
            (200, False),
            (200, None),
            (202, {}),
            (204, None),
            (207, {}),
        ],
    )
    async def test_a_success_that_speaks_of_failure_is_not_accepted(self, mode: str, status: int, body: object) -> None:
        async with stage(mode, transport=answering(status, body)) as staged:
            answer = await staged.call("cancel_workspace_task", WORKSPACE)

        assert (answer["outcome"], answer["work_stopped"]) == ("unknown", "unknown")

    @pytest.mark.parametrize("which", ["stopped", "failed"])
    async def test_a_workspace_that_is_down_runs_nothing(self, staged: Stage, which: str) -> None:
        workspace = getattr(staged.sandbox.evershell.ids, f"{which}_workspace")
        answer = await staged.call("cancel_workspace_task", {"workspace_id": workspace})

        assert (answer["outcome"], answer["work_stopped"]) == ("nothing_running", "unknown")
        assert answer["problem"]["code"] == f"workspace_{which}"
        assert f"The workspace {'is stopped' if which == 'stopped' else 'has failed'}." in answer["message"]

    async def test_a_workspace_that_is_being_set_up_will_run_its_task(self, staged: Stage) -> None:
        workspace = staged.sandbox.evershell.ids.provisioning_workspace
        answer = await staged.call("cancel_workspace_task", {"workspace_id": workspace, "wait_seconds": 30})

        assert (answer["outcome"], answer["work_stopped"]) == ("refused", "unknown")
        assert "a task that was submitted to it starts when it stands" in answer["message"]
        assert staged.slept == [], "a refused cancel is not watched"

    async def test_an_agent_that_cannot_be_reached_may_go_on(self, staged: Stage) -> None:
        workspace = {"workspace_id": staged.sandbox.evershell.ids.unreachable_workspace}
        answer = await staged.call("cancel_workspace_task", workspace)

        assert (answer["outcome"], answer["work_stopped"]) == ("unavailable", "unknown")
        assert answer["problem"]["code"] == "agent_unreachable"
        assert answer["problem"]["status"] == 502
        assert "could not reach the workspace's agent, which may go on." in answer["message"]
        assert action(answer, "retry-later")["arguments"] == workspace

    async def test_another_fault_of_the_service_is_unknown(self, mode: str) -> None:
        async with stage(mode, transport=answering(502, {"error": {"code": "internal", "message": "no"}})) as staged:
            answer = await staged.call("cancel_workspace_task", WORKSPACE)

        assert (answer["outcome"], answer["work_stopped"]) == ("unknown", "unknown")

    # That a task has failed is said by its agent, or by the service that lost it.
    @pytest.mark.parametrize(("status", "work_stopped"), [("completed", "yes"), ("failed", "unknown")])
    async def test_the_end_of_a_task_is_proved_where_its_agent_said_so(
        self, mode: str, status: str, work_stopped: str
    ) -> None:
        task = {**WORKSPACE, "task_id": "task_1"}
        body = about("get_workspace_task", task, {"status": status})
        async with stage(mode, transport=answering(200, body)) as staged:
            looked = await staged.call("get_workspace_task", task)

        assert (looked["state"], looked["work_stopped"]) == (status, work_stopped)

    async def test_a_workspace_that_this_key_may_not_see_is_not_there(self, staged: Stage) -> None:
        answer = await staged.call(
            "cancel_workspace_task", {"workspace_id": staged.sandbox.evershell.ids.hidden_workspace}
        )

        assert (answer["outcome"], answer["problem"]["status"]) == ("not_found", 403)
        assert (await staged.follow(answer, "collection"))["outcome"] == "observed"

    async def test_a_key_without_the_scope_is_denied(self, mode: str) -> None:
        async with stage(mode, environ={"EVERSHELL_API_KEY": "sk_sandbox_read_only"}) as staged:
            ids = staged.sandbox.evershell.ids
            answer = await staged.call("cancel_workspace_task", {"workspace_id": ids.busy_workspace})

        assert (answer["outcome"], answer["problem"]["code"]) == ("denied", "permission_denied")
        assert "EVERSHELL_API_KEY" in action(answer, "authorize")["hint"]

    async def test_a_cancel_without_a_running_task_says_so(self, staged: Stage) -> None:
        workspace = staged.sandbox.evershell.ids.idle_workspace
        answer = await staged.call("cancel_workspace_task", {"workspace_id": workspace})

        assert (answer["outcome"], answer["work_stopped"], answer["may_go_on"]) == ("nothing_running", "unknown", [])
        assert answer["target"] == {"workspace_id": workspace, "task_id": None}
        assert answer["message"] == (
            "EverShell had nothing to stop. Looks just before and after the request showed no running task."
        )
        assert [arrival.split()[0] for arrival in staged.arrived] == ["GET", "POST", "GET"]
        assert action(answer, "collection")["tool"] == "list_workspace_tasks"


class TestXpander:
    # The worker itself says completed; who says the others is told nowhere.
    @pytest.mark.parametrize(
        ("which", "work_stopped"), [("completed", "yes"), ("failed", "unknown"), ("error", "unknown")]
    )
    async def test_success_for_a_task_that_had_ended_is_no_stop(
        self, staged: Stage, which: str, work_stopped: str
    ) -> None:
        task = {"task_id": getattr(staged.sandbox.xpander.ids, f"{which}_task")}
        answer = await staged.call("stop_task", task)

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("already_finished", work_stopped, which)
        assert (await staged.call("get_execution", task))["work_stopped"] == work_stopped

    @pytest.mark.parametrize("status", ["pending", "executing", "paused", "stopped", "completed", "failed", "error"])
    async def test_sub_executions_may_go_on_whatever_became_of_their_parent(self, mode: str, status: str) -> None:
        has_ended = status not in {"pending", "executing", "paused"}
        alone = {"status": status, "sub_executions": []}
        parent = {"status": status, "sub_executions": ["fbd08e4d-cfa7-4838-b6e6-000000000002"]}
        for body, is_named in ((alone, False), (parent, True)):
            reply = about("stop_task", EXECUTION, body)
            async with stage(mode, transport=answering(200, reply)) as staged:
                answer = await staged.call("stop_task", {**EXECUTION, "wait_seconds": 0})
                looked = await staged.call("get_execution", EXECUTION)
            assert ("children" in answer["may_go_on"]) is is_named
            assert ("children" in looked["may_go_on"]) is (is_named and has_ended)

    async def test_stopped_but_not_on_request_is_no_stop(self, staged: Stage) -> None:
        task = staged.sandbox.xpander.ids.system_stopped_task
        answer = await staged.call("stop_task", {"task_id": task})

        assert (answer["outcome"], answer["state"]) == ("already_finished", "stopped")
        assert "not on request" in answer["message"]
        assert answer["evidence"]["http_status"] == 200

    async def test_stopped_on_request_is_a_stop(self, staged: Stage) -> None:
        answer = await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.executing_task})

        assert (answer["outcome"], answer["work_stopped"]) == ("stopped", "unknown"), "its worker is not heard of"
        assert answer["may_go_on"] == ["current_step"]
        assert (answer["state"], answer["resource"]["is_manually_stopped"]) == ("stopped", True)
        assert answer["evidence"]["fields"] == {"/sub_executions/0": None}, "what stands elsewhere is not said again"

    @pytest.mark.parametrize("which", ["slow_task", "finishing_task"])
    async def test_a_worker_that_has_not_seen_the_signal_still_runs(self, staged: Stage, which: str) -> None:
        task = {"task_id": getattr(staged.sandbox.xpander.ids, which), "wait_seconds": 0}
        answer = await staged.call("stop_task", task)

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopping", "no", "executing")

    async def test_a_list_of_faults_becomes_one_line(self, mode: str) -> None:
        faults = [
            {"loc": ["path", "task_id"], "msg": "Input should be a valid UUID", "type": "uuid_parsing", "input": "x"},
            {"loc": ["query", 0, None], "msg": "no", "type": "t"},
            {"loc": None, "msg": "alone"},
            {"loc": ["path"], "msg": None},
            "not a fault",
        ]
        async with stage(mode, transport=answering(422, {"detail": faults})) as staged:
            answer = await staged.call("stop_task", EXECUTION)

        assert (answer["outcome"], answer["work_stopped"]) == ("invalid_arguments", "unknown")
        assert answer["problem"]["detail"] == "path.task_id: Input should be a valid UUID; query.0: no; alone"

    async def test_sub_executions_that_may_go_on_are_named_and_can_be_stopped(self, staged: Stage) -> None:
        ids = staged.sandbox.xpander.ids
        answer = await staged.call("stop_task", {"task_id": ids.parent_task})

        assert answer["outcome"] == "stopped"
        assert "It has sub-executions, which may go on; each has an item action." in answer["message"]
        items = [each for each in answer["allowed_actions"] if each["rel"] == "item"]
        assert [each["arguments"] for each in items] == [
            {"task_id": ids.first_sub_task},
            {"task_id": ids.second_sub_task},
        ]
        looked = await staged.call(items[0]["tool"], items[0]["arguments"])
        assert looked["work_stopped"] == "no", "nothing is stopped that was not asked for"
        assert (await staged.follow(looked, "cancel"))["outcome"] == "stopped"

    async def test_nothing_is_said_of_sub_executions_where_there_are_none(self, staged: Stage) -> None:
        answer = await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.executing_task})

        assert "sub-executions" not in answer["message"]
        assert "item" not in [each["rel"] for each in answer["allowed_actions"]]

    async def test_a_task_of_another_organisation_is_denied(self, staged: Stage) -> None:
        answer = await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.foreign_task})

        assert (answer["outcome"], answer["problem"]["status"]) == ("denied", 403)


class TestEveryPlatform:
    @pytest.mark.parametrize(
        ("name", "arguments", "body"),
        [
            ("cancel_task", TASK, {"state": "canceled"}),
            ("cancel_task", TASK, {"state": "cancelled"}),
            ("cancel_turn", {"session_id": SESSION}, {"status": "canceled"}),
            ("cancel_turn", {"session_id": SESSION}, {"status": "cancelled"}),
        ],
    )
    async def test_cancelled_is_read_in_both_spellings(
        self, mode: str, name: str, arguments: dict[str, Any], body: dict[str, Any]
    ) -> None:
        async with stage(mode, transport=answering(200, about(name, arguments, body))) as staged:
            answer = await staged.call(name, arguments)

        assert answer["outcome"] == "stopped"

    @pytest.mark.parametrize("state", ["canceled", "cancelled"])
    @pytest.mark.parametrize(
        ("name", "arguments"),
        [("get_task", TASK), ("get_workspace_task", {**WORKSPACE, "task_id": "task_1"})],
    )
    async def test_a_look_reads_both_spellings(
        self, mode: str, name: str, arguments: dict[str, Any], state: str
    ) -> None:
        body = about(name, arguments, {"status": state, "task": {"state": state}})
        async with stage(mode, transport=answering(200, body)) as staged:
            answer = await staged.call(name, arguments)

        assert answer["state"] == state
        assert answer["message"] == "The work has ended because it was cancelled."

    @pytest.mark.parametrize(
        ("name", "arguments", "body"),
        [
            ("cancel_task", TASK, {"state": "evaporated"}),
            ("cancel_turn", {"session_id": SESSION}, {"status": "evaporated"}),
            ("stop_task", EXECUTION, {"status": "evaporated"}),
        ],
    )
    async def test_a_new_word_for_a_state_is_not_guessed(
        self, mode: str, name: str, arguments: dict[str, Any], body: dict[str, Any]
    ) -> None:
        async with stage(mode, transport=answering(200, about(name, arguments, body))) as staged:
            answer = await staged.call(name, arguments)

        assert (answer["outcome"], answer["work_stopped"]) == ("unknown", "unknown")
        assert "answered in a way that pullcord doesn't know" in answer["message"]
        assert "self" in [each["rel"] for each in answer["allowed_actions"]], "look first"

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [("get_task", TASK), ("get_session", {"session_id": SESSION}), ("get_execution", EXECUTION)],
    )
    async def test_a_look_at_a_new_word_says_that_it_is_unknown(
        self, mode: str, name: str, arguments: dict[str, Any]
    ) -> None:
        body = about(name, arguments, {"status": "evaporated", "task": {"state": "evaporated"}})
        async with stage(mode, transport=answering(200, body)) as staged:
            answer = await staged.call(name, arguments)

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("observed", "unknown", "evaporated")
        assert "a state that pullcord doesn't know" in answer["message"]

    @pytest.mark.parametrize("body", [[], [{"status": "stopped", "state": "canceled"}], "stopped", 7, True, None])
    @pytest.mark.parametrize(("name", "arguments"), [CANCELS[0], CANCELS[1], CANCELS[3]])
    async def test_an_answer_that_is_no_object_is_unknown(
        self, mode: str, name: str, arguments: dict[str, Any], body: object
    ) -> None:
        async with stage(mode, transport=answering(200, body)) as staged:
            answer = await staged.call(name, arguments)

        assert (answer["outcome"], answer["work_stopped"], answer["resource"]) == ("unknown", "unknown", None)

    @pytest.mark.parametrize("body", [{}, "x", 7, None, {"data": {}, "items": None, "workspaces": "x"}])
    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("list_org_tasks", {}),
            ("list_sessions", {}),
            ("list_workspaces", {}),
            ("list_workspace_tasks", WORKSPACE),
            ("list_executions", {}),
        ],
    )
    async def test_a_list_that_is_none_is_unknown(
        self, mode: str, name: str, arguments: dict[str, Any], body: object
    ) -> None:
        async with stage(mode, transport=answering(200, body)) as staged:
            answer = await staged.call(name, arguments)

        assert (answer["outcome"], answer["resource"]) == ("unknown", None)
        assert "Nothing was learnt about the work, and nothing was changed." in answer["message"]

    @pytest.mark.parametrize(("name", "arguments"), CANCELS)
    async def test_a_page_of_html_is_no_answer(self, mode: str, name: str, arguments: dict[str, Any]) -> None:
        async with stage(mode, transport=answering(200, b"<html>Please log in</html>")) as staged:
            answer = await staged.call(name, arguments)

        assert (answer["outcome"], answer["work_stopped"]) == ("unknown", "unknown")
        assert "it can't be read: it is not JSON" in answer["message"]
        assert "log in" not in str(answer)
