"""A2A: answers as an agent made with a2a-sdk 1.3.0 gave them."""

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

ID = "8acd4609-6602-4436-84b1-8d060c60b7f7"
CONTEXT = "da9106df-ea9f-4e81-a31b-3e4cfd590548"
CANCEL, LOOK, LIST = f"POST /tasks/{ID}:cancel", f"GET /tasks/{ID}", "GET /tasks"


def task(state: str) -> Reply:
    status = {"state": f"TASK_STATE_{state}", "timestamp": "2026-11-25T22:25:10.890211Z"}
    return Reply(200, {"id": ID, "contextId": CONTEXT, "status": status}, "application/a2a+json")


def error(status: int, word: str, message: str, reason: str) -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "a2a-protocol.org"}]
    return Reply(status, {"error": {"code": status, "status": word, "message": message, "details": details}})


NOT_CANCELABLE = error(400, "FAILED_PRECONDITION", "Task cannot be canceled", "TASK_NOT_CANCELABLE")
NOT_FOUND = error(404, "NOT_FOUND", "Task not found", "TASK_NOT_FOUND")
VERSION = error(400, "FAILED_PRECONDITION", "A2A version '0.3' is not supported.", "VERSION_NOT_SUPPORTED")
RAISED = Reply(500, {"error": {"code": 500, "status": "INTERNAL", "message": "unknown exception"}})
FAILED = error(500, "INTERNAL", "Internal error", "INTERNAL_ERROR")

EVERYTHING = "children current_step processes requests"
LEFT = "children processes"


async def cancel(looks: list[Reply], answer: Reply, **arguments: object) -> Came:
    return await call("a2a", "cancel_a2a_task", {"id": ID, **arguments}, {LOOK: looks, CANCEL: [answer]})


@pytest.mark.parametrize(
    ("looks", "answer", "said"),
    [
        # An agent's word that it is cancelled, which stays, or turns when the work ends.
        (["WORKING", "CANCELED"], task("CANCELED"), ("stopped", "unknown", EVERYTHING)),
        (["INPUT_REQUIRED", "CANCELED"], task("CANCELED"), ("stopped", "unknown", EVERYTHING)),
        (["WORKING", "CANCELED"], task("CANCELLED"), ("stopped", "unknown", EVERYTHING)),
        (["WORKING", "COMPLETED"], task("CANCELED"), ("finished_first", "unknown", EVERYTHING)),
        (["WORKING", "WORKING"], task("CANCELED"), ("stopping", "no", EVERYTHING)),
        # A cancel that writes another end.
        (["WORKING"], task("COMPLETED"), ("finished_first", "unknown", LEFT)),
        (["WORKING"], task("FAILED"), ("finished_first", "unknown", LEFT)),
        (["WORKING"], task("WORKING"), ("stopping", "no", "current_step")),
        (["WORKING", "AUTH_REQUIRED"], task("AUTH_REQUIRED"), ("stopping", "unknown", "current_step")),
        # One answer for what had ended, what can't be cancelled, and what the attempt itself ended.
        (["WORKING", "FAILED"], NOT_CANCELABLE, ("finished_first", "unknown", LEFT)),
        (["WORKING"], NOT_CANCELABLE, ("refused", "no", "current_step")),
        (["INPUT_REQUIRED"], NOT_CANCELABLE, ("refused", "unknown", "")),
        (["INPUT_REQUIRED", "CANCELED"], NOT_CANCELABLE, ("already_finished", "unknown", EVERYTHING)),
        # The agent's own fault.
        (["WORKING", "FAILED"], FAILED, ("finished_first", "unknown", "children current_step processes")),
        (["WORKING"], FAILED, ("unknown", "no", "current_step processes")),
        (["WORKING", "FAILED"], RAISED, ("finished_first", "unknown", "children current_step processes")),
        (["WORKING"], RAISED, ("unknown", "no", "current_step processes")),
        # No fault of the arguments.
        (["WORKING"], VERSION, ("refused", "unknown", "")),
        (["WORKING"], error(400, "INVALID_ARGUMENT", "x", "INVALID_PARAMS"), ("invalid_arguments", "unknown", "")),
        (["WORKING"], error(400, "UNIMPLEMENTED", "x", "UNSUPPORTED_OPERATION"), ("refused", "unknown", "")),
        (["WORKING"], error(400, "x", "x", "EXTENSION_SUPPORT_REQUIRED"), ("refused", "unknown", "")),
        (["WORKING"], error(400, "x", "x", "CONTENT_TYPE_NOT_SUPPORTED"), ("refused", "unknown", "")),
        (["WORKING"], error(404, "NOT_FOUND", "x", "METHOD_NOT_FOUND"), ("unknown", "no", "current_step")),
        # Not the protocol's form: another server, or one of another binding.
        (["WORKING"], Reply(404, "Not Found"), ("unknown", "no", "current_step")),
        (["WORKING"], Reply(502, {"error": "bad gateway"}), ("unknown", "no", "current_step")),
        (["WORKING"], Reply(401, {"error": "unauthorized"}), ("denied", "unknown", "")),
    ],
)
async def test_an_answer_of_a_cancel_means(looks: list[str], answer: Reply, said: tuple[str, str, str]) -> None:
    came = await cancel([task(state) for state in looks], answer)
    assert came.said == said
    assert CANCEL in came.asked


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (task("CANCELED"), ("already_finished", "unknown", EVERYTHING)),
        (task("COMPLETED"), ("already_finished", "unknown", LEFT)),
        (task("REJECTED"), ("already_finished", "unknown", LEFT)),
        (NOT_FOUND, ("not_found", "unknown", "")),
    ],
)
async def test_what_had_ended_is_not_cancelled(look: Reply, said: tuple[str, str, str]) -> None:
    came = await cancel([look], NOT_CANCELABLE)
    assert came.said == said
    assert CANCEL not in came.asked


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        (["WORKING", "FAILED"], "The work was running just before the request, and has ended since. The task"),
        (["INPUT_REQUIRED"], "It waits for its client."),
    ],
)
async def test_an_agent_that_can_not_cancel_is_not_said_to_have_accepted_it(looks: list[str], words: str) -> None:
    came = await cancel([task(state) for state in looks], NOT_CANCELABLE)
    assert words in came.answer["message"]
    assert "accepted" not in came.answer["message"]
    assert "takes a cancel" not in came.answer["message"]


