"""The xpander.ai sandbox: its dialect, and each of its traps."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.clock import Clock

from pullcord.sandbox import CONFIDENTIAL, Sandbox
from pullcord.sandbox.xpander import KEY, RATE_LIMITED_KEY, STOPS_SLOWLY, Ids

pytestmark = pytest.mark.anyio

TASKS = "/xpander/v1/tasks"
IDS = Ids()


@pytest.fixture(name="xpander")
def _xpander(http: httpx2.AsyncClient) -> httpx2.AsyncClient:
    http.headers["x-api-key"] = KEY
    return http


async def stop(client: httpx2.AsyncClient, task_id: str) -> dict[str, Any]:
    answer = await client.post(f"{TASKS}/{task_id}/stop")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def get(client: httpx2.AsyncClient, task_id: str) -> dict[str, Any]:
    body: dict[str, Any] = (await client.get(f"{TASKS}/{task_id}")).json()
    return body


@pytest.mark.parametrize("task_id", [IDS.executing_task, IDS.pending_task, IDS.paused_task])
async def test_a_stop_may_be_done_at_once(xpander: httpx2.AsyncClient, task_id: str) -> None:
    task = await stop(xpander, task_id)
    assert (task["status"], task["is_manually_stopped"]) == ("stopped", True)
    assert task["finished_at"] == "2026-10-01T12:00:00Z"


async def test_a_slow_worker_executes_until_it_observes_the_signal(xpander: httpx2.AsyncClient, clock: Clock) -> None:
    task = await stop(xpander, IDS.slow_task)
    assert (task["status"], task["is_manually_stopped"], task["finished_at"]) == ("executing", False, None)
    clock.pass_seconds(2)
    assert (await stop(xpander, IDS.slow_task))["status"] == "executing"
    clock.pass_seconds(1)
    task = await get(xpander, IDS.slow_task)
    assert (task["status"], task["is_manually_stopped"]) == ("stopped", True)
    assert task["finished_at"] == "2026-10-01T12:00:03Z"


async def test_a_task_may_complete_before_the_signal_is_observed(xpander: httpx2.AsyncClient, clock: Clock) -> None:
    assert (await stop(xpander, IDS.finishing_task))["status"] == "executing"
    clock.pass_seconds(3)
    task = await get(xpander, IDS.finishing_task)
    assert (task["status"], task["is_manually_stopped"]) == ("completed", False)
    assert task["result"] == "Sort the inbox: done"


@pytest.mark.parametrize(
    ("task_id", "status", "manually"),
    [
        (IDS.completed_task, "completed", False),
        (IDS.failed_task, "failed", False),
        (IDS.error_task, "error", False),
        (IDS.system_stopped_task, "stopped", False),
        (IDS.manually_stopped_task, "stopped", True),
    ],
)
async def test_a_task_that_has_ended_comes_back_unchanged(
    xpander: httpx2.AsyncClient, task_id: str, status: str, *, manually: bool
) -> None:
    before = await get(xpander, task_id)
    after = await stop(xpander, task_id)
    assert after == before
    assert (after["status"], after["is_manually_stopped"]) == (status, manually)


async def test_sub_executions_run_on_after_their_parent_is_stopped(xpander: httpx2.AsyncClient, clock: Clock) -> None:
    parent = await stop(xpander, IDS.parent_task)
    assert (parent["status"], parent["finished_sub_executions"]) == ("stopped", [])
    assert parent["sub_executions"] == [IDS.first_sub_task, IDS.second_sub_task]
    clock.pass_seconds(86_400)
    for child in parent["sub_executions"]:
        task = await get(xpander, child)
        assert (task["status"], task["parent_execution"]) == ("executing", IDS.parent_task)
    await stop(xpander, IDS.first_sub_task)
    assert (await get(xpander, IDS.parent_task))["finished_sub_executions"] == [IDS.first_sub_task]


async def test_a_record_writes_its_nulls_out_and_hands_secrets_back(xpander: httpx2.AsyncClient) -> None:
    task = await get(xpander, IDS.pending_task)
    assert [task[name] for name in ("started_at", "paused_at", "finished_at", "result")] == [None] * 4
    for name in ("user_tokens", "user_oidc_token", "payload_extension", "mcp_servers", "input"):
        assert CONFIDENTIAL in str(task[name])


async def test_a_list_comes_in_pages_newest_first_without_the_manual_flag(
    xpander: httpx2.AsyncClient,
) -> None:
    page = (await xpander.get(TASKS, params={"page": 2, "per_page": 5})).json()
    assert {name: page[name] for name in page if name != "items"} == {
        "total": 13,
        "page": 2,
        "per_page": 5,
        "total_pages": 3,
    }
    ids = [item["id"] for item in page["items"]]
    assert ids[:2] == [IDS.first_sub_task, IDS.parent_task]
    assert IDS.foreign_task not in ids
    assert "is_manually_stopped" not in page["items"][0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "stopped"}, [IDS.manually_stopped_task, IDS.system_stopped_task]),
        ({"parent_task_id": IDS.parent_task}, [IDS.second_sub_task, IDS.first_sub_task]),
        ({"agent_id": "nobody"}, []),
        ({"from_date": "2026-10-01T11:13:00Z", "agent_id": IDS.agent}, [IDS.pending_task]),
        ({"to_date": "2026-10-01T11:00:30"}, [IDS.completed_task]),
    ],
)
async def test_a_list_can_be_narrowed_down(
    xpander: httpx2.AsyncClient, query: dict[str, str], expected: list[str]
) -> None:
    page = (await xpander.get(TASKS, params=query)).json()
    assert [item["id"] for item in page["items"]] == expected


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"page": "0"}, "greater_than_equal"),
        ({"per_page": "51"}, "less_than_equal"),
        ({"per_page": "many"}, "int_parsing"),
        ({"status": "cancelled"}, "enum"),
        ({"from_date": "yesterday"}, "datetime_parsing"),
    ],
)
async def test_a_bad_filter_is_a_validation_error(
    xpander: httpx2.AsyncClient, query: dict[str, str], kind: str
) -> None:
    answer = await xpander.get(TASKS, params=query)
    ((name, value),) = query.items()
    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert (fault["loc"], fault["type"], fault["input"]) == (["query", name], kind, value)


async def test_a_malformed_id_is_a_validation_error_in_a_list(xpander: httpx2.AsyncClient) -> None:
    answer = await xpander.post(f"{TASKS}/thread-async-456/stop")
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {
                "loc": ["path", "task_id"],
                "msg": "Input should be a valid UUID",
                "type": "uuid_parsing",
                "input": "thread-async-456",
            }
        ]
    }


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "other"}, {"Authorization": f"Bearer {KEY}"}])
async def test_the_key_belongs_into_its_own_header(http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    answer = await http.get(TASKS, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid or missing API key"})


async def test_a_key_out_of_its_rate_is_turned_away(http: httpx2.AsyncClient) -> None:
    answer = await http.get(TASKS, headers={"x-api-key": RATE_LIMITED_KEY})
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (429, "0")


async def test_another_organisations_task_is_forbidden_and_an_unknown_one_not_found(
    xpander: httpx2.AsyncClient,
) -> None:
    foreign = await xpander.post(f"{TASKS}/{IDS.foreign_task}/stop")
    assert foreign.status_code == 403
    unknown = await xpander.get(f"{TASKS}/fbd08e4d-cfa7-4838-b6e6-ffffffffffff")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Task not found"})


async def test_an_unknown_route_and_a_wrong_method_speak_fastapi(xpander: httpx2.AsyncClient) -> None:
    lost = await xpander.get("/xpander/v1/stop")
    assert (lost.status_code, lost.json()) == (404, {"detail": "Not Found"})
    wrong = await xpander.delete(f"{TASKS}/{IDS.executing_task}")
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})


async def test_work_can_be_added(xpander: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    parent = sandbox.xpander.add_task(reaction=STOPS_SLOWLY)
    child = sandbox.xpander.add_task("pending", parent=parent)
    assert (await get(xpander, parent))["sub_executions"] == [child]
    assert (await stop(xpander, parent))["status"] == "executing"
