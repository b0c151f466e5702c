"""Agno: answers as an AgentOS (agno 3.1.10) gave them."""

import json

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

RUN = "503fb712-ecf1-4a3d-be8e-e3e986e33f03"
IDS = {"agent_id": "slow-agent", "run_id": RUN, "session_id": "s1"}
LOOK = f"GET /agents/slow-agent/runs/{RUN}"
CANCEL = f"POST /agents/slow-agent/runs/{RUN}/cancel"
ACCEPTED = Reply(200, {})
NO_RUN = Reply(404, {"detail": "Run not found"})
FAILED = [Reply(502, "Bad Gateway")] * 2  # a look is repeated once
NO_KEY = Reply(401, {"detail": "Authorization header required"})
GOES_ON = "current_step requests"
LEFT = "current_step processes requests"


def run(status: str, stage: str | None = None, name: str = RUN) -> Reply:
    body = {"run_id": name, "agent_id": "slow-agent", "agent_name": "slow", "session_id": "s1", "metrics": {}}
    said = {"content": "word word", "input": {"input_content": "work slowly"}}
    return Reply(200, {**body, **said, "status": status, "cancellation_stage": stage, "created_at": 1795645819})


ENDED = run("CANCELLED", "EXECUTING")


async def cancel(answer: Reply, *looks: Reply, **arguments: object) -> Came:
    return await call("agno", "cancel_agno_run", {**IDS, **arguments}, {CANCEL: [answer], LOOK: looks}, key="a-key")


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        # The model's stream of such a run went on to its end.
        ([run("RUNNING"), ENDED], ("stopped", "unknown", LEFT)),
        ([run("RUNNING")], ("stopping", "no", GOES_ON)),
        ([run("PENDING"), run("CANCELLED", "PENDING")], ("stopped", "yes", "")),
        ([run("RUNNING"), run("COMPLETED")], ("finished_first", "yes", "processes")),
        ([run("RUNNING"), run("ERROR")], ("finished_first", "unknown", LEFT)),
        ([run("RUNNING"), *FAILED], ("stopping", "unknown", "current_step")),
        ([run("PAUSED")], ("stopping", "unknown", "current_step")),
        ([*FAILED, run("RUNNING")], ("stopping", "no", GOES_ON)),
        ([*FAILED, NO_RUN], ("not_found", "unknown", "")),
    ],
)
async def test_a_cancel_that_is_sent_comes_to_what_the_looks_show(
    looks: list[Reply], said: tuple[str, str, str]
) -> None:
    came = await cancel(ACCEPTED, *looks)
    assert came.said == said
    (sent,) = [request for request in came.sent if request.method == "POST"]
    assert came.asked[0] == f"{LOOK}?session_id=s1"
    assert (sent.url.path, sent.url.query, sent.content) == (CANCEL.removeprefix("POST "), b"session_id=s1", b"")
    assert sent.headers["authorization"] == "Bearer a-key"


@pytest.mark.parametrize(
    ("look", "said"),
    [
        # Each of these would be told that all is well, and what is recorded hits a later run of that id.
        (ENDED, ("already_finished", "unknown", LEFT)),
        (run("CANCELLED", "PENDING"), ("already_finished", "yes", "")),
        (run("COMPLETED"), ("already_finished", "yes", "processes")),
        (run("ERROR"), ("already_finished", "unknown", "processes requests")),
        (run("REGENERATED"), ("already_finished", "unknown", "")),
        (NO_RUN, ("not_found", "unknown", "")),
        (Reply(404, {"detail": "Agent not found"}), ("not_found", "unknown", "")),
    ],
)
async def test_a_run_that_is_over_or_unknown_is_sent_nothing(look: Reply, said: tuple[str, str, str]) -> None:
    came = await cancel(ACCEPTED, look)
    assert came.said == said
    assert came.asked == [f"{LOOK}?session_id=s1"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Reply(404, {"detail": "Agent not found"}), "not_found"),
        (Reply(404, {"detail": "Not Found"}), "unknown"),
        (NO_KEY, "denied"),
        (Reply(403, {"detail": "Forbidden"}), "denied"),
        (Reply(400, {"detail": "session_id is required for this action"}), "invalid_arguments"),
        (Reply(422, {"detail": [{"type": "missing", "loc": ["query", "session_id"]}]}), "invalid_arguments"),
        (Reply(404, "Not Found"), "unknown"),
        (Reply(500, {"detail": "Internal Server Error"}), "unknown"),
    ],
)
async def test_an_error_of_the_cancel_means(answer: Reply, outcome: str) -> None:
    came = await cancel(answer, NO_KEY)
    assert came.answer["outcome"] == outcome


@pytest.mark.parametrize(("state", "is_told"), [("RUNNING", True), ("CANCELLED", False), ("COMPLETED", False)])
async def test_that_nothing_is_stronger_is_told_of_what_still_runs(state: str, *, is_told: bool) -> None:
    came = await cancel(ACCEPTED, run("RUNNING"), run(state))
    words = "when its present model call or tool has ended, perhaps after minutes; there is nothing stronger."
    assert (words in came.answer["message"]) is is_told


async def test_where_no_run_is_known_the_sessions_can_be_listed() -> None:
    for looks in ([NO_RUN], [*FAILED, NO_RUN]):
        came = await cancel(ACCEPTED, *looks)
        assert came.offered["collection list_agno_sessions"] == {}
    known = await cancel(ACCEPTED, run("RUNNING"))
    assert "collection list_agno_sessions" not in known.offered


async def test_a_person_who_is_waited_for_is_told_of() -> None:
    came = await cancel(ACCEPTED, run("PAUSED"), wait_seconds=0)
    assert "Once a person lets it go on, its tool is executed before it ends." in came.answer["message"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (run("RUNNING"), ("observed", "no", GOES_ON)),
        (run("PAUSED"), ("observed", "unknown", "current_step")),
        (run("COMPLETED"), ("observed", "yes", "processes")),
        (run("RUNNING", name="another"), ("unknown", "unknown", "")),
    ],
)
async def test_a_look_tells_how_it_is_with_a_run_and_nothing_that_was_said(
    answer: Reply, said: tuple[str, str, str]
) -> None:
    came = await call("agno", "get_agno_run", IDS, {LOOK: [answer]})
    assert came.said == said
    assert "word" not in json.dumps(came.answer)


async def test_what_runs_is_found_by_the_sessions_and_only_an_agents_run_can_be_cancelled() -> None:
    item = {"parent_run_id": "", "user_id": "", "created_at": "2026-11-25T22:30:19Z", "status": "RUNNING"}
    agents = {**item, "run_id": RUN, "agent_id": "slow-agent", "run_input": "work slowly"}
    teams = {**item, "run_id": "another", "agent_id": "", "team_id": "a-team"}
    answers: Answers = {
        "GET /sessions": [Reply(200, {"data": [{"session_id": "s1", "session_name": "work slowly"}], "meta": {}})],
        "GET /sessions/s1/runs": [Reply(200, [agents, teams])],
    }
    came = await call("agno", "find_running", {}, answers)
    assert [place.split("?")[0] for place in came.asked] == ["GET /sessions", "GET /sessions/s1/runs"]
    assert "status=PENDING&status=RUNNING&status=PAUSED" in came.asked[1]
    offered = [[step["tool"] for step in item["allowed_actions"]] for item in came.answer["resource"]["items"]]
    assert offered == [["cancel_agno_run"], []]
    assert "slowly" not in json.dumps(came.answer)
