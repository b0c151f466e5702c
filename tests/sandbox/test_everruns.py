"""The Everruns sandbox: its dialect, and each of its traps."""

import re

import httpx2
import pytest
from tests.sandbox.clock import Clock

from pullcord.sandbox import CONFIDENTIAL, Sandbox
from pullcord.sandbox.everruns import KEY, RATE_LIMITED_KEY
from pullcord.sandbox.everruns_work import Ids

pytestmark = pytest.mark.anyio

V1 = "/everruns/api/v1"
BEARER = {"Authorization": f"Bearer {KEY}"}
IDS = Ids()


def task_path(task_id: str, session_id: str = IDS.active_session) -> str:
    return f"{V1}/sessions/{session_id}/tasks/{task_id}"


@pytest.fixture(name="everruns")
def _everruns(http: httpx2.AsyncClient) -> httpx2.AsyncClient:
    http.headers.update(BEARER)
    return http


@pytest.mark.parametrize("task_id", [IDS.background_task, IDS.queued_task, IDS.awaiting_task])
async def test_a_cancel_only_sets_a_flag_and_the_task_ends_once_it_has_wound_down(
    everruns: httpx2.AsyncClient, clock: Clock, task_id: str
) -> None:
    before = (await everruns.get(task_path(task_id))).json()["task"]
    asked = await everruns.post(f"{task_path(task_id)}/cancel")
    assert asked.status_code == 200
    assert asked.json()["state"] == before["state"]
    assert asked.json()["cancel_requested_at"] == "2026-10-01T12:00:00Z"
    assert "finished_at" not in asked.json()

    clock.pass_seconds(2.9)
    assert (await everruns.get(task_path(task_id))).json()["task"]["state"] == before["state"]

    clock.pass_seconds(0.1)
    task = (await everruns.get(task_path(task_id))).json()["task"]
    assert (task["state"], task["finished_at"]) == ("canceled", "2026-10-01T12:00:03Z")


async def test_a_repeated_cancel_keeps_the_first_time(everruns: httpx2.AsyncClient, clock: Clock) -> None:
    await everruns.post(f"{task_path(IDS.background_task)}/cancel")
    clock.pass_seconds(2)
    again = await everruns.post(f"{task_path(IDS.background_task)}/cancel")
    assert again.json()["cancel_requested_at"] == "2026-10-01T12:00:00Z"
    clock.pass_seconds(1)
    assert (await everruns.get(task_path(IDS.background_task))).json()["task"]["state"] == "canceled"


async def test_a_task_may_finish_before_its_cancel_takes_effect(everruns: httpx2.AsyncClient, clock: Clock) -> None:
    asked = await everruns.post(f"{task_path(IDS.finishing_task)}/cancel")
    assert asked.json()["state"] == "running"
    clock.pass_seconds(3)
    task = (await everruns.get(task_path(IDS.finishing_task))).json()["task"]
    assert task["state"] == "succeeded"
    assert "cancel_requested_at" in task


async def test_a_monitor_comes_back_canceled(everruns: httpx2.AsyncClient) -> None:
    assert (await everruns.post(f"{task_path(IDS.monitor_task)}/cancel")).json()["state"] == "canceled"


@pytest.mark.parametrize(("task_id", "state"), [(IDS.succeeded_task, "succeeded"), (IDS.failed_task, "failed")])
async def test_a_task_that_has_ended_is_stamped_and_otherwise_left_alone(
    everruns: httpx2.AsyncClient, task_id: str, state: str
) -> None:
    before = (await everruns.get(task_path(task_id))).json()["task"]
    assert "cancel_requested_at" not in before
    after = (await everruns.post(f"{task_path(task_id)}/cancel")).json()
    assert after == before | {"cancel_requested_at": "2026-10-01T12:00:00Z"}
    assert after["state"] == state


