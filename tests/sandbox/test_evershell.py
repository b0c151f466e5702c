"""The EverShell sandbox: its dialect, and each of its traps."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.clock import Clock

from pullcord.sandbox import Sandbox
from pullcord.sandbox.evershell import KEY, READ_ONLY_KEY, Ids

pytestmark = pytest.mark.anyio

V1 = "/evershell/v1"
IDS = Ids()


@pytest.fixture(name="evershell")
def _evershell(http: httpx2.AsyncClient) -> httpx2.AsyncClient:
    http.headers["Authorization"] = f"Bearer {KEY}"
    return http


async def cancel(client: httpx2.AsyncClient, workspace_id: str) -> httpx2.Response:
    return await client.post(f"{V1}/workspaces/{workspace_id}/task/cancel")


async def statuses(client: httpx2.AsyncClient, workspace_id: str) -> dict[str, str]:
    tasks = (await client.get(f"{V1}/workspaces/{workspace_id}/tasks")).json()
    return {task["id"]: task["status"] for task in tasks}


async def workspace_status(client: httpx2.AsyncClient, workspace_id: str) -> str:
    body: dict[str, Any] = (await client.get(f"{V1}/workspaces/{workspace_id}")).json()
    return str(body["status"])


async def test_a_cancel_is_accepted_without_a_body_and_the_task_ends_after_its_iteration(
    evershell: httpx2.AsyncClient, clock: Clock
) -> None:
    answer = await cancel(evershell, IDS.busy_workspace)
    assert (answer.status_code, answer.content) == (202, b"")
    assert (await statuses(evershell, IDS.busy_workspace))[IDS.busy_task] == "running"
    assert await workspace_status(evershell, IDS.busy_workspace) == "busy"

    clock.pass_seconds(3)
    task = (await evershell.get(f"{V1}/workspaces/{IDS.busy_workspace}/tasks/{IDS.busy_task}")).json()
    assert (task["status"], task["completed_at"]) == ("cancelled", "2026-10-01T12:00:03Z")
    assert task["duration_seconds"] > 0
    assert await workspace_status(evershell, IDS.busy_workspace) == "idle"


async def test_a_repeated_cancel_during_the_same_task_changes_nothing(
    evershell: httpx2.AsyncClient, clock: Clock
) -> None:
    await cancel(evershell, IDS.busy_workspace)
    clock.pass_seconds(2)
    assert (await cancel(evershell, IDS.busy_workspace)).status_code == 202
    clock.pass_seconds(1)
    assert (await statuses(evershell, IDS.busy_workspace))[IDS.busy_task] == "cancelled"


async def test_a_cancel_that_comes_late_hits_the_next_task(evershell: httpx2.AsyncClient, clock: Clock) -> None:
    queue = IDS.queued_workspace
    assert await statuses(evershell, queue) == {IDS.next_task: "submitted", IDS.first_task: "running"}
    await cancel(evershell, queue)
    clock.pass_seconds(3)
    assert await statuses(evershell, queue) == {IDS.next_task: "running", IDS.first_task: "cancelled"}
    await cancel(evershell, queue)
    clock.pass_seconds(3)
    assert await statuses(evershell, queue) == {IDS.next_task: "cancelled", IDS.first_task: "cancelled"}
    assert await workspace_status(evershell, queue) == "idle"


async def test_a_task_may_complete_just_before_the_signal_lands(evershell: httpx2.AsyncClient) -> None:
    assert await statuses(evershell, IDS.finishing_workspace) == {IDS.finishing_task: "running"}
    assert (await cancel(evershell, IDS.finishing_workspace)).status_code == 202
    assert await statuses(evershell, IDS.finishing_workspace) == {IDS.finishing_task: "completed"}


@pytest.mark.parametrize("workspace_id", [IDS.idle_workspace, IDS.stopping_workspace])
async def test_a_cancel_where_nothing_runs_is_accepted_and_does_nothing(
    evershell: httpx2.AsyncClient, workspace_id: str
) -> None:
    before = await statuses(evershell, workspace_id)
    assert (await cancel(evershell, workspace_id)).status_code == 202
    assert await statuses(evershell, workspace_id) == before


@pytest.mark.parametrize(
    ("workspace_id", "status", "code"),
    [
        (IDS.stopped_workspace, 409, "workspace_stopped"),
        (IDS.archived_workspace, 409, "workspace_stopped"),
        (IDS.failed_workspace, 409, "workspace_failed"),
        (IDS.provisioning_workspace, 409, "workspace_provisioning"),
        (IDS.unreachable_workspace, 502, "agent_unreachable"),
        (IDS.hidden_workspace, 403, "workspace_not_visible"),
        ("ws_unknown", 404, "workspace_not_found"),
    ],
)
async def test_a_cancel_that_can_not_work_says_why_in_the_envelope(
    evershell: httpx2.AsyncClient, workspace_id: str, status: int, code: str
) -> None:
    answer = await cancel(evershell, workspace_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert set(answer.json()["error"]) == {"code", "message", "request_id"}


async def test_an_unreachable_agents_task_runs_on(evershell: httpx2.AsyncClient, clock: Clock) -> None:
    await cancel(evershell, IDS.unreachable_workspace)
    clock.pass_seconds(86_400)
    assert await workspace_status(evershell, IDS.unreachable_workspace) == "busy"
    assert await statuses(evershell, IDS.unreachable_workspace) == {IDS.unreachable_task: "compacting"}


@pytest.mark.parametrize("authorization", ["", KEY, f"ApiKey {KEY}", "Bearer sk_other"])
async def test_a_key_must_be_a_known_bearer(http: httpx2.AsyncClient, authorization: str) -> None:
    answer = await http.get(f"{V1}/workspaces", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")


async def test_a_read_only_key_reads_and_does_not_cancel(evershell: httpx2.AsyncClient) -> None:
    evershell.headers["Authorization"] = f"Bearer {READ_ONLY_KEY}"
    answer = await cancel(evershell, IDS.busy_workspace)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    assert await workspace_status(evershell, IDS.busy_workspace) == "busy"


@pytest.mark.parametrize(
    ("workspace_id", "status"),
    [
        (IDS.idle_workspace, "idle"),
        (IDS.stopped_workspace, "stopped"),
        (IDS.failed_workspace, "failed"),
        (IDS.provisioning_workspace, "provisioning"),
        (IDS.stopping_workspace, "stopping"),
        (IDS.finishing_workspace, "busy"),
    ],
)
async def test_a_workspace_tells_its_status(evershell: httpx2.AsyncClient, workspace_id: str, status: str) -> None:
    assert await workspace_status(evershell, workspace_id) == status


async def test_a_task_still_waits_where_its_workspace_is_being_made(evershell: httpx2.AsyncClient) -> None:
    assert await statuses(evershell, IDS.provisioning_workspace) == {IDS.provisioning_task: "submitted"}


async def test_tasks_come_as_a_bare_list_newest_first(evershell: httpx2.AsyncClient) -> None:
    tasks = (await evershell.get(f"{V1}/workspaces/{IDS.busy_workspace}/tasks")).json()
    assert [task["id"] for task in tasks] == [IDS.busy_task, IDS.finished_task]


async def test_an_unknown_task_and_another_workspaces_task_are_not_found(
    evershell: httpx2.AsyncClient,
) -> None:
    for task_id in ("task_unknown", IDS.idle_task):
        answer = await evershell.get(f"{V1}/workspaces/{IDS.busy_workspace}/tasks/{task_id}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "task_not_found")


async def test_the_list_of_workspaces_hides_the_archived_and_the_invisible(
    evershell: httpx2.AsyncClient,
) -> None:
    listed = (await evershell.get(f"{V1}/workspaces", params={"role_name": "maintainer"})).json()
    ids = {workspace["id"] for workspace in listed["workspaces"]}
    assert IDS.busy_workspace in ids
    assert not {IDS.archived_workspace, IDS.hidden_workspace} & ids
    everything = (await evershell.get(f"{V1}/workspaces", params={"include_archived": "true"})).json()
    archived = next(item for item in everything["workspaces"] if item["id"] == IDS.archived_workspace)
    assert archived["archived_at"] == "2026-10-01T11:00:00Z"


async def test_a_bad_filter_names_its_field_and_an_unknown_role_is_not_found(
    evershell: httpx2.AsyncClient,
) -> None:
    bad = await evershell.get(f"{V1}/workspaces", params={"include_archived": "perhaps"})
    assert bad.status_code == 400
    assert bad.json()["error"]["details"] == {"fields": {"include_archived": "must be a boolean"}}
    role = await evershell.get(f"{V1}/workspaces", params={"role_name": "nobody"})
    assert (role.status_code, role.json()["error"]["code"]) == (404, "role_not_found")


async def test_an_unknown_route_and_a_wrong_method_come_in_the_envelope(
    evershell: httpx2.AsyncClient,
) -> None:
    plural = await evershell.post(f"{V1}/workspaces/{IDS.busy_workspace}/tasks/cancel")
    assert (plural.status_code, plural.json()["error"]["code"]) == (405, "method_not_allowed")
    lost = await evershell.get("/evershell/v2/workspaces")
    assert (lost.status_code, lost.json()["error"]["code"]) == (404, "not_found")
    assert lost.json()["error"]["request_id"] != plural.json()["error"]["request_id"]


async def test_work_can_be_added(evershell: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    workspace_id = sandbox.evershell.add_workspace()
    first, second = (sandbox.evershell.add_task(workspace_id) for _ in range(2))
    assert await statuses(evershell, workspace_id) == {second: "submitted", first: "running"}
    stopped = sandbox.evershell.add_workspace("stopped")
    assert (await cancel(evershell, stopped)).status_code == 409


async def test_an_agent_that_is_missed_is_soon_back(evershell: httpx2.AsyncClient, clock: Clock) -> None:
    assert (await cancel(evershell, IDS.unreachable_workspace)).status_code == 502
    clock.pass_seconds(1)
    assert (await cancel(evershell, IDS.unreachable_workspace)).status_code == 202
