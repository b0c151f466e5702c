"""One tool call from its arguments to its answer: what stops it before anything is sent, and what it leaves behind."""

import json
import logging
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from tests.support import Stage, action, answering, respond, stage
from tests.transport import mock

from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit

pytestmark = pytest.mark.anyio

SESSION = f"session_{'0' * 32}"
TURN = {"session_id": SESSION}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("name", "arguments", "faults"),
    [
        ("cancel_task", {}, ["session_id is missing", "task_id is missing"]),
        ("cancel_turn", {"session_id": 7}, ["session_id must match"]),
        ("cancel_turn", {"session_id": None}, ["session_id is missing"]),
        ("cancel_turn", {"sesion_id": SESSION}, ["session_id is missing", "sesion_id", "did you mean session_id?"]),
        ("cancel_turn", {**TURN, "wait_seconds": 301}, ["wait_seconds must be at most 300"]),
        ("cancel_turn", {**TURN, "wait_seconds": -1}, ["wait_seconds must be at least 0"]),
        ("cancel_turn", {**TURN, "wait_seconds": "5 s"}, ["wait_seconds must be a whole number"]),
        ("cancel_turn", {**TURN, "wait_seconds": True}, ["wait_seconds must be a whole number"]),
        ("cancel_turn", {**TURN, "reason": "x" * 301}, ["reason must have at most 300 characters"]),
        ("cancel_turn", {**TURN, "expect_task_id": "task_1"}, ["expect_task_id is not an argument of cancel_turn"]),
        ("get_session", {**TURN, "wait_seconds": 301}, ["wait_seconds must be at most 300"]),
        ("list_sessions", {"wait_seconds": 5}, ["wait_seconds is not an argument of list_sessions"]),
        ("stop_task", {"task_id": ".."}, ["task_id must"]),
        ("cancel_workspace_task", {"workspace_id": "../ws_1"}, ["workspace_id must"]),
        ("cancel_workspace_task", {"workspace_id": ""}, ["workspace_id must"]),
        (
            "list_executions",
            {"status": "gone", "per_page": 51},
            ["status must be one of", "per_page must be at most 50"],
        ),
    ],
)
async def test_every_fault_of_the_arguments_is_told_at_once_and_nothing_is_sent(
    mode: str, name: str, arguments: dict[str, Any], faults: list[str]
) -> None:
    async with stage(mode) as staged:
        answer = await staged.call(name, arguments)
        assert staged.arrived == []

    assert (answer["outcome"], answer["work_stopped"], answer["evidence"]) == ("invalid_arguments", "unknown", None)
    assert answer["message"].startswith("Nothing was sent. Correct the arguments and call again: ")
    for fault in faults:
        assert fault in answer["message"]
        assert fault in answer["problem"]["detail"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_without_a_key_nothing_is_sent(mode: str) -> None:
    async with stage(mode, environ={"EVERRUNS_API_KEY": ""}) as staged:
        answer = await staged.call("cancel_turn", TURN)
        assert staged.arrived == []

    assert (answer["outcome"], answer["evidence"]) == ("denied", None)
    assert answer["message"].startswith("Nothing was sent: ")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_rate_limit_holds_cancels_and_lets_looks_pass(mode: str) -> None:
    async with stage(
        mode, desk=lambda gateway: Engine(gateway, rate_limit=RateLimit(Limit(1, "hour"), gateway.now))
    ) as staged:
        ids = staged.sandbox.everruns.ids
        first = await staged.call("cancel_turn", {"session_id": ids.active_session})
        second = await staged.call("cancel_turn", {"session_id": ids.child_session})
        look = await staged.call("get_session", {"session_id": ids.child_session})

    assert (first["outcome"], second["outcome"], look["outcome"]) == ("stopped", "rate_limited", "observed")
    assert look["state"] == "active", "it was not sent"
    again = action(second, "retry-later")
    assert again["arguments"] == {"session_id": ids.child_session}
    assert 3500 < again["retry_after_seconds"] <= 3600
    assert f"Call again after {again['retry_after_seconds']} s." in second["message"]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_every_cancel_leaves_two_lines_and_a_look_none(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with stage(mode, desk=lambda gateway: Engine(gateway, Journal(str(path)))) as staged:
        ids = staged.sandbox.evershell.ids
        cancel = {"workspace_id": ids.busy_workspace, "reason": "wrong branch"}
        answer = await staged.call("cancel_workspace_task", cancel)
        await staged.call("list_workspaces")

    intent, came = _lines(path)
    assert intent["target"] == {"workspace_id": ids.busy_workspace, "task_id": ids.busy_task}
    assert (intent["event"], intent["operation"], intent["reason"]) == (
        "intent",
        "cancel_workspace_task",
        "wrong branch",
    )
    assert (came["event"], came["outcome"], came["status"]) == ("outcome", "stopping", 202)
    assert intent["id"] == came["id"] == answer["evidence"]["request_id"]


async def test_what_is_refused_before_sending_leaves_no_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with stage(desk=lambda gateway: Engine(gateway, Journal(str(path)))) as staged:
        ids = staged.sandbox.evershell.ids
        changed = {"workspace_id": ids.queued_workspace, "expect_task_id": ids.next_task}
        assert (await staged.call("cancel_workspace_task", changed))["outcome"] == "target_changed"
        assert (await staged.call("cancel_turn", {"session_id": "x"}))["outcome"] == "invalid_arguments"

    assert not path.exists()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_without_its_line_no_cancel_is_sent(mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stage(mode, desk=lambda gateway: Engine(gateway, Journal(str(tmp_path)))) as staged:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_turn", {"session_id": ids.active_session})
        assert staged.arrived == []

    assert (answer["outcome"], answer["work_stopped"]) == ("unavailable", "unknown")
    assert "No cancel was sent" in answer["message"]
    assert str(tmp_path) not in json.dumps(answer)
    (record,) = [record for record in caplog.records if record.name.startswith("pullcord")]
    assert record.levelno >= logging.WARNING
    assert "the cancel was not sent" in record.getMessage()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_caller_that_goes_away_leaves_the_cancel_finished_and_recorded(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    on_the_wire, go_on, answered = anyio.Event(), anyio.Event(), anyio.Event()

    async def slow(_: httpx2.Request) -> httpx2.Response:
        on_the_wire.set()
        await go_on.wait()
        answered.set()
        return respond(200, {"status": "cancelled"})

    async def call(staged: Stage, scope: anyio.CancelScope) -> None:
        with scope:
            await staged.client.call_tool("cancel_turn", TURN)

    with anyio.fail_after(10):
        async with (
            stage(
                mode,
                transport=mock(slow),
                desk=lambda gateway: Engine(gateway, Journal(str(path))),
            ) as staged,
            anyio.create_task_group() as tasks,
        ):
            scope = anyio.CancelScope()
            tasks.start_soon(call, staged, scope)
            await on_the_wire.wait()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            go_on.set()
            await answered.wait()
            while len(_lines(path)) < 2:
                await anyio.lowlevel.checkpoint()

    assert [line.get("outcome") for line in _lines(path)] == [None, "stopped"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_has_an_id_that_the_platform_is_told(mode: str) -> None:
    async with stage(mode) as staged:
        answer = await staged.call("cancel_turn", {"session_id": staged.sandbox.everruns.ids.active_session})
        (arrival,) = staged.sandbox.requests

    assert answer["evidence"]["request_id"] == arrival.request_id
    assert len(arrival.request_id) == 12


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_reason_goes_where_the_platform_takes_one(mode: str) -> None:
    async with stage(mode) as staged:
        ids = staged.sandbox.everruns.ids
        await staged.call("cancel_turn", {"session_id": ids.active_session, "reason": "falscher Zweig: „main“"})
        await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.executing_task, "reason": "because"})
        first, second = staged.sandbox.requests

    assert first.reason == "falscher Zweig: %E2%80%9Emain%E2%80%9C"
    assert second.reason == ""


async def test_a_wait_of_zero_is_none() -> None:
    async with stage(transport=answering(200, {"id": "task_1", "session_id": SESSION, "state": "running"})) as staged:
        answer = await staged.call("cancel_task", {**TURN, "task_id": "task_1", "wait_seconds": 0})

    assert answer["outcome"] == "stopping"
    assert "watched" not in answer["message"]
    assert "did not wait" not in answer["message"]
