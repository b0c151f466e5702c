"""opencode: answers as its server 1.18.33 gave them."""

import base64
import json
from typing import Any

import pytest
from tests.platforms.server import ADDRESS, Answers, Came, Reply, call

pytestmark = pytest.mark.anyio

SESSION = "ses_deb268811ffe6oTXHX7jyvVbe3"
UNKNOWN = "ses_000000000000aaaaaaaaaaaaaa"
MESSAGE, OLDER = "msg_214d97e5b0013DiZ2os81coSAD", "msg_214d978a9001JxJ9uFTGaz0wHF"
ABORT = f"POST /session/{SESSION}/abort"
MESSAGES = f"GET /session/{SESSION}/message"
LOOK = f"{MESSAGES}/{MESSAGE}"
AUTH = "opencode:the password"
TRUE = Reply(200, "true", "application/json")
NO_KEY = Reply(401)
NO_SESSION = Reply(
    404, {"name": "NotFoundError", "data": {"message": "Session not found: ses_000000000000aaaaaaaaaaaaaa"}}
)
ABORTED = {"name": "MessageAbortedError", "data": {"message": "Aborted"}}
FAILED = {"name": "APIError", "data": {"message": "Internal Server Error"}}
LEFT = "processes requests"
OPEN = f"current_step {LEFT}"


def message(name: str = MESSAGE, role: str = "assistant", **info: object) -> dict[str, Any]:
    path = {"cwd": "/srv/project", "root": "/"}
    made = {"id": name, "sessionID": SESSION, "role": role, "time": {"created": 1795646127707}, "path": path}
    return {"info": {**made, **info}, "parts": [{"type": "text", "text": "word1 word2"}]}


def ended(name: str = MESSAGE, **info: object) -> dict[str, Any]:
    made = message(name)
    made["info"] |= {"time": {"created": 1795646127707, "completed": 1795646132221}, **info}
    return made


WORKS = message()
PROMPT = message(OLDER, "user")
QUEUED = message("msg_214d99999999", "user")
CANCELLED = ended(error=ABORTED)
DONE = ended(finish="stop")


async def abort(answer: Reply, before: list[Reply], look: dict[str, Any] | None = None, **arguments: object) -> Came:
    answers: Answers = {ABORT: [answer], MESSAGES: before, LOOK: [Reply(200, look) if look else NO_SESSION]}
    return await opencode("abort_opencode_session", {"sessionID": SESSION, **arguments}, answers)


async def opencode(tool: str, arguments: dict[str, object], answers: Answers) -> Came:
    settings = {"OPENCODE_SERVER_URL": ADDRESS, "OPENCODE_SERVER_AUTH": AUTH}
    return await call("opencode", tool, arguments, answers, settings=settings)


def shown(*messages: dict[str, Any]) -> Reply:
    return Reply(200, [*messages])


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (CANCELLED, ("stopped", "yes", LEFT)),
        (DONE, ("finished_first", "yes", LEFT)),
        (ended(error=FAILED), ("finished_first", "unknown", LEFT)),
        (ended(finish="tool-calls"), ("finished_first", "unknown", LEFT)),
        # As a server leaves it that was ended in the middle of the message.
        (WORKS, ("stopping", "unknown", OPEN)),
    ],
)
async def test_an_abort_came_to_what_the_message_says_that_was_open_before(
    look: dict[str, Any], said: tuple[str, str, str]
) -> None:
    came = await abort(TRUE, [shown(PROMPT, WORKS)], look)
    assert came.said == said
    assert came.answer["target"] == {"sessionID": SESSION, "message_id": MESSAGE}
    assert came.asked[:4] == [f"{MESSAGES}?limit=10", f"{MESSAGES}?limit=1", ABORT, LOOK]
    assert came.sent[0].headers["authorization"] == f"Basic {base64.b64encode(AUTH.encode()).decode()}"


async def test_a_prompt_that_waits_does_not_hide_the_message_that_is_worked_on() -> None:
    came = await abort(TRUE, [shown(PROMPT, WORKS, QUEUED)], CANCELLED)
    assert came.said == ("stopped", "yes", LEFT)


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        ([], ("nothing_running", "yes", "")),
        ([DONE], ("nothing_running", "yes", LEFT)),
        ([CANCELLED], ("nothing_running", "yes", LEFT)),
        ([ended(error=FAILED)], ("nothing_running", "unknown", LEFT)),
    ],
)
async def test_a_session_that_is_idle_is_not_aborted_though_it_would_say_true(
    newest: list[dict[str, Any]], said: tuple[str, str, str]
) -> None:
    came = await abort(TRUE, [shown(*newest)])
    assert came.said == said
    assert came.asked == [f"{MESSAGES}?limit=10", f"{MESSAGES}?limit=1"]


async def test_a_session_that_does_not_exist_is_not_aborted_though_it_would_say_true() -> None:
    place = f"GET /session/{UNKNOWN}/message"
    came = await opencode("abort_opencode_session", {"sessionID": UNKNOWN}, {place: [NO_SESSION]})
    assert came.said == ("not_found", "unknown", "")
    assert came.asked == [f"{place}?limit=10", f"{place}?limit=1"]
    assert came.offered["collection list_opencode_sessions"] == {}


