"""LangGraph: answers as `langgraph dev` (langgraph-api 0.16.7) gave them."""

import json

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

THREAD = "01a214d2-9b56-7641-9885-28cc05853af8"
RUN = "01a214d2-9b59-74e1-a9a7-695d2b0b8105"
IDS = {"thread_id": THREAD, "run_id": RUN}
LOOK, UP = f"GET /threads/{THREAD}/runs/{RUN}", f"GET /threads/{THREAD}"
CANCEL = f"POST /threads/{THREAD}/runs/{RUN}/cancel"
ACCEPTED = Reply(202)
MISSING = Reply(404, {"detail": "Not Found"})
NONE = Reply(404, {"detail": "No runs found to cancel."})
TEXT = (
    "No matching runs to cancel. Please verify the thread ID and run IDs are correct, and the runs haven't been deleted"
    " or completed."
)
OVER = Reply(404, {"detail": TEXT})
GOES_ON = "current_step processes"
BUSY = "The thread is busy"


def run(status: str) -> Reply:
    metadata = {"graph_id": "task"}
    return Reply(200, {**IDS, "status": status, "metadata": metadata, "kwargs": {"input": {"seconds": 300}}})


def thread(status: str, error: str | None = None) -> Reply:
    body = {"thread_id": THREAD, "status": status, "values": {"seconds": 300}, "error": error and {"error": error}}
    return Reply(200, body)


INTERRUPTED = thread("interrupted", "UserInterrupt")


async def cancel(answer: Reply, runs: list[Reply], threads: list[Reply], **arguments: object) -> Came:
    answers = {CANCEL: [answer], LOOK: runs, UP: threads}
    return await call("langgraph", "cancel_langgraph_run", {**IDS, **arguments}, answers)


@pytest.mark.parametrize(
    ("answer", "runs", "threads", "said"),
    [
        # The record says interrupted at once: only the thread tells when the node has left.
        (ACCEPTED, [run("interrupted")], [INTERRUPTED], ("stopped", "unknown", GOES_ON)),
        (ACCEPTED, [run("interrupted")], [thread("busy"), INTERRUPTED], ("stopped", "unknown", GOES_ON)),
        (ACCEPTED, [run("interrupted")], [thread("busy")], ("stopping", "unknown", GOES_ON)),
        (ACCEPTED, [run("interrupted")], [thread("idle")], ("stopped", "unknown", GOES_ON)),
        (ACCEPTED, [run("interrupted")], [MISSING], ("stopped", "unknown", GOES_ON)),
        (ACCEPTED, [run("interrupted")], [Reply(502)], ("stopping", "unknown", GOES_ON)),
        (ACCEPTED, [run("success")], [thread("idle")], ("finished_first", "yes", "processes")),
        # Another run works on the thread by now: this one has ended all the same.
        (ACCEPTED, [run("success")], [thread("busy")], ("finished_first", "yes", "processes")),
        (ACCEPTED, [run("error")], [thread("error")], ("finished_first", "unknown", GOES_ON)),
        (ACCEPTED, [run("running")], [thread("busy")], ("stopping", "no", GOES_ON)),
        (ACCEPTED, [MISSING], [thread("idle")], ("stopping", "unknown", GOES_ON)),
        (Reply(200, {}), [run("interrupted")], [INTERRUPTED], ("stopped", "unknown", GOES_ON)),
        # One answer for a run that ended, and for one that was cancelled and whose node still works.
        (OVER, [run("success")], [thread("idle")], ("already_finished", "yes", "")),
        (OVER, [run("success")], [thread("interrupted")], ("already_finished", "yes", "")),
        (OVER, [run("success")], [thread("busy")], ("already_finished", "yes", "")),
        (OVER, [run("timeout")], [thread("error")], ("already_finished", "unknown", "current_step")),
        (OVER, [Reply(502)], [Reply(502)], ("stopping", "unknown", "current_step")),
        (OVER, [run("interrupted")], [INTERRUPTED], ("already_finished", "unknown", GOES_ON)),
        (OVER, [run("interrupted")], [thread("busy")], ("stopping", "unknown", GOES_ON)),
        (NONE, [MISSING], [MISSING], ("not_found", "unknown", "")),
        (MISSING, [MISSING], [MISSING], ("unknown", "unknown", "")),
        (Reply(403, {"detail": "Missing authentication headers"}), [MISSING], [MISSING], ("denied", "unknown", "")),
        (Reply(404, "Not Found"), [run("running")], [thread("busy")], ("unknown", "no", "")),
    ],
)
async def test_an_answer_of_a_cancel_means(
    answer: Reply, runs: list[Reply], threads: list[Reply], said: tuple[str, str, str]
) -> None:
    came = await cancel(answer, runs, threads)
    assert came.said == said
    assert came.asked[0] == f"{CANCEL}?action=interrupt"


