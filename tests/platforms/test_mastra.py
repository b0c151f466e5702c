"""Mastra: answers as its server (@mastra/core 1.71.0 behind @mastra/hono 1.7.9) gave them."""

import json
from typing import Any

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

RUN = "fb4ce333-3577-4241-b8d6-3433b385d6e1"
IDS = {"workflowId": "deaf", "runId": RUN}
PLACE = f"/workflows/deaf/runs/{RUN}"
LOOK, CANCEL = f"GET {PLACE}", f"POST {PLACE}/cancel"
FIELDS = f"{LOOK}?fields=activeStepsPath,result,error"
CANCELLED = Reply(200, {"message": "Workflow run cancelled"})
NO_RUN = Reply(404, {"error": "Workflow run not found"})
NO_WORKFLOW = Reply(404, {"error": "Workflow not found"})
NO_KEY = Reply(401, {"error": "Invalid or expired token"})
BUSY: dict[str, Any] = {"loop": [0]}
BOTH = "current_step processes"


def run(status: str, steps: dict[str, Any] | None = None, **kept: object) -> Reply:
    times = {"createdAt": "2026-11-25T22:43:14.413Z", "updatedAt": "2026-11-25T22:43:14.430Z"}
    body = {"runId": RUN, "workflowName": "deaf", **times, "payload": {"n": 12}, "status": status}
    return Reply(200, {**body, "activeStepsPath": steps or {}, **kept})


async def cancel(answer: Reply, *looks: Reply, **arguments: object) -> Came:
    answers = {CANCEL: [answer], LOOK: looks}
    return await call("mastra", "cancel_mastra_run", {**IDS, **arguments}, answers, key="a-key")


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([run("running", BUSY), run("canceled")], ("stopped", "yes", "processes")),
        # A step that is deaf to its signal: the record says canceled all the same.
        ([run("running", BUSY), run("canceled", BUSY)], ("stopping", "no", BOTH)),
        ([run("running", BUSY), run("canceled", BUSY), run("canceled")], ("stopped", "yes", "processes")),
        ([run("canceled", BUSY), run("canceled")], ("stopped", "yes", "processes")),
        ([run("waiting", {"sleep_1": [1]}), run("canceled")], ("stopped", "yes", "processes")),
        ([run("suspended"), run("canceled")], ("stopped", "yes", "processes")),
        # It ended between the look and the cancel, which kept its result.
        ([run("running", BUSY), run("canceled", result={"n": 3})], ("finished_first", "yes", "processes")),
        ([run("running", BUSY), run("canceled", error={"message": "no"})], ("finished_first", "yes", "processes")),
        ([run("running", BUSY), run("running", BUSY)], ("stopping", "no", "current_step")),
        ([run("running", BUSY), NO_RUN], ("stopping", "unknown", "current_step")),
    ],
)
async def test_a_cancel_that_is_sent_comes_to_what_its_steps_do(looks: list[Reply], said: tuple[str, str, str]) -> None:
    came = await cancel(CANCELLED, *looks)
    assert came.said == said
    assert came.asked[:2] == [FIELDS, CANCEL]
    assert came.sent[1].headers["authorization"] == "Bearer a-key"
    assert came.sent[1].content == b""