async def test_a_cancel_is_sent_although_the_look_before_it_failed() -> None:
    came = await cancel([Reply(500), Reply(500), task("CANCELED")], task("CANCELED"))
    assert came.said == ("stopped", "unknown", EVERYTHING)


async def test_an_end_is_looked_at_once_more() -> None:
    came = await cancel([task("WORKING"), task("CANCELED")], task("CANCELED"))
    assert [each.partition("?")[0] for each in came.asked] == [LOOK, CANCEL, LOOK]
    assert came.answer["evidence"]["watched_seconds"] == 3
    assert "That is the agent's own word" in came.answer["message"]
    at_once = await cancel([task("WORKING")], task("CANCELED"), wait_seconds=1)
    assert [each.partition("?")[0] for each in at_once.asked] == [LOOK, CANCEL]
    assert at_once.said == ("stopped", "unknown", EVERYTHING)


async def test_each_call_names_the_protocols_version_and_leaves_the_history_out() -> None:
    came = await call("a2a", "get_a2a_task", {"id": ID}, {LOOK: [task("WORKING")]}, key="a-key")
    assert came.asked == [f"{LOOK}?historyLength=0"]
    assert came.sent[0].headers["a2a-version"] == "1.0"
    assert came.sent[0].headers["accept"] == "application/a2a+json, application/json"
    assert came.sent[0].headers["authorization"] == "Bearer a-key"
    assert came.said == ("observed", "no", "current_step")
    assert came.offered["cancel cancel_a2a_task"] == {"id": ID, "wait_seconds": 20}


@pytest.mark.parametrize(
    ("state", "rels"),
    [("SUBMITTED", ["item", "cancel"]), ("AUTH_REQUIRED", ["item", "cancel"]), ("COMPLETED", []), ("CANCELED", [])],
)
async def test_a_task_that_has_not_ended_is_listed_with_its_cancel(state: str, rels: list[str]) -> None:
    item = task(state).body
    answers: Answers = {LIST: [Reply(200, {"tasks": [item], "nextPageToken": "eyJ0", "pageSize": 1, "totalSize": 2})]}
    came = await call("a2a", "list_a2a_tasks", {"pageSize": 1}, answers)
    assert came.asked == ["GET /tasks?pageSize=1&historyLength=0"]
    (shown,) = came.answer["resource"]["items"]
    assert [each["rel"] for each in shown["allowed_actions"]] == rels
    assert came.offered == {"next list_a2a_tasks": {"pageSize": 1, "pageToken": "eyJ0"}}