async def test_what_is_no_sessions_id_is_sent_nothing() -> None:
    came = await opencode("abort_opencode_session", {"sessionID": "bogus"}, {})
    assert (came.answer["outcome"], came.asked) == ("invalid_arguments", [])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        # Its first message had not come yet: the abort leaves one that is aborted.
        ([PROMPT], CANCELLED, ("stopped", "yes", LEFT)),
        # Between two steps none is open.
        ([ended(OLDER, finish="tool-calls")], CANCELLED, ("stopped", "yes", LEFT)),
        ([ended(OLDER, finish="tool-calls")], DONE, ("finished_first", "yes", LEFT)),
        ([ended(OLDER, finish="tool-calls")], ended(OLDER, finish="tool-calls"), ("stopping", "unknown", OPEN)),
        ([PROMPT], QUEUED, ("stopping", "unknown", LEFT)),
    ],
)
async def test_a_turn_that_has_no_open_message_is_not_called_idle(
    before: list[dict[str, Any]], after: dict[str, Any], said: tuple[str, str, str]
) -> None:
    came = await abort(TRUE, [shown(*before), shown(*before), shown(after)])
    assert came.said == said
    assert came.asked[:3] == [f"{MESSAGES}?limit=10", f"{MESSAGES}?limit=1", ABORT]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (NO_KEY, ("denied", "unknown", "")),
        (Reply(400, {"name": "BadRequest", "data": {"kind": "Params"}}), ("invalid_arguments", "unknown", "")),
        (Reply(200, "false", "application/json"), ("unknown", "yes", LEFT)),
        (Reply(200, {"ok": True}), ("unknown", "yes", LEFT)),
        (Reply(500, {"name": "UnknownError", "data": {"ref": "err_904762ed"}}), ("unknown", "yes", LEFT)),
        (Reply(502, "Bad Gateway"), ("unknown", "yes", LEFT)),
    ],
)
async def test_an_answer_that_is_not_true_is_not_believed(answer: Reply, said: tuple[str, str, str]) -> None:
    came = await abort(answer, [shown(PROMPT, WORKS)], DONE)
    assert came.said == said
    assert came.asked.count(ABORT) == 1, "what a second one would stop may be another turn"


async def test_only_the_turn_is_aborted_that_was_expected() -> None:
    came = await abort(TRUE, [shown(WORKS)], CANCELLED, expect_message_id=OLDER)
    assert came.said == ("target_changed", "unknown", "")
    assert ABORT not in came.asked
    expecting = came.offered["cancel abort_opencode_session"]
    assert expecting["expect_message_id"] == MESSAGE

    again = await abort(TRUE, [shown(WORKS)], CANCELLED, expect_message_id=MESSAGE)
    assert again.said == ("stopped", "yes", LEFT)
    idle = await abort(TRUE, [shown(DONE)], DONE, expect_message_id=MESSAGE)
    assert (idle.said, ABORT in idle.asked) == (("target_changed", "unknown", ""), False)


async def test_where_a_server_had_left_a_message_open_the_last_one_tells() -> None:
    came = await abort(TRUE, [shown(message(OLDER), PROMPT, WORKS), shown(WORKS), shown(CANCELLED)])
    assert came.said == ("stopped", "yes", LEFT)


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        ([WORKS], ("observed", "unknown", OPEN)),
        ([ended(finish="tool-calls")], ("observed", "unknown", OPEN)),
        ([PROMPT], ("observed", "unknown", "")),
        ([CANCELLED], ("observed", "yes", LEFT)),
        ([DONE], ("observed", "yes", LEFT)),
        ([], ("observed", "yes", "")),
    ],
)
async def test_the_last_message_tells_of_a_turn(newest: list[dict[str, Any]], said: tuple[str, str, str]) -> None:
    came = await opencode("get_opencode_turn", {"sessionID": SESSION}, {MESSAGES: [shown(*newest)]})
    assert came.said == said
    assert "word1" not in json.dumps(came.answer)


async def test_what_is_busy_is_found_in_the_map_of_each_directory() -> None:
    busy = {SESSION: {"type": "busy"}, UNKNOWN: {"type": "retry", "attempt": 2}, "ses_idle": {"type": "idle"}}
    sessions = [
        {"id": f"ses_{number}", "directory": directory, "title": "slow work"}
        for number, directory in enumerate(["/srv/project", "/srv/other", "/srv/project"])
    ]
    answers: Answers = {
        "GET /experimental/session": [Reply(200, [*sessions])],
        "GET /session/status": [Reply(200, busy), Reply(200, {})],
    }
    came = await opencode("find_running", {}, answers)
    assert [each for each in came.asked if "status" in each] == [
        "GET /session/status?directory=%2Fsrv%2Fproject",
        "GET /session/status?directory=%2Fsrv%2Fother",
    ]
    found = [step for item in came.answer["resource"]["items"] for step in item["allowed_actions"]]
    assert [step["arguments"]["sessionID"] for step in found if step["rel"] == "cancel"] == [UNKNOWN, SESSION]
