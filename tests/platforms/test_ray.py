"""Ray: answers as a node of Ray 2.60.0 gave them."""

from typing import Any

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

ID = "raysubmit_i17kb72AvC88wf7T"
STOP, LOOK = f"POST /api/jobs/{ID}/stop", f"GET /api/jobs/{ID}"
TOLD, NOBODY = Reply(200, {"stopped": True}), Reply(200, {"stopped": False})
UNKNOWN = Reply(404, f"Job {ID} does not exist")
NO_ROUTE = Reply(404, "404: Not Found")
DRIVER = Reply(400, "Can only stop submission type jobs")
TRACEBACK = Reply(500, 'Traceback (most recent call last):\n  File "/srv/ray/job_head.py", line 1')
LEFT = "children processes"
STEP = "current_step"
ALL = "children current_step processes"


def record(status: str, **members: object) -> dict[str, Any]:
    known = {"type": "SUBMISSION", "submission_id": ID, "entrypoint": "TOKEN=secret train", "metadata": None}
    return {**known, "status": status, "start_time": 1795646031641, "driver_exit_code": None, **members}


def job(status: str, **members: object) -> Reply:
    return Reply(200, record(status, **members), "application/json; charset=utf-8")


RUNNING, STOPPED = job("RUNNING"), job("STOPPED")


async def stop(answer: Reply, looks: list[Reply], **arguments: object) -> Came:
    return await call("ray", "stop_ray_job", {"submission_id": ID, **arguments}, {STOP: [answer], LOOK: looks})


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        # The job runs for seconds after the answer; its supervisor then writes STOPPED.
        ([RUNNING, STOPPED], ("stopped", "yes", LEFT)),
        ([RUNNING], ("stopping", "no", STEP)),
        ([job("SUCCEEDED", driver_exit_code=0)], ("finished_first", "yes", LEFT)),
        ([job("FAILED", driver_exit_code=1)], ("finished_first", "yes", LEFT)),
        ([job("FAILED", error_type="JOB_SUPERVISOR_ACTOR_DIED")], ("finished_first", "unknown", ALL)),
        ([TRACEBACK], ("stopping", "unknown", STEP)),
    ],
)
async def test_a_stop_was_asked_for_only_until_a_look_shows_its_end(
    looks: list[Reply], said: tuple[str, str, str]
) -> None:
    assert (await stop(TOLD, looks)).said == said


async def test_a_job_that_waits_for_resources_is_stopped_by_nothing() -> None:
    came = await stop(TOLD, [job("PENDING")], wait_seconds=300)
    assert came.said == ("stopping", "no", STEP)
    assert came.answer["state"] == "PENDING"
    assert "It has not begun, and may wait for resources." in came.answer["message"]
    vain = job("FAILED", error_type="JOB_SUPERVISOR_ACTOR_START_TIMEOUT")
    assert (await stop(TOLD, [job("PENDING"), vain])).said == ("finished_first", "unknown", STEP)


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (STOPPED, ("already_finished", "yes", LEFT)),
        (job("SUCCEEDED", driver_exit_code=0), ("already_finished", "yes", LEFT)),
        (job("FAILED", driver_exit_code=2), ("already_finished", "yes", LEFT)),
        # One that was submitted a moment ago has no supervisor yet.
        (job("PENDING"), ("unknown", "no", "")),
        (UNKNOWN, ("not_found", "unknown", "")),
        (TRACEBACK, ("unknown", "unknown", "")),
    ],
)
async def test_where_no_supervisor_was_told_the_record_decides(look: Reply, said: tuple[str, str, str]) -> None:
    came = await stop(NOBODY, [look])
    assert came.said == said
    assert list(dict.fromkeys(came.asked)) == [STOP, LOOK]


@pytest.mark.parametrize(
    ("answer", "said", "note"),
    [
        (UNKNOWN, ("not_found", "unknown", ""), ""),
        (NO_ROUTE, ("unknown", "unknown", ""), "This is not what Ray says of a job that it lacks."),
        (DRIVER, ("refused", "unknown", STEP), "a driver that somebody started by hand"),
        (Reply(401, "Unauthorized: Missing authentication token"), ("denied", "unknown", ""), ""),
        (Reply(403, "Forbidden: Invalid authentication token"), ("denied", "unknown", ""), ""),
    ],
)
async def test_a_text_says_why_a_stop_failed(answer: Reply, said: tuple[str, str, str], note: str) -> None:
    came = await stop(answer, [NO_ROUTE])
    assert came.said == said
    assert note in came.answer["message"]


async def test_a_traceback_is_not_passed_on() -> None:
    came = await stop(TRACEBACK, [TRACEBACK], wait_seconds=0)
    assert came.said == ("unknown", "unknown", STEP)
    assert "/srv/ray" not in str(came.answer)
    assert "Ray answered with status 500." in came.answer["message"]


async def test_a_cluster_with_tokens_is_sent_one() -> None:
    answers: Answers = {LOOK: [RUNNING]}
    came = await call("ray", "get_ray_job", {"submission_id": ID}, answers, settings={"RAY_AUTH_TOKEN": "the-token"})
    assert came.sent[0].headers["authorization"] == "Bearer the-token"
    assert (await call("ray", "get_ray_job", {"submission_id": ID}, answers)).sent[0].headers.get(
        "authorization"
    ) is None
    assert "secret" not in str(came.answer)


async def test_the_list_shows_drivers_too_which_cannot_be_stopped() -> None:
    jobs = [record("RUNNING"), record("RUNNING", type="DRIVER", submission_id=None), record("STOPPED")]
    came = await call("ray", "list_ray_jobs", {}, {"GET /api/jobs/": [Reply(200, jobs)]})
    items = came.answer["resource"]["items"]
    assert [[each["rel"] for each in item["allowed_actions"]] for item in items] == [["item", "cancel"], [], []]
