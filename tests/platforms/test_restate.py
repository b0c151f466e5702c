"""Restate: answers as its server 1.7.12 gave them."""

import json

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

ID = "inv_1e3SUtnKPRcK6sNuqzDCUKs0fjtUWtj0J5"
CHILD = "inv_1948SpGIFKC15FBSI2Mg1lFw579dLcWU9z"
CANCEL, KILL = f"PATCH /invocations/{ID}/cancel", f"PATCH /invocations/{ID}/kill"
LOOK, CHILDREN = "POST /query where id =", "POST /query where invoked_by_id ="
LIST = "POST /query order by created_at desc limit 1000"
GOES_ON = "children current_step"
TIMED_OUT = "[500] the invocation stream was closed after the 'abort timeout' (1s) fired."


def row(status: str, result: str | None = None, failure: str | None = None, name: str = ID) -> dict[str, str]:
    whole = {
        "id": name,
        "target": "worker/task",
        "status": status,
        "created_at": "2026-11-25T22:37:51.152Z",
        "completion_result": result,
        "completion_failure": failure,
    }
    return {member: value for member, value in whole.items() if value is not None}  # as the server leaves null out


def rows(*found: dict[str, str]) -> Reply:
    return Reply(200, {"rows": [*found]})


def error(status: int, message: str) -> Reply:
    return Reply(status, {"message": message, "restate_code": None})


RUNNING = rows(row("running"))
CANCELLED = rows(row("completed", "failure", "[409] Cancelled"))
KILLED = rows(row("completed", "failure", "[409] killed"))
SUCCESS = rows(row("completed", "success"))
NONE = rows()
OVER = error(409, f"The invocation '{ID}' was already completed.")


async def stop(answer: Reply, *looks: Reply, how: str = "cancel", **arguments: object) -> Came:
    answers: Answers = {CANCEL: [answer], KILL: [answer], LOOK: looks}
    return await call("restate", f"{how}_restate_invocation", {"invocation_id": ID, **arguments}, answers)


@pytest.mark.parametrize(
    ("answer", "look", "said"),
    [
        # The record ends at once, whatever the handler's code does.
        (Reply(202), CANCELLED, ("stopped", "unknown", GOES_ON)),
        (Reply(202), KILLED, ("stopped", "unknown", GOES_ON)),
        (Reply(202), SUCCESS, ("finished_first", "yes", "children")),
        (Reply(202), rows(row("completed", "failure", TIMED_OUT)), ("finished_first", "unknown", GOES_ON)),
        (Reply(202), RUNNING, ("stopping", "no", GOES_ON)),
        (Reply(202), rows(row("suspended")), ("stopping", "unknown", GOES_ON)),
        # A record is kept for a while only.
        (Reply(202), NONE, ("stopped", "unknown", GOES_ON)),
        (Reply(202), Reply(503, {"message": "Query service not available"}), ("stopping", "unknown", GOES_ON)),
        # It had not begun.
        (Reply(200), NONE, ("stopped", "yes", "")),
        # It had ended, by itself or not: the record tells.
        (OVER, SUCCESS, ("already_finished", "yes", "")),
        (OVER, CANCELLED, ("already_finished", "unknown", GOES_ON)),
        (OVER, rows(row("completed", "failure", TIMED_OUT)), ("already_finished", "unknown", "current_step")),
        (OVER, rows(row("completed", "failure", "[409] taken")), ("already_finished", "unknown", "current_step")),
        (OVER, Reply(503, {"message": "Query service not available"}), ("already_finished", "unknown", "current_step")),
        (OVER, RUNNING, ("unknown", "no", "current_step")),
        (error(404, f"The requested invocation '{ID}' does not exist"), NONE, ("not_found", "unknown", "")),
        (error(400, "The request field 'invocation_id' is invalid."), NONE, ("invalid_arguments", "unknown", "")),
        # Many servers have a message: this one has more.
        (Reply(404, {"message": "no Route matched with those values"}), RUNNING, ("unknown", "no", "")),
        (error(503, "cannot route"), RUNNING, ("unknown", "no", "")),
        (Reply(202, {"message": "accepted"}), RUNNING, ("unknown", "no", "")),
    ],
)
async def test_an_answer_of_a_cancel_means(answer: Reply, look: Reply, said: tuple[str, str, str]) -> None:
    came = await stop(answer, look)
    assert came.said == said
    assert came.asked[0] == CANCEL