async def test_a_subagent_runs_on_until_its_child_sessions_turn_is_cancelled(
    everruns: httpx2.AsyncClient, clock: Clock
) -> None:
    asked = await everruns.post(f"{task_path(IDS.subagent_task)}/cancel")
    assert asked.json()["links"] == {"child_session_id": IDS.child_session}
    clock.pass_seconds(86_400)
    assert (await everruns.get(task_path(IDS.subagent_task))).json()["task"]["state"] == "running"

    await everruns.post(f"{V1}/sessions/{IDS.child_session}/cancel")
    assert (await everruns.get(task_path(IDS.subagent_task))).json()["task"]["state"] == "running"
    clock.pass_seconds(3)
    assert (await everruns.get(task_path(IDS.subagent_task))).json()["task"]["state"] == "canceled"


async def test_a_subagent_that_has_ended_stays_ended_when_its_childs_turn_is_cancelled(
    everruns: httpx2.AsyncClient, sandbox: Sandbox
) -> None:
    child = sandbox.everruns.add_session()
    task_id = sandbox.everruns.add_task("subagent", "succeeded", child_session_id=child)
    await everruns.post(f"{V1}/sessions/{child}/cancel")
    assert (await everruns.get(task_path(task_id))).json()["task"]["state"] == "succeeded"


async def test_cancelling_a_turn_makes_the_session_idle_at_once_and_a_second_time_does_nothing(
    everruns: httpx2.AsyncClient,
) -> None:
    path = f"{V1}/sessions/{IDS.active_session}"
    first = await everruns.post(f"{path}/cancel")
    assert first.json() == {"status": "cancelled", "message": "Turn cancelled successfully"}
    assert (await everruns.get(path)).json()["status"] == "idle"
    second = await everruns.post(f"{path}/cancel")
    assert second.json() == {"status": "no_op", "message": "No turn currently running"}


@pytest.mark.parametrize(
    ("session_id", "status"),
    [
        (IDS.idle_session, "idle"),
        (IDS.waiting_session, "waitingfortoolresults"),
        (IDS.paused_session, "paused"),
        (IDS.started_session, "started"),
    ],
)
async def test_only_an_active_session_has_a_turn_to_cancel(
    everruns: httpx2.AsyncClient, session_id: str, status: str
) -> None:
    answer = await everruns.post(f"{V1}/sessions/{session_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "no_op")
    session = (await everruns.get(f"{V1}/sessions/{session_id}")).json()
    assert session["status"] == status
    assert "cancel" not in [action["rel"] for action in session["allowed_actions"]]


async def test_an_active_session_offers_its_actions_with_absolute_addresses(
    everruns: httpx2.AsyncClient,
) -> None:
    session = (await everruns.get(f"{V1}/sessions/{IDS.active_session}")).json()
    url = f"http://sandbox{V1}/sessions/{IDS.active_session}"
    assert session["self_url"] == url
    assert session["view_url"] == session["ui_link"]
    actions = {action["rel"]: action for action in session["allowed_actions"]}
    assert list(actions) == ["self", "events", "stream", "cancel", "update", "pin", "delete"]
    assert actions["cancel"] == {
        "rel": "cancel",
        "operation_id": "cancel_turn",
        "method": "POST",
        "href": f"{url}/cancel",
        "hint": "Cancel the active turn for this session.",
    }
    assert actions["update"]["schema_ref"] == "#/components/schemas/UpdateSessionRequest"


async def test_a_tasks_detail_wraps_it_with_its_messages(everruns: httpx2.AsyncClient) -> None:
    path = task_path(IDS.background_task)
    detail = (await everruns.get(path)).json()
    assert list(detail) == ["task", "messages"]
    ids = [message["id"] for message in detail["messages"]]
    assert len(ids) == 4
    page = (await everruns.get(path, params={"after_id": ids[0], "limit": 2})).json()
    assert [message["id"] for message in page["messages"]] == ids[1:3]


async def test_a_record_leaves_out_what_is_null_and_carries_what_no_agent_may_see(
    everruns: httpx2.AsyncClient,
) -> None:
    task = (await everruns.get(task_path(IDS.queued_task))).json()["task"]
    assert None not in task.values()
    assert not {"started_at", "links", "error"} & set(task)
    assert CONFIDENTIAL in str(task["spec"])


async def test_the_organisations_tasks_come_as_a_bare_list_newest_first(
    everruns: httpx2.AsyncClient, sandbox: Sandbox
) -> None:
    added = sandbox.everruns.add_task()
    tasks = (await everruns.get(f"{V1}/tasks")).json()
    assert [task["id"] for task in tasks][:2] == [added, IDS.queued_task]
    times = [task["created_at"] for task in tasks]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "queued"}, [IDS.queued_task]),
        ({"kind": "subagent"}, [IDS.subagent_task]),
        ({"root_session_id": IDS.child_session}, []),
        ({"root_session_id": IDS.active_session, "limit": "2"}, [IDS.queued_task, IDS.background_task]),
        ({"created_after": "2026-10-01T11:07:30Z"}, [IDS.queued_task]),
    ],
)
async def test_the_organisations_tasks_can_be_narrowed_down(
    everruns: httpx2.AsyncClient, query: dict[str, str], expected: list[str]
) -> None:
    tasks = (await everruns.get(f"{V1}/tasks", params=query)).json()
    assert [task["id"] for task in tasks] == expected


