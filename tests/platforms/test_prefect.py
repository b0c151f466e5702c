"""Prefect: answers as Prefect 3.9.1 gave them, with SQLite and a runner."""

import json
from typing import Any

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

ID = "511dfda6-885a-479e-96c4-a0c419c3eb7d"
OTHER = "5b23ff16-47f3-4c1a-9dd0-0a0d7b4d5a10"
CANCEL, LOOK, LIST = f"POST /flow_runs/{ID}/set_state", f"GET /flow_runs/{ID}", "POST /flow_runs/paginate"
LEFT = "children processes"
ALL = "children current_step processes"
RUNNER, ITSELF = "Flow run was cancelled successfully.", "Flow run was cancelled."
CLOCK = "Flow run cancellation timed out; marked this flow run as Cancelled."
MISSING = Reply(404, {"exception_message": f"Flow run with id {ID} not found"})
MISSING_TO_A_LOOK = Reply(404, {"detail": "Flow run not found"})
NO_ROUTE = Reply(404, {"detail": "Not Found"})


def result(http: int, status: str, state: str, reason: str | None = None, name: str = ID) -> Reply:
    details = {"type": f"{status.lower()}_details", **({"reason": reason} if reason else {})}
    written = {"type": state, "name": state.title(), "message": None, "state_details": {"flow_run_id": name}}
    return Reply(http, {"state": written, "status": status, "details": details})


def record(state: str, message: str | None = None, *, runs: int = 1) -> dict[str, Any]:
    told = {"type": state, "message": message, "timestamp": "2026-11-25T22:32:35.042983Z"}
    known = {"name": "persimmon-spider", "parameters": {"token": "secret"}, "infrastructure_pid": None}
    times = {"start_time": "2026-11-25T22:31:35.042983Z", "end_time": None}
    return {**known, **times, "id": ID, "state_type": state, "state": told, "run_count": runs}


def run(state: str, message: str | None = None, *, runs: int = 1) -> Reply:
    return Reply(200, record(state, message, runs=runs))


ACCEPTED = result(201, "ACCEPT", "CANCELLING")
RUNNING, CANCELLING = run("RUNNING"), run("CANCELLING")
UNBEGUN = run("CANCELLED", runs=0)


async def cancel(answer: Reply, looks: list[Reply], **arguments: object) -> Came:
    answers = {CANCEL: [answer], LOOK: looks}
    return await call("prefect", "cancel_prefect_flow_run", {"id": ID, **arguments}, answers)


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        # Its runner says so once the process is gone.
        ([CANCELLING, run("CANCELLED", RUNNER)], ("stopped", "yes", LEFT)),
        ([run("CANCELLED", ITSELF)], ("stopped", "yes", LEFT)),
        # Its runner is dead: nobody ends it, until the server's clock calls it cancelled.
        ([CANCELLING], ("stopping", "unknown", ALL)),
        ([CANCELLING, run("CANCELLED", CLOCK)], ("stopped", "unknown", ALL)),
        # Somebody wrote the word by hand.
        ([run("CANCELLED")], ("stopped", "unknown", ALL)),
        ([run("COMPLETED")], ("finished_first", "unknown", ALL)),
        ([run("CRASHED")], ("finished_first", "unknown", ALL)),
        ([UNBEGUN], ("stopped", "yes", LEFT)),
    ],
)
async def test_who_wrote_the_end_tells_what_it_proves(looks: list[Reply], said: tuple[str, str, str]) -> None:
    came = await cancel(ACCEPTED, looks)
    assert came.said == said
    assert came.asked[0] == CANCEL


async def test_a_clock_and_a_dead_runner_are_told_apart_from_a_runner_that_carried_it_out() -> None:
    dead = await cancel(ACCEPTED, [CANCELLING], wait_seconds=30)
    clock = await cancel(ACCEPTED, [CANCELLING, run("CANCELLED", CLOCK)])
    alive = await cancel(ACCEPTED, [CANCELLING, run("CANCELLED", RUNNER)])
    assert "if none lives, it runs on" in dead.answer["message"]
    assert "the server marked it by a clock" in clock.answer["message"]
    assert "it runs on" not in alive.answer["message"] + clock.answer["message"]
    at_once = await cancel(ACCEPTED, [CANCELLING], wait_seconds=0)
    assert "A runner sends SIGTERM, and SIGKILL after 30 s." in at_once.answer["message"]


