"""n8n: answers as n8n 2.20.0 gave them, in its regular mode."""

from typing import Any

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

STOP, LOOK, LIST = "POST /api/v1/executions/2/stop", "GET /api/v1/executions/2", "GET /api/v1/executions"
BROKEN = Reply(500, {"message": "Internal server error"})
MISSING = Reply(404, {"message": "Not Found"})
FORBIDDEN = Reply(403, {"message": "Forbidden"})
GOES_ON = "children current_step requests"


def stopped(status: str) -> Reply:
    times = {"startedAt": "2026-11-25T22:53:12.016Z", "stoppedAt": "2026-11-25T22:53:15.110Z"}
    return Reply(200, {"mode": "webhook", **times, "finished": False, "status": status})


def record(status: str, number: str = "2") -> dict[str, Any]:
    times = {"startedAt": "2026-11-25T22:53:12.016Z", "stoppedAt": None, "waitTill": None}
    return {"id": number, "finished": False, "mode": "webhook", "status": status, "workflowId": "OeN5eC2Le", **times}


def execution(status: str, number: str = "2") -> Reply:
    return Reply(200, record(status, number))


async def stop(looks: list[Reply], answer: Reply, **arguments: object) -> Came:
    answers = {STOP: [answer], LOOK: looks}
    return await call("n8n", "stop_n8n_execution", {"id": "2", **arguments}, answers, "a-key-of-n8ns")


@pytest.mark.parametrize(
    ("looks", "answer", "said"),
    [
        # The record is changed at once, whatever its node does.
        ([execution("running")], stopped("canceled"), ("stopped", "unknown", GOES_ON)),
        ([execution("new")], stopped("canceled"), ("stopped", "unknown", GOES_ON)),
        ([BROKEN], stopped("canceled"), ("stopped", "unknown", GOES_ON)),
        # Nothing held it while it waited.
        ([execution("waiting")], stopped("canceled"), ("stopped", "yes", "")),
        ([execution("running")], stopped("running"), ("stopping", "no", GOES_ON)),
        ([execution("running"), execution("canceled")], stopped("running"), ("stopped", "unknown", GOES_ON)),
    ],
)
async def test_a_stop_that_was_taken_proves_an_end_only_of_what_waited(
    looks: list[Reply], answer: Reply, said: tuple[str, str, str]
) -> None:
    assert (await stop(looks, answer)).said == said


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (execution("success"), ("already_finished", "yes", "")),
        (execution("error"), ("already_finished", "yes", "")),
        (execution("crashed"), ("already_finished", "unknown", "current_step")),
        (execution("canceled"), ("already_finished", "unknown", GOES_ON)),
        (MISSING, ("not_found", "unknown", "")),
    ],
)
async def test_what_had_ended_is_not_sent_a_stop_that_would_be_answered_500(
    look: Reply, said: tuple[str, str, str]
) -> None:
    came = await stop([look], BROKEN)
    assert came.said == said
    assert came.asked == [LOOK]


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        # It ended between the look and the stop, or the look before failed.
        ([execution("running"), execution("success")], ("finished_first", "yes", "")),
        ([Reply(502), Reply(502), execution("success")], ("already_finished", "yes", "")),
        ([Reply(502), Reply(502), execution("canceled")], ("already_finished", "unknown", GOES_ON)),
        ([execution("running")], ("unknown", "no", "current_step")),
        ([Reply(502)], ("unknown", "unknown", "current_step")),
    ],
)
async def test_a_500_is_no_answer_until_a_look_tells(looks: list[Reply], said: tuple[str, str, str]) -> None:
    came = await stop(looks, BROKEN)
    assert came.said == said
    assert STOP in came.asked


@pytest.mark.parametrize(
    ("answer", "said", "note"),
    [
        (MISSING, ("not_found", "unknown", ""), "this key may see it, and perhaps not stop it"),
        (Reply(404, {"message": "not found: /executions/2/stop"}), ("unknown", "no", ""), "ends before /api/v1"),
        (Reply(400, {"message": "request/params/id must be number"}), ("invalid_arguments", "unknown", ""), ""),
        (Reply(401, {"message": "unauthorized"}), ("denied", "unknown", ""), ""),
        (FORBIDDEN, ("denied", "no", ""), "lacks the scope execution:stop"),
        (Reply(500, {"message": "Something else"}), ("unknown", "no", ""), ""),
    ],
)
async def test_an_error_of_a_stop_means(answer: Reply, said: tuple[str, str, str], note: str) -> None:
    came = await stop([execution("running")], answer)
    assert came.said == said
    assert note in came.answer["message"]


@pytest.mark.parametrize("look", [execution("waiting"), BROKEN])
async def test_a_key_that_may_not_stop_proves_nothing_of_what_was_not_seen_to_run(look: Reply) -> None:
    came = await stop([look], FORBIDDEN)
    assert came.said == ("denied", "unknown", "")
    assert "lacks the scope execution:stop" in came.answer["message"]
    assert "may see it" not in (await stop([BROKEN], MISSING)).answer["message"]


async def test_a_stop_says_that_the_present_node_may_go_on() -> None:
    note = "a request or code of the node that ran may go on to its end"
    assert note in (await stop([execution("running")], stopped("canceled"))).answer["message"]
    assert note not in (await stop([execution("waiting")], stopped("canceled"))).answer["message"]


async def test_another_executions_record_is_not_believed() -> None:
    came = await call("n8n", "get_n8n_execution", {"id": "2"}, {LOOK: [execution("success", "3")]}, "a-key-of-n8ns")
    assert came.said == ("unknown", "unknown", "")
    assert came.sent[0].headers["x-n8n-api-key"] == "a-key-of-n8ns"


async def test_a_list_is_asked_for_what_runs_and_for_no_data() -> None:
    page = {"data": [record("running"), record("canceled", "1")], "nextCursor": "eyJ"}
    answers: Answers = {LIST: [Reply(200, page)]}
    came = await call("n8n", "list_n8n_executions", {"status": "running"}, answers, "a-key-of-n8ns")
    assert came.asked == [f"{LIST}?status=running&limit=20"]
    items = came.answer["resource"]["items"]
    assert [[each["rel"] for each in item["allowed_actions"]] for item in items] == [["item", "cancel"], []]
    assert came.offered["next list_n8n_executions"]["cursor"] == "eyJ"
