"""OpenHands: answers as openhands-agent-server 1.58.2 gave them."""

from typing import Any

import pytest
from tests.platforms.server import Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

ID = "560522f4-3405-4733-85ec-8982d75d9de1"
CHILD = "7774aee4-323a-45ec-a698-f69eb45ea921"
PLACE = f"/api/conversations/{ID}"
LOOK, INTERRUPT, PAUSE, DELETE = f"GET {PLACE}", f"POST {PLACE}/interrupt", f"POST {PLACE}/pause", f"DELETE {PLACE}"
ACCEPTED = Reply(200, {"success": True})
MISSING = Reply(404, {"detail": "Not Found"})
LEFT = "children processes"
ALL = "children current_step processes"


def record(status: str, name: str = ID, children: tuple[str, ...] = ()) -> dict[str, Any]:
    hidden = {"agent": {"llm": {"api_key": "secret"}}, "secret_registry": {}, "workspace": {}}
    times = {"created_at": "2026-11-25T22:31:35.042983Z", "updated_at": "2026-11-25T22:32:35.042983Z"}
    return {"id": name, "execution_status": status, "sub_conversation_ids": list(children), **times, **hidden}


def conversation(status: str, name: str = ID, children: tuple[str, ...] = ()) -> Reply:
    return Reply(200, record(status, name, children))


RUNNING, PAUSED = conversation("running"), conversation("paused")


async def ask(tool: str, looks: list[Reply], answer: Reply = ACCEPTED, **arguments: object) -> Came:
    answers: Answers = {INTERRUPT: [answer], PAUSE: [answer], DELETE: [answer], LOOK: looks}
    return await call("openhands", f"{tool}_openhands_conversation", {"conversation_id": ID, **arguments}, answers)


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        # The agent's loop has ended; what its shell runs may not have.
        ([RUNNING, PAUSED], ("stopped", "unknown", ALL)),
        ([RUNNING], ("stopping", "no", ALL)),
        ([RUNNING, conversation("finished")], ("finished_first", "unknown", ALL)),
        ([RUNNING, conversation("stuck")], ("finished_first", "unknown", ALL)),
        ([RUNNING, MISSING], ("stopping", "unknown", ALL)),
        # It waits for a person, and goes on waiting.
        ([conversation("waiting_for_confirmation")], ("stopping", "unknown", ALL)),
    ],
)
async def test_an_interrupt_says_the_same_of_each_so_looks_tell(looks: list[Reply], said: tuple[str, str, str]) -> None:
    came = await ask("interrupt", looks)
    assert came.said == said
    assert came.asked[:2] == [LOOK, INTERRUPT]


@pytest.mark.parametrize("tool", ["interrupt", "pause"])
@pytest.mark.parametrize(
    ("look", "said"),
    [
        (PAUSED, ("already_finished", "unknown", ALL)),
        (conversation("finished"), ("already_finished", "unknown", LEFT)),
        (conversation("error"), ("already_finished", "unknown", LEFT)),
        (conversation("idle"), ("nothing_running", "unknown", LEFT)),
        (MISSING, ("not_found", "unknown", "")),
    ],
)
async def test_what_does_not_run_is_not_asked_to_stop(tool: str, look: Reply, said: tuple[str, str, str]) -> None:
    came = await ask(tool, [look])
    assert came.said == said
    assert came.asked == [LOOK]


async def test_a_command_of_the_shell_survives_an_interrupt_and_the_answer_says_what_ends_it() -> None:
    came = await ask("interrupt", [RUNNING, PAUSED])
    assert "A command that the agent's shell had started may go on" in came.answer["message"]
    assert "delete_openhands_conversation" in came.answer["message"]
    assert "processes" in came.answer["may_go_on"]


async def test_a_pause_says_that_it_waits_and_what_does_not() -> None:
    note = "A pause waits for the model's present answer, which may take minutes; an interrupt does not."
    assert note in (await ask("pause", [RUNNING])).answer["message"]
    assert note not in (await ask("interrupt", [RUNNING])).answer["message"]