@pytest.mark.parametrize(
    ("answer", "look", "said"),
    [
        # A refusal inside a 201 is a success: the server put CANCELLED in place of CANCELLING.
        (result(201, "REJECT", "CANCELLED", "Scheduled flow run has no infra."), UNBEGUN, ("stopped", "yes", "")),
        (result(201, "REJECT", "CANCELLED", "Suspended flow run has no infra."), run("CANCELLED"),
         ("stopped", "unknown", ALL)),
        # It is being cancelled already.
        (result(200, "REJECT", "CANCELLING", "can't"), CANCELLING, ("stopping", "unknown", ALL)),
        # It had ended; who says so, the record tells.
        (result(200, "ABORT", "CANCELLED", "terminal"), run("CANCELLED", RUNNER), ("already_finished", "yes", LEFT)),
        (result(200, "ABORT", "CANCELLED", "terminal"), run("CANCELLED", CLOCK), ("already_finished", "unknown", ALL)),
        (result(200, "ABORT", "CANCELLED", "terminal"), run("CANCELLED"), ("already_finished", "unknown", ALL)),
        (result(200, "ABORT", "CANCELLED", "terminal"), UNBEGUN, ("already_finished", "yes", "")),
        (result(200, "ABORT", "COMPLETED", "terminal"), run("COMPLETED"), ("already_finished", "unknown", ALL)),
        (result(200, "ABORT", "COMPLETED", "terminal"), NO_ROUTE, ("already_finished", "unknown", ALL)),
        (result(200, "ABORT", "CANCELLED", "terminal"), NO_ROUTE, ("already_finished", "unknown", "current_step")),
        (result(200, "WAIT", "RUNNING"), RUNNING, ("refused", "unknown", ALL)),
        (result(200, "ACCEPT", "RUNNING"), RUNNING, ("unknown", "no", "")),
        # Of another run, or of none.
        (result(201, "ACCEPT", "CANCELLING", name=OTHER), RUNNING, ("unknown", "no", "")),
        (Reply(201, {"status": "ACCEPT", "state": {"type": "CANCELLING"}}), RUNNING, ("unknown", "no", "")),
    ],
)  # fmt: skip
async def test_the_body_and_not_the_status_tells_what_came_of_it(
    answer: Reply, look: Reply, said: tuple[str, str, str]
) -> None:
    assert (await cancel(answer, [look])).said == said


async def test_a_refusal_inside_a_201_says_why_it_is_one() -> None:
    refusal = result(201, "REJECT", "CANCELLED", "Scheduled flow run has no infra.")
    came = await cancel(refusal, [UNBEGUN], wait_seconds=0)
    assert came.said == ("stopping", "unknown", "")
    assert "Prefect called it cancelled at once" in came.answer["message"]


@pytest.mark.parametrize(
    ("answer", "said", "note"),
    [
        (MISSING, ("not_found", "unknown", ""), ""),
        (NO_ROUTE, ("unknown", "unknown", ""), "the base URL must end in /api"),
        (Reply(401, {"exception_message": "Unauthorized"}), ("denied", "unknown", ""), ""),
        (Reply(422, {"exception_message": "Invalid request received."}), ("invalid_arguments", "unknown", ""), ""),
        (Reply(502, "<h1>Bad gateway</h1>", "text/html"), ("unknown", "unknown", ""), ""),
    ],
)
async def test_an_error_of_a_cancel_means(answer: Reply, said: tuple[str, str, str], note: str) -> None:
    came = await cancel(answer, [MISSING_TO_A_LOOK])
    assert came.said == said
    assert note in came.answer["message"]


async def test_the_state_that_is_asked_for_has_the_reason_and_is_never_the_one_that_stops_nothing() -> None:
    came = await cancel(ACCEPTED, [run("CANCELLED", RUNNER)], reason="too expensive")
    state = {"type": "CANCELLING", "message": "too expensive"}
    assert json.loads(came.sent[0].content) == {"state": state, "force": False}


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"PREFECT_API_KEY": "pnu_0123456789"}, "Bearer pnu_0123456789"),
        ({"PREFECT_API_AUTH_STRING": "operator:the password"}, "Basic b3BlcmF0b3I6dGhlIHBhc3N3b3Jk"),
        ({}, None),
    ],
)
async def test_a_server_of_ones_own_and_the_cloud_take_different_keys(
    settings: dict[str, str], header: str | None
) -> None:
    came = await call("prefect", "get_prefect_flow_run", {"id": ID}, {LOOK: [RUNNING]}, settings=settings)
    assert came.sent[0].headers.get("authorization") == header
    assert came.said == ("observed", "no", "")
    assert "secret" not in str(came.answer)


async def test_the_list_names_what_hangs_too() -> None:
    page = {"results": [record("CANCELLING"), record("PAUSED")], "count": 2, "limit": 20, "pages": 1, "page": 1}
    answers: Answers = {LIST: [Reply(200, page)]}
    came = await call("prefect", "list_prefect_flow_runs", {}, answers)
    body = json.loads(came.sent[0].content)
    assert (body["page"], body["limit"], body["sort"]) == (1, 20, "START_TIME_DESC")
    assert {"CANCELLING", "PAUSED"} < set(body["flow_runs"]["state"]["type"]["any_"])
    items = came.answer["resource"]["items"]
    assert [[each["rel"] for each in item["allowed_actions"]] for item in items] == [["item", "cancel"]] * 2