@pytest.mark.parametrize(
    ("answer", "look", "said"),
    [
        (Reply(200), KILLED, ("stopped", "unknown", GOES_ON)),
        (OVER, KILLED, ("already_finished", "unknown", GOES_ON)),
        (OVER, SUCCESS, ("already_finished", "yes", "")),
        (error(404, f"The requested invocation '{ID}' does not exist"), NONE, ("not_found", "unknown", "")),
    ],
)
async def test_an_answer_of_a_kill_means(answer: Reply, look: Reply, said: tuple[str, str, str]) -> None:
    came = await stop(answer, look, how="kill")
    assert came.said == said
    assert came.asked[0] == KILL


async def test_a_kill_is_offered_after_a_cancel_was_watched_in_vain() -> None:
    early = await stop(Reply(202), RUNNING, wait_seconds=2)
    assert "terminate kill_restate_invocation" not in early.offered
    assert "may swallow it" not in early.answer["message"]
    late = await stop(Reply(202), RUNNING, wait_seconds=6)
    assert late.offered["terminate kill_restate_invocation"] == {"invocation_id": ID, "wait_seconds": 20}
    assert "meets a cancellation at its next await, and may swallow it" in late.answer["message"]
    over = await stop(Reply(202), CANCELLED)
    assert over.offered == {}


@pytest.mark.parametrize(
    ("look", "said"),
    [
        *[
            (rows(row(word)), ("observed", "no", ""))
            for word in ("scheduled", "pending", "ready", "running", "backing-off")
        ],
        (rows(row("suspended")), ("observed", "unknown", "")),
        (rows(row("paused")), ("observed", "unknown", "current_step")),
        (SUCCESS, ("observed", "yes", "")),
        (CANCELLED, ("observed", "unknown", GOES_ON)),
        (NONE, ("not_found", "unknown", "")),
        (rows(row("running", name=CHILD)), ("unknown", "unknown", "")),
    ],
)
async def test_a_look_is_a_query_that_names_the_invocation(look: Reply, said: tuple[str, str, str]) -> None:
    came = await call("restate", "get_restate_invocation", {"invocation_id": ID}, {LOOK: [look]}, key="a-key")
    assert came.said == said
    query = json.loads(came.sent[0].content)["query"]
    assert query.endswith(f"from sys_invocation where id = '{ID}'")
    assert came.sent[0].headers["accept"] == "application/json", "with any other it answers in a binary form"
    assert came.sent[0].headers["authorization"] == "Bearer a-key"


async def test_where_no_invocation_is_known_those_that_are_can_be_listed() -> None:
    came = await call("restate", "get_restate_invocation", {"invocation_id": ID}, {LOOK: [NONE]})
    assert came.offered["collection list_restate_invocations"] == {}
    known = await call("restate", "get_restate_invocation", {"invocation_id": ID}, {LOOK: [RUNNING]})
    assert "collection list_restate_invocations" not in known.offered


async def test_no_id_leaves_its_place_in_a_query() -> None:
    came = await call("restate", "get_restate_invocation", {"invocation_id": "inv_1' or 'a'='a"}, {})
    assert (came.answer["outcome"], came.asked) == ("invalid_arguments", [])


async def test_what_an_invocation_sent_off_is_stopped_with_it() -> None:
    answers: Answers = {
        CANCEL: [Reply(202)],
        f"PATCH /invocations/{CHILD}/cancel": [Reply(202)],
        f"{LOOK} '{ID}'": [CANCELLED],
        f"{LOOK} '{CHILD}'": [rows(row("completed", "failure", "[409] Cancelled", CHILD))],
        f"{CHILDREN} '{ID}'": [rows(row("running", name=CHILD))],
        f"{CHILDREN} '{CHILD}'": [NONE],
    }
    came = await call("restate", "cancel_restate_invocation", {"invocation_id": ID, "cascade": True}, answers)
    (part,) = came.answer["parts"]
    assert (part["tool"], part["arguments"]) == ("cancel_restate_invocation", {"invocation_id": CHILD})
    assert came.said == ("stopped", "unknown", "current_step"), "children are named only as long as one goes on"


async def test_what_has_not_ended_is_listed_with_its_cancel() -> None:
    came = await call(
        "restate", "list_restate_invocations", {}, {LIST: [rows(row("running"), row("paused", name=CHILD))]}
    )
    items = came.answer["resource"]["items"]
    assert [[each["rel"] for each in item["allowed_actions"]] for item in items] == [["item", "cancel"]] * 2
