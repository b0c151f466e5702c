"""Celery: answers as Flower 2.2.0 gave them, with Celery 5.7.0, a prefork pool and Redis."""

import json

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

ID = "de731026-0546-44f6-ae14-7d55f2a75ef0"
CHILD = "22b924a3-c8d3-498e-90a8-49506ed0cfc5"
REVOKE, LOOK = f"POST /api/task/revoke/{ID}", f"GET /api/task/info/{ID}"
ACCEPTED = Reply(200, {"message": f"Revoked '{ID}'"}, "application/json; charset=UTF-8")
UNKNOWN = Reply(404, f"Unknown task '{ID}'")
WRONG_PASSWORD = Reply(401, None, "text/html; charset=UTF-8")
NO_API = Reply(401, "FLOWER_UNAUTHENTICATED_API environment variable is required to enable API without authentication")
GOES_ON = "current_step processes"


def task(
    state: str, *, begun: bool = True, known: bool = True, children: tuple[str, ...] = (), name: str = ID
) -> Reply:
    started = 1795646237.155767 if begun else None
    received = 1795646237.1543984 if known else None
    body = {
        "uuid": name,
        "name": "tasks.nap",
        "state": state,
        "received": received,
        "started": started,
        "args": "(300,)",
    }
    return Reply(200, {**body, "children": list(children), "worker": "celery@vm"})


STARTED, QUEUED = task("STARTED"), task("RECEIVED", begun=False)


async def revoke(looks: list[Reply], answer: Reply = ACCEPTED, **arguments: object) -> Came:
    answers = {REVOKE: [answer], LOOK: looks}
    return await call("flower", "revoke_celery_task", {"task_id": ID, **arguments}, answers, "operator:the password")


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        # The record says that a signal was sent, which the task may not heed.
        ([STARTED, task("REVOKED")], ("stopped", "unknown", GOES_ON)),
        ([STARTED, task("REVOKED"), task("SUCCESS")], ("finished_first", "yes", "processes")),
        ([STARTED, task("SUCCESS")], ("finished_first", "yes", "processes")),
        ([STARTED], ("stopping", "no", GOES_ON)),
        ([STARTED, UNKNOWN], ("stopping", "unknown", GOES_ON)),
        ([STARTED, task("REVOKED", children=(CHILD,))], ("stopped", "unknown", f"children {GOES_ON}")),
        # One that was tried again is a child of its own.
        ([task("RETRY"), task("REVOKED", children=(ID,))], ("stopped", "unknown", GOES_ON)),
        ([task("RETRY"), task("REVOKED", children=(ID, CHILD))], ("stopped", "unknown", f"children {GOES_ON}")),
        # A queued task is thrown away before it begins, or has begun meanwhile.
        ([QUEUED, task("REVOKED", begun=False)], ("stopped", "yes", "")),
        ([QUEUED, task("REVOKED")], ("stopped", "unknown", GOES_ON)),
        ([QUEUED], ("stopping", "no", "")),
        ([task("STARTED", children=(CHILD,))], ("stopping", "no", f"children {GOES_ON}")),
        # Flower learns of a task by its revocation alone where it was started later.
        ([Reply(500), Reply(500), task("REVOKED", begun=False, known=False)], ("stopped", "unknown", GOES_ON)),
    ],
)
async def test_the_looks_around_a_revoke_tell_what_came_of_it(looks: list[Reply], said: tuple[str, str, str]) -> None:
    came = await revoke(looks)
    assert came.said == said
    assert f"{REVOKE}?terminate=true&signal=SIGTERM" in came.asked


async def test_an_end_that_no_second_look_confirms_may_be_none() -> None:
    ended = task("REVOKED", begun=False)
    early, late = await revoke([QUEUED, ended], wait_seconds=2), await revoke([QUEUED, ended], wait_seconds=9)
    assert (early.said, early.asked.count(LOOK)) == (("stopped", "unknown", ""), 2)
    assert "An end like this may turn out to be none" in early.answer["message"]
    assert (late.said, late.asked.count(LOOK)) == (("stopped", "yes", ""), 3)


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (task("SUCCESS"), ("already_finished", "yes", "")),
        (task("FAILURE"), ("already_finished", "yes", "")),
        (task("SUCCESS", children=(CHILD,)), ("already_finished", "yes", "children")),
        (task("REJECTED"), ("already_finished", "unknown", "")),
        (task("REVOKED"), ("already_finished", "unknown", GOES_ON)),
        (task("REVOKED", begun=False), ("already_finished", "yes", "")),
        (UNKNOWN, ("not_found", "unknown", "")),
    ],
)
async def test_what_has_ended_or_is_unknown_is_not_revoked(look: Reply, said: tuple[str, str, str]) -> None:
    came = await revoke([look])
    assert came.said == said
    assert came.asked == [LOOK]