async def test_a_root_session_finds_the_tasks_of_its_children(everruns: httpx2.AsyncClient) -> None:
    tasks = (await everruns.get(f"{V1}/tasks", params={"root_session_id": IDS.active_session})).json()
    assert {IDS.child_task, IDS.subagent_task} <= {task["id"] for task in tasks}


@pytest.mark.parametrize(
    "query",
    [
        {"state": "cancelled"},
        {"root_session_id": "session_1"},
        {"created_after": "yesterday"},
        {"created_after": "2026-10-01T11:19:00"},
        {"limit": "many"},
    ],
)
async def test_a_filter_that_makes_no_sense_is_a_bad_request(
    everruns: httpx2.AsyncClient, query: dict[str, str]
) -> None:
    answer = await everruns.get(f"{V1}/tasks", params=query)
    assert answer.status_code == 400
    assert "code" not in answer.json()


async def test_sessions_come_in_pages_that_link_to_each_other(everruns: httpx2.AsyncClient) -> None:
    first = (await everruns.get(f"{V1}/sessions", params={"limit": 4})).json()
    assert (first["total"], first["offset"], first["limit"], len(first["data"])) == (6, 0, 4, 4)
    assert "prev_url" not in first
    second = (await everruns.get(first["next_url"])).json()
    assert [session["id"] for session in second["data"]] == [IDS.waiting_session, IDS.idle_session]
    assert "next_url" not in second
    assert (await everruns.get(second["prev_url"])).json()["data"] == first["data"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "MIGRATION"}, 2),
        ({"agent_id": IDS.agent}, 6),
        ({"agent_id": "agent_of_nobody"}, 0),
        ({"limit": "5000"}, 6),
    ],
)
async def test_sessions_can_be_searched(everruns: httpx2.AsyncClient, query: dict[str, str], found: int) -> None:
    page = (await everruns.get(f"{V1}/sessions", params=query)).json()
    assert page["total"] == found
    assert page["limit"] <= 100


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"ApiKey {KEY}", KEY])
async def test_a_key_may_come_with_either_scheme_or_bare(http: httpx2.AsyncClient, authorization: str) -> None:
    answer = await http.get(f"{V1}/tasks", headers={"Authorization": authorization})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer evr_pat_other"}, BEARER | {"X-Org-Id": "org_1"}],
)
async def test_a_bad_key_or_a_malformed_organisation_is_unauthorized(
    http: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await http.post(f"{V1}/sessions/{IDS.active_session}/cancel", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "Unauthorized",
        "status": 401,
        "code": "unauthorized",
        "type": "https://docs.everruns.com/errors/unauthorized",
        "detail": "Authentication required.",
        "instance": f"{V1}/sessions/{IDS.active_session}/cancel",
    }


async def test_the_right_organisation_is_let_in_and_another_is_not_found(
    everruns: httpx2.AsyncClient,
) -> None:
    path = f"{V1}/sessions/{IDS.idle_session}"
    assert (await everruns.get(path, headers={"X-Org-Id": IDS.organization})).status_code == 200
    other = "org_0199aa00000070008000000000000999"
    assert (await everruns.get(path, headers={"X-Org-Id": other})).status_code == 404


async def test_a_key_out_of_its_rate_is_told_when_to_come_back(http: httpx2.AsyncClient) -> None:
    answer = await http.get(f"{V1}/tasks", headers={"Authorization": f"Bearer {RATE_LIMITED_KEY}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.json()["code"] == "rate_limited"
    assert answer.json()["retry_after_seconds"] == 60
    assert answer.json()["allowed_actions"][0]["rel"] == "retry-later"


@pytest.mark.parametrize("reason", ["a" * 1001, "line%0Abreak"])
async def test_a_change_reason_must_be_short_and_printable(everruns: httpx2.AsyncClient, reason: str) -> None:
    headers = {"Everruns-Change-Reason": reason}
    answer = await everruns.post(f"{task_path(IDS.background_task)}/cancel", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_change_reason")


@pytest.mark.parametrize("session_id", ["session_1", f"session_{'A' * 32}", IDS.active_session[:-1], "..x"])
async def test_a_malformed_session_id_is_a_bad_request_without_a_code(
    everruns: httpx2.AsyncClient, session_id: str
) -> None:
    answer = await everruns.post(f"{V1}/sessions/{session_id}/cancel")
    assert answer.status_code == 400
    assert answer.json()["detail"] == f"Invalid session ID: {session_id}"
    assert "code" not in answer.json()


async def test_an_unknown_session_is_not_found_with_a_code_and_an_unknown_task_without(
    everruns: httpx2.AsyncClient,
) -> None:
    unknown = f"session_{'0' * 32}"
    session = await everruns.get(f"{V1}/sessions/{unknown}")
    assert (session.status_code, session.json()["code"]) == (404, "not_found")
    for path in (
        task_path("any-word"),
        task_path(IDS.child_task),
        task_path(IDS.queued_task, IDS.idle_session),
    ):
        task = await everruns.post(f"{path}/cancel")
        assert (task.status_code, task.json()["detail"]) == (404, "Session task not found")
        assert "code" not in task.json()


async def test_an_unknown_route_and_a_wrong_method_are_problems_too(everruns: httpx2.AsyncClient) -> None:
    lost = await everruns.get(f"{V1}/cancel")
    assert (lost.status_code, lost.json()["title"]) == (404, "Not Found")
    wrong = await everruns.get(f"{V1}/sessions/{IDS.active_session}/cancel")
    assert (wrong.status_code, wrong.json()["status"], wrong.headers["allow"]) == (405, 405, "POST")
    for answer in (lost, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await everruns.get(f"{V1}/tasks/")).status_code == 404


async def test_every_answer_has_a_request_id_and_keeps_the_callers(everruns: httpx2.AsyncClient) -> None:
    uuid4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"
    made = (await everruns.get(f"{V1}/nowhere")).headers["x-request-id"]
    assert re.fullmatch(uuid4, made)
    kept = await everruns.get(f"{V1}/tasks", headers={"X-Request-ID": "mine"})
    assert kept.headers["x-request-id"] == "mine"


async def test_work_can_be_added(everruns: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    session_id = sandbox.everruns.add_session(parent_id=IDS.idle_session)
    task_id = sandbox.everruns.add_task("external_agent", session_id=session_id)
    assert (await everruns.post(f"{task_path(task_id, session_id)}/cancel")).json()["state"] == "running"
    found = (await everruns.get(f"{V1}/tasks", params={"root_session_id": IDS.idle_session})).json()
    assert [task["id"] for task in found] == [task_id]
    assert (await everruns.post(f"{V1}/sessions/{session_id}/cancel")).json()["status"] == "cancelled"
