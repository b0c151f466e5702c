"""The EverShell API, in memory: workspaces, each with one task in flight and a queue behind it.

Documented at https://evershell-landing.pages.dev/docs/api-reference/operations/workspacesidtaskcancel/. A
cancel names a workspace and no task, so it hits whatever runs when it arrives.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from typing import Self

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from pullcord.sandbox.dialect import present, speaking
from pullcord.sandbox.world import Clock, Ending, Reaction, iso

KEY = "sk_sandbox_0123456789abcdef"
READ_ONLY_KEY = "sk_sandbox_read_only"

YIELDS = Reaction("cancelled")
FINISHES_FIRST = Reaction("completed", share=0.0)
"""Of a task that is over by the time the signal reaches the agent."""

ENDED = frozenset({"completed", "failed", "cancelled", "delivery_failed"})
IN_FLIGHT = frozenset({"running", "compacting"})

NOT_RUNNING = frozenset({"stopped", "failed", "provisioning"})
"""States of a workspace that has no running task to cancel."""

ROLE_NAME = "maintainer"


def _ulid(n: int) -> str:
    return f"01HZ{n:022d}"


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of the workspaces and tasks at the start, by what is special about each."""

    organization: str = "org_sandbox"
    role: str = f"role_{_ulid(1)}"
    idle_workspace: str = f"ws_{_ulid(1)}"
    stopped_workspace: str = f"ws_{_ulid(2)}"
    failed_workspace: str = f"ws_{_ulid(3)}"
    provisioning_workspace: str = f"ws_{_ulid(4)}"
    stopping_workspace: str = f"ws_{_ulid(5)}"
    archived_workspace: str = f"ws_{_ulid(6)}"
    hidden_workspace: str = f"ws_{_ulid(7)}"
    unreachable_workspace: str = f"ws_{_ulid(8)}"
    finishing_workspace: str = f"ws_{_ulid(9)}"
    queued_workspace: str = f"ws_{_ulid(10)}"
    busy_workspace: str = f"ws_{_ulid(11)}"
    idle_task: str = f"task_{_ulid(1)}"
    stopped_task: str = f"task_{_ulid(2)}"
    failed_task: str = f"task_{_ulid(3)}"
    provisioning_task: str = f"task_{_ulid(4)}"
    hidden_task: str = f"task_{_ulid(7)}"
    unreachable_task: str = f"task_{_ulid(8)}"
    finishing_task: str = f"task_{_ulid(9)}"
    first_task: str = f"task_{_ulid(10)}"
    next_task: str = f"task_{_ulid(11)}"
    finished_task: str = f"task_{_ulid(12)}"
    busy_task: str = f"task_{_ulid(13)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A place where an agent works."""

    id: str
    status: str
    """Its status while no task runs."""
    created_at: datetime
    archived_at: datetime | None = None
    reachable: bool = True
    visible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A piece of work in a workspace."""

    id: str
    workspace_id: str
    description: str
    status: str
    created_at: datetime
    reaction: Reaction = YIELDS
    ending: Ending | None = None
    completed_at: datetime | None = None

    def as_of(self, now: datetime) -> Self:
        """The task at a moment, with its end if that has come."""
        if self.ending is None or now < self.ending.at:
            return self
        return replace(self, status=self.ending.state, completed_at=self.ending.at, ending=None)


class Fault(HTTPException):
    """An error of the platform, which it answers in its envelope."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.code = code
        self.fields = fields