@pytest.mark.parametrize(
    ("answer", "said", "note"),
    [
        (WRONG_PASSWORD, ("denied", "unknown", ""), "Celery refused the key"),
        (NO_API, ("denied", "unknown", ""), "No key helps; Flower's operator must set --basic_auth"),
        (Reply(403, "Read only mode is enabled"), ("denied", "unknown", ""), "Flower runs read-only"),
        (Reply(400, "Invalid argument 'maybe' of type 'bool'"), ("invalid_arguments", "unknown", ""), ""),
        # What somebody in between may say, as plain text, too.
        (Reply(400, "Bad Request"), ("unknown", "no", ""), "This is not what Flower says"),
        (Reply(403, "Forbidden"), ("denied", "unknown", ""), "Celery refused the key; nothing was stopped."),
        (Reply(200, {"message": "Revoked 'another'"}), ("unknown", "no", ""), ""),
        (Reply(502, "Bad Gateway"), ("unknown", "no", ""), ""),
    ],
)
async def test_an_answer_of_a_revoke_means(answer: Reply, said: tuple[str, str, str], note: str) -> None:
    came = await revoke([STARTED], answer)
    assert came.said == said
    assert note in came.answer["message"]
    assert ("runs read-only" in came.answer["message"]) is (answer.body == "Read only mode is enabled")


async def test_a_task_that_flower_does_not_know_may_run() -> None:
    for tool in ("revoke_celery_task", "get_celery_task"):
        came = await call("flower", tool, {"task_id": ID}, {LOOK: [UNKNOWN]})
        assert came.said == ("not_found", "unknown", "")
        assert "is unknown to it, and may run." in came.answer["message"]


async def test_only_flower_says_that_it_does_not_know_a_task() -> None:
    came = await call("flower", "get_celery_task", {"task_id": ID}, {LOOK: [Reply(404, "404 page not found")]})
    assert came.said == ("unknown", "unknown", "")
    sent = await revoke([Reply(404, "404 page not found")])
    assert (sent.said, sent.asked[0]) == (("stopping", "unknown", GOES_ON), LOOK)


async def test_the_signal_is_the_callers_choice() -> None:
    came = await revoke([STARTED, task("REVOKED")], signal="SIGKILL")
    assert f"{REVOKE}?terminate=true&signal=SIGKILL" in came.asked
    assert came.sent[0].headers["authorization"] == "Basic b3BlcmF0b3I6dGhlIHBhc3N3b3Jk"
    unsent = await revoke([STARTED], signal="SIGNOPE")
    assert (unsent.answer["outcome"], unsent.asked) == ("invalid_arguments", [])


async def test_subtasks_are_stopped_with_their_parent() -> None:
    answers: Answers = {
        LOOK: [task("STARTED", children=(CHILD, ID)), *[task("STARTED", children=(CHILD,))] * 2, task("REVOKED")],
        REVOKE: [ACCEPTED],
        f"GET /api/task/info/{CHILD}": [*[task("STARTED", name=CHILD)] * 3, task("REVOKED", name=CHILD)],
        f"POST /api/task/revoke/{CHILD}": [Reply(200, {"message": f"Revoked '{CHILD}'"})],
    }
    came = await call("flower", "revoke_celery_task", {"task_id": ID, "cascade": True}, answers)
    assert [(each["arguments"], each["outcome"]) for each in came.answer["parts"]] == [({"task_id": CHILD}, "stopped")]
    assert [each.partition("?")[0] for each in came.asked if "revoke" in each] == [
        REVOKE,
        f"POST /api/task/revoke/{CHILD}",
    ]


async def test_a_list_is_an_object_by_ids() -> None:
    answers: Answers = {"GET /api/tasks": [Reply(200, {ID: STARTED.body, CHILD: task("REVOKED", name=CHILD).body})]}
    came = await call("flower", "list_celery_tasks", {"limit": 2}, answers)
    assert came.asked == ["GET /api/tasks?limit=2&offset=0&sort_by=-received"]
    items = came.answer["resource"]["items"]
    assert [(item["uuid"], [each["rel"] for each in item["allowed_actions"]]) for item in items] == [
        (ID, ["item", "cancel"]),
        (CHILD, []),
    ]
    assert "args" not in json.dumps(items).replace("arguments", "")
    nothing = await call("flower", "list_celery_tasks", {"state": "STARTED"}, {"GET /api/tasks": [Reply(200, {})]})
    assert nothing.answer["resource"] == {"items": []}