@pytest.mark.parametrize(
    ("look", "said"),
    [
        # A cancel would turn this success into canceled for good.
        (run("success", result={"n": 3}), ("already_finished", "yes", "processes")),
        (run("failed", error={"message": "no"}), ("already_finished", "yes", "processes")),
        (run("bailed"), ("already_finished", "yes", "processes")),
        (run("failed", BUSY), ("already_finished", "unknown", BOTH)),
        (run("canceled"), ("already_finished", "yes", "processes")),
        (run("canceled", result={"n": 3}), ("already_finished", "yes", "processes")),
        (NO_RUN, ("not_found", "unknown", "")),
        (NO_WORKFLOW, ("not_found", "unknown", "")),
        (Reply(404, {"error": "Not Found"}), ("unavailable", "unknown", "")),
        (NO_KEY, ("denied", "unknown", "")),
        (Reply(500, {"error": "database is locked"}), ("unavailable", "unknown", "")),
        (Reply(502, "Bad Gateway"), ("unavailable", "unknown", "")),
        (Reply(200, {**IDS, "runId": "another", "status": "running"}), ("unavailable", "unknown", "")),
    ],
)
async def test_nothing_is_sent_unless_a_look_has_shown_that_it_goes_on(look: Reply, said: tuple[str, str, str]) -> None:
    came = await cancel(CANCELLED, look)
    assert came.said == said
    assert CANCEL not in came.asked


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (NO_RUN, "not_found"),
        (NO_WORKFLOW, "not_found"),
        (Reply(404, {"error": "Not Found"}), "unknown"),
        (Reply(403, {"error": "Access denied: workflow run belongs to a different resource"}), "denied"),
        (NO_KEY, "denied"),
        (Reply(200, {"message": "Accepted"}), "unknown"),
        (Reply(200, {"message": "Workflow run canceled"}), "stopping"),  # as the documentation has it
    ],
)
async def test_an_answer_of_the_cancel_means(answer: Reply, outcome: str) -> None:
    came = await cancel(answer, run("running", BUSY))
    assert came.answer["outcome"] == outcome


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (run("running", BUSY), ("observed", "no", "current_step")),
        (run("pending"), ("observed", "no", "current_step")),
        (run("waiting", {"sleep_1": [1]}), ("observed", "unknown", "current_step")),
        (run("suspended"), ("observed", "unknown", "")),
        (run("canceled", BUSY), ("observed", "no", BOTH)),
        (run("canceled"), ("observed", "yes", "processes")),
        (run("success"), ("observed", "yes", "processes")),
    ],
)
async def test_a_look_reads_the_steps_beside_the_status(answer: Reply, said: tuple[str, str, str]) -> None:
    came = await call("mastra", "get_mastra_run", IDS, {LOOK: [answer]})
    assert came.said == said
    assert "payload" not in json.dumps(came.answer)


@pytest.mark.parametrize("look", [NO_RUN, NO_WORKFLOW])
async def test_where_no_run_is_known_the_workflows_can_be_listed(look: Reply) -> None:
    came = await cancel(CANCELLED, look)
    assert came.offered["collection list_mastra_workflows"] == {}
    known = await cancel(CANCELLED, run("running", BUSY))
    assert "collection list_mastra_workflows" not in known.offered


async def test_a_run_that_was_cancelled_and_whose_step_goes_on_is_not_cancelled_again() -> None:
    came = await call("mastra", "get_mastra_run", IDS, {LOOK: [run("canceled", BUSY)]})
    assert came.offered == {"self get_mastra_run": {**IDS, "wait_seconds": 20}}

    runs = [{"runId": RUN, "snapshot": {"status": word, "activeStepsPath": BUSY}} for word in ("canceled", "running")]
    answers: Answers = {"GET /workflows/deaf/runs": [Reply(200, {"runs": runs, "total": 2})]}
    listed = await call("mastra", "list_mastra_runs", {"workflowId": "deaf"}, answers)
    rels = [[each["rel"] for each in item["allowed_actions"]] for item in listed.answer["resource"]["items"]]
    assert rels == [["item"], ["item", "cancel"]]


async def test_what_runs_sleeps_or_waits_is_found_in_each_workflow() -> None:
    snapshot = {
        "status": "running",
        "activeStepsPath": BUSY,
        "requestContext": {"user": {"id": "u1", "name": "somebody"}},
    }
    runs = {"runs": [{"workflowName": "deaf", "runId": RUN, "snapshot": snapshot}], "total": 1}
    answers: Answers = {
        "GET /workflows": [Reply(200, {"deaf": {"name": "deaf", "steps": {}}})],
        "GET /workflows/deaf/runs": [Reply(200, runs), Reply(200, {"runs": [], "total": 0})],
    }
    came = await call("mastra", "find_running", {}, answers)
    assert sorted(each.split("?")[1] for each in came.asked) == [
        "partial=true",
        *(f"status={word}&limit=100&offset=0" for word in ("running", "suspended", "waiting")),
    ]
    (item,) = came.answer["resource"]["items"]
    (step,) = [each for each in item["allowed_actions"] if each["rel"] == "cancel"]
    assert step["arguments"] == IDS
    assert "somebody" not in json.dumps(came.answer)