@pytest.mark.parametrize(
    ("answer", "is_told"),
    [
        (ACCEPTED, True),
        (OVER, True),
        (NONE, False),
        (Reply(422, {"detail": "Invalid run ID: must be a UUID"}), False),
        (Reply(403, {"detail": "Missing authentication headers"}), False),
        (Reply(409, {"detail": "Conflict"}), False),
    ],
)
async def test_runs_that_wait_are_spoken_of_only_where_the_run_ends(answer: Reply, *, is_told: bool) -> None:
    came = await cancel(answer, [run("interrupted")], [INTERRUPTED])
    assert ("on the thread begin" in came.answer["message"]) is is_told


async def test_runs_that_wait_are_not_spoken_of_where_nothing_was_sent() -> None:
    came = await cancel(ACCEPTED, [run("running")], [thread("busy")], run_id="nope")
    assert (came.answer["outcome"], came.asked) == ("invalid_arguments", [])
    assert "on the thread begin" not in came.answer["message"]


async def test_a_cancel_that_came_too_late_for_the_record_is_not_said_to_be_accepted() -> None:
    came = await cancel(OVER, [run("interrupted")], [thread("busy")])
    assert came.answer["message"].startswith("LangGraph did not take the request, and the work may still be running.")


async def test_a_thread_that_stays_busy_is_told_and_the_runs_that_wait_are_offered() -> None:
    came = await cancel(ACCEPTED, [run("interrupted")], [thread("busy")], wait_seconds=5)
    assert BUSY in came.answer["message"]
    assert came.offered == {
        "self get_langgraph_run": {**IDS, "wait_seconds": 20},
        "up get_langgraph_thread": {"thread_id": THREAD},
        "collection list_langgraph_runs": {"thread_id": THREAD},
    }


@pytest.mark.parametrize(
    ("answer", "said", "note"),
    [
        (thread("busy"), ("observed", "unknown", ""), BUSY),
        (INTERRUPTED, ("observed", "unknown", GOES_ON), "because it was cancelled"),
        (thread("interrupted"), ("observed", "unknown", ""), "The graph waits for a person."),
        (thread("idle"), ("observed", "unknown", ""), "Nothing is running here now."),
    ],
)
async def test_a_thread_says_whether_a_run_works_on_it_and_not_which(
    answer: Reply, said: tuple[str, str, str], note: str
) -> None:
    came = await call("langgraph", "get_langgraph_thread", {"thread_id": THREAD}, {UP: [answer]})
    assert came.said == said
    assert note in came.answer["message"]
    assert "values" not in json.dumps(came.answer)


async def test_runs_are_found_by_the_threads_that_are_busy() -> None:
    threads = Reply(200, [{"thread_id": THREAD, "status": "busy", "metadata": {"graph_id": "task"}}])
    found = await call("langgraph", "search_langgraph_threads", {"status": "busy"}, {"POST /threads/search": [threads]})
    (item,) = found.answer["resource"]["items"]
    assert json.loads(found.sent[0].content)["select"] == [
        "thread_id",
        "metadata",
        "status",
        "created_at",
        "updated_at",
    ]
    assert found.sent[0].headers["content-type"] == "application/json"

    (step,) = [each for each in item["allowed_actions"] if each["rel"] == "collection"]
    runs: Answers = {f"GET /threads/{THREAD}/runs": [Reply(200, [run("running").body, run("success").body])]}
    listed = await call("langgraph", step["tool"], step["arguments"], runs, key="a-key")
    assert listed.sent[0].headers["x-api-key"] == "a-key"
    assert "&select=run_id&select=thread_id" in listed.asked[0]
    rels = [[each["rel"] for each in shown["allowed_actions"]] for shown in listed.answer["resource"]["items"]]
    assert rels == [["item", "cancel"], []]
    assert "kwargs" not in json.dumps(listed.answer)