@pytest.mark.parametrize("tool", ["get", "interrupt", "pause"])
async def test_what_is_idle_may_be_about_to_run(tool: str) -> None:
    note = "One that was started seconds ago is called idle, too, and runs a moment later."
    assert note in (await ask(tool, [conversation("idle")])).answer["message"]
    assert note not in (await ask(tool, [conversation("finished")])).answer["message"]


async def test_the_ladder_leads_from_a_pause_to_an_interrupt_to_a_delete() -> None:
    paused = await ask("pause", [RUNNING], wait_seconds=8)
    assert paused.said == ("stopping", "no", ALL)
    named = {"conversation_id": ID}
    assert named.items() <= paused.offered["terminate interrupt_openhands_conversation"].items()
    waiting = await ask("interrupt", [conversation("waiting_for_confirmation")], wait_seconds=8)
    assert named.items() <= waiting.offered["terminate delete_openhands_conversation"].items()
    early = await ask("interrupt", [conversation("waiting_for_confirmation")], wait_seconds=2)
    assert not [name for name in early.offered if name.startswith("terminate")]


async def test_a_delete_is_sent_without_a_look_and_the_conversation_is_gone() -> None:
    came = await ask("delete", [MISSING])
    assert came.said == ("stopped", "unknown", LEFT)
    assert came.asked == [DELETE, LOOK]
    assert "The conversation is erased." in came.answer["message"]
    assert (await ask("delete", [MISSING], MISSING)).said == ("not_found", "unknown", "")


async def test_child_conversations_are_stopped_with_their_parent() -> None:
    answers: Answers = {
        LOOK: [*[conversation("running", children=(CHILD,))] * 2, conversation("paused", children=(CHILD,))],
        INTERRUPT: [ACCEPTED],
        f"GET /api/conversations/{CHILD}": [*[conversation("running", CHILD)] * 2, conversation("paused", CHILD)],
        f"POST /api/conversations/{CHILD}/interrupt": [ACCEPTED],
    }
    arguments = {"conversation_id": ID, "cascade": True}
    came = await call("openhands", "interrupt_openhands_conversation", arguments, answers)
    assert [(each["arguments"], each["outcome"]) for each in came.answer["parts"]] == [
        ({"conversation_id": CHILD}, "stopped")
    ]
    assert "children" not in came.answer["may_go_on"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Reply(401, {"detail": "Unauthorized"}), ("denied", "unknown", "")),
        (MISSING, ("not_found", "unknown", "")),
        (
            Reply(422, {"detail": [{"loc": ["path", "conversation_id"], "msg": "no UUID"}]}),
            ("invalid_arguments", "unknown", ""),
        ),
        (Reply(200, {"success": False}), ("unknown", "no", "")),
        (Reply(503, {"detail": "not ready"}), ("unknown", "no", "")),
    ],
)
async def test_an_error_of_an_interrupt_means(answer: Reply, said: tuple[str, str, str]) -> None:
    assert (await ask("interrupt", [RUNNING], answer)).said == said


async def test_a_list_shows_no_secret_and_offers_to_interrupt_what_runs() -> None:
    found = {"items": [record("running"), record("finished", CHILD)], "next_page_id": "2"}
    answers: Answers = {"GET /api/conversations/search": [Reply(200, found)]}
    settings = {"OPENHANDS_SESSION_API_KEY": "the-key"}
    came = await call("openhands", "list_openhands_conversations", {"status": "running"}, answers, settings=settings)
    assert came.asked == ["GET /api/conversations/search?status=running&limit=20"]
    assert came.sent[0].headers["x-session-api-key"] == "the-key"
    items = came.answer["resource"]["items"]
    assert [[each["rel"] for each in item["allowed_actions"]] for item in items] == [["item", "cancel"], []]
    assert "secret" not in str(came.answer)
    assert came.offered["next list_openhands_conversations"]["page_id"] == "2"