class EverShell:
    """The platform's state and its HTTP API.

    Args:
        clock: tells the time.
        wind_down: seconds that an agent needs to finish its current iteration.
    """

    def __init__(self, clock: Clock, wind_down: float) -> None:
        self._clock = clock
        self._wind_down = wind_down
        self._numbers = count(1000)
        self._faults = count(1)
        self._restart = timedelta(seconds=wind_down / 4)
        self._returns: dict[str, datetime] = {}
        self.ids = Ids()
        now = clock()
        self.workspaces = {workspace.id: workspace for workspace in _workspaces(self.ids, now)}
        self.tasks: dict[str, dict[str, Task]] = {workspace_id: {} for workspace_id in self.workspaces}
        for task in _tasks(self.ids, now):
            self.tasks[task.workspace_id][task.id] = task
        self.app: ASGIApp = speaking(
            (
                ("POST", "/v1/workspaces/{id}/task/cancel", self._cancel),
                ("GET", "/v1/workspaces/{id}/tasks/{tid}", self._get_task),
                ("GET", "/v1/workspaces/{id}/tasks", self._list_tasks),
                ("GET", "/v1/workspaces/{id}", self._get_workspace),
                ("GET", "/v1/workspaces", self._list_workspaces),
            ),
            self._admit,
            self._refusal,
        )

    def add_workspace(self, status: str = "idle") -> str:
        """Make a workspace without tasks, and return its id."""
        workspace_id = f"ws_{_ulid(next(self._numbers))}"
        self.workspaces[workspace_id] = Workspace(id=workspace_id, status=status, created_at=self._clock())
        self.tasks[workspace_id] = {}
        return workspace_id

    def add_task(self, workspace_id: str) -> str:
        """Submit a task, and return its id; it runs at once where the workspace is idle."""
        task_id = f"task_{_ulid(next(self._numbers))}"
        self.tasks[workspace_id][task_id] = Task(
            id=task_id,
            workspace_id=workspace_id,
            description="Added",
            status="submitted",
            created_at=self._clock(),
        )
        return task_id

    def _admit(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in {KEY, READ_ONLY_KEY}:
            raise Fault(401, "unauthenticated", "missing or invalid credentials")
        if key == READ_ONLY_KEY and request.method == "POST":
            raise Fault(403, "permission_denied", "caller lacks required scope")

    def _refusal(self, _: Request, error: HTTPException) -> Response:
        body: dict[str, object] = {
            "code": HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"),
            "message": error.detail,
            "request_id": f"{next(self._faults):08x}",
        }
        if isinstance(error, Fault):
            body["code"] = error.code
            if error.fields is not None:
                body["details"] = {"fields": error.fields}
        return JSONResponse({"error": body}, error.status_code, error.headers)

    def _workspace(self, request: Request) -> Workspace:
        workspace = self.workspaces.get(request.path_params["id"])
        if workspace is None:
            raise Fault(404, "workspace_not_found", "workspace not found")
        if not workspace.visible:
            raise Fault(403, "workspace_not_visible", "workspace is not visible to the caller")
        return workspace

    def _work(self, workspace: Workspace, now: datetime) -> dict[str, Task]:
        """A workspace's tasks, oldest first; where none was in flight, the next one runs."""
        tasks = {task.id: task.as_of(now) for task in self.tasks[workspace.id].values()}
        if workspace.status == "idle" and _running(tasks.values()) is None:
            next_task = next((task for task in tasks.values() if task.status == "submitted"), None)
            if next_task is not None:
                tasks[next_task.id] = replace(next_task, status="running")
        return tasks

    def _cancel(self, request: Request) -> Response:
        workspace = self._workspace(request)
        if workspace.status in NOT_RUNNING:
            raise Fault(409, f"workspace_{workspace.status}", f"workspace is {workspace.status}")
        now = self._clock()
        # An agent that can't be reached is restarted by the first cancel, and can be reached soon after.
        if not workspace.reachable and now < self._returns.setdefault(workspace.id, now + self._restart):
            raise Fault(502, "agent_unreachable", "agent service could not be reached")
        task = _running(self._work(workspace, now).values())
        if task is not None and task.ending is None:
            ending = task.reaction.ending(now, self._wind_down)
            self.tasks[workspace.id][task.id] = replace(task, ending=ending)
        return Response(status_code=202)

    def _get_task(self, request: Request) -> Response:
        task = self._work(self._workspace(request), self._clock()).get(request.path_params["tid"])
        if task is None:
            raise Fault(404, "task_not_found", "task not found")
        return JSONResponse(_task_body(task, self.ids))

    def _list_tasks(self, request: Request) -> Response:
        tasks = self._work(self._workspace(request), self._clock())
        return JSONResponse([_task_body(task, self.ids) for task in reversed(tasks.values())])

    def _get_workspace(self, request: Request) -> Response:
        return JSONResponse(self._workspace_body(self._workspace(request), self._clock()))

    def _list_workspaces(self, request: Request) -> Response:
        archived = request.query_params.get("include_archived", "false")
        if archived not in {"true", "false"}:
            raise Fault(400, "validation_error", "invalid query", {"include_archived": "must be a boolean"})
        if request.query_params.get("role_name", ROLE_NAME) != ROLE_NAME:
            raise Fault(404, "role_not_found", "role not found")
        now = self._clock()
        return JSONResponse(
            {
                "workspaces": [
                    self._workspace_body(workspace, now)
                    for workspace in self.workspaces.values()
                    if workspace.visible and (archived == "true" or workspace.archived_at is None)
                ]
            }
        )

    def _workspace_body(self, workspace: Workspace, now: datetime) -> dict[str, object]:
        busy = workspace.status == "idle" and _running(self._work(workspace, now).values()) is not None
        return present(
            {
                "id": workspace.id,
                "org_id": self.ids.organization,
                "role_id": self.ids.role,
                "environment": "production",
                "status": "busy" if busy else workspace.status,
                "created_by_user_id": "system",
                "pack_status": "current",
                "created_at": iso(workspace.created_at),
                "updated_at": iso(workspace.archived_at or workspace.created_at),
                "archived_at": iso(workspace.archived_at),
            }
        )


def _running(tasks: Iterable[Task]) -> Task | None:
    return next((task for task in tasks if task.status in IN_FLIGHT), None)


def _task_body(task: Task, ids: Ids) -> dict[str, object]:
    completed_at = task.completed_at
    return present(
        {
            "id": task.id,
            "org_id": ids.organization,
            "workspace_id": task.workspace_id,
            "description": task.description,
            "status": task.status,
            "created_at": iso(task.created_at),
            "completed_at": iso(completed_at),
            "duration_seconds": None if completed_at is None else (completed_at - task.created_at).total_seconds(),
            "reason": "cancelled on request" if task.status == "cancelled" else None,
        }
    )


def _workspaces(ids: Ids, now: datetime) -> Iterable[Workspace]:
    """The workspaces at the start: one for each status and trap; busy ones are idle ones with a task."""
    start = now - timedelta(hours=2)
    return (
        Workspace(id=ids.idle_workspace, status="idle", created_at=start),
        Workspace(id=ids.stopped_workspace, status="stopped", created_at=start),
        Workspace(id=ids.failed_workspace, status="failed", created_at=start),
        Workspace(id=ids.provisioning_workspace, status="provisioning", created_at=start),
        Workspace(id=ids.stopping_workspace, status="stopping", created_at=start),
        Workspace(
            id=ids.archived_workspace,
            status="stopped",
            created_at=start,
            archived_at=start + timedelta(hours=1),
        ),
        Workspace(id=ids.hidden_workspace, status="idle", created_at=start, visible=False),
        Workspace(id=ids.unreachable_workspace, status="idle", created_at=start, reachable=False),
        Workspace(id=ids.finishing_workspace, status="idle", created_at=start),
        Workspace(id=ids.queued_workspace, status="idle", created_at=start),
        Workspace(id=ids.busy_workspace, status="idle", created_at=start),
    )


def _tasks(ids: Ids, now: datetime) -> Iterable[Task]:
    """The tasks at the start, oldest first in each workspace."""
    rows: tuple[tuple[str, str, str, str, Reaction], ...] = (
        (ids.idle_task, ids.idle_workspace, "completed", "Update the changelog", YIELDS),
        (ids.stopped_task, ids.stopped_workspace, "cancelled", "Bump the base image", YIELDS),
        (ids.failed_task, ids.failed_workspace, "failed", "Migrate the schema", YIELDS),
        (ids.provisioning_task, ids.provisioning_workspace, "submitted", "Triage new issues", YIELDS),
        (ids.hidden_task, ids.hidden_workspace, "running", "Somebody else's work", YIELDS),
        (ids.unreachable_task, ids.unreachable_workspace, "compacting", "Index the archive", YIELDS),
        (ids.finishing_task, ids.finishing_workspace, "running", "Format the sources", FINISHES_FIRST),
        (ids.first_task, ids.queued_workspace, "running", "Refactor the parser", YIELDS),
        # A second cancel that comes late hits this one, which no caller asked to stop.
        (ids.next_task, ids.queued_workspace, "submitted", "Publish the release", YIELDS),
        (ids.finished_task, ids.busy_workspace, "completed", "Read the design", YIELDS),
        (ids.busy_task, ids.busy_workspace, "running", "Rewrite the tests", YIELDS),
    )
    for n, (task_id, workspace_id, status, description, reaction) in enumerate(rows):
        start = now - timedelta(hours=1) + timedelta(minutes=n)
        yield Task(
            id=task_id,
            workspace_id=workspace_id,
            description=description,
            status=status,
            created_at=start,
            reaction=reaction,
            completed_at=start + timedelta(minutes=4) if status in ENDED else None,
        )
