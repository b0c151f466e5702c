"""The xpander.ai API, in memory: tasks, and what a stop does to each.

Documented at https://docs.xpander.ai/api-reference/v1/tasks/stop-task.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Self
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from pullcord.sandbox.dialect import number, speaking
from pullcord.sandbox.world import CONFIDENTIAL, Clock, Ending, Reaction, iso

KEY = "sandbox-xpander-0123456789abcdef"
RATE_LIMITED_KEY = "sandbox-xpander-rate-limited"

STATUSES = ("pending", "executing", "paused", "error", "failed", "completed", "stopped")
ENDED = frozenset({"completed", "failed", "error", "stopped"})

STOPS_AT_ONCE = Reaction("stopped", share=0.0)
STOPS_SLOWLY = Reaction("stopped")
FINISHES_FIRST = Reaction("completed", share=0.5)


def _uuid(n: int) -> str:
    return f"fbd08e4d-cfa7-4838-b6e6-{n:012x}"


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of the tasks at the start, by what is special about each."""

    organization: str = "91fbe9bc-35b3-41e8-b59d-922fb5a0f031"
    other_organization: str = "91fbe9bc-35b3-41e8-b59d-922fb5a0f032"
    agent: str = "93a1cd50-2af0-452a-99a0-6e1f1b14fb29"
    completed_task: str = _uuid(1)
    failed_task: str = _uuid(2)
    error_task: str = _uuid(3)
    system_stopped_task: str = _uuid(4)
    manually_stopped_task: str = _uuid(5)
    paused_task: str = _uuid(6)
    foreign_task: str = _uuid(7)
    parent_task: str = _uuid(8)
    first_sub_task: str = _uuid(9)
    second_sub_task: str = _uuid(10)
    finishing_task: str = _uuid(11)
    slow_task: str = _uuid(12)
    executing_task: str = _uuid(13)
    pending_task: str = _uuid(14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One execution of an agent."""

    id: str
    organization_id: str
    title: str
    status: str
    created_at: datetime
    reaction: Reaction = STOPS_AT_ONCE
    ending: Ending | None = None
    finished_at: datetime | None = None
    is_manually_stopped: bool = False
    parent: str | None = None
    children: tuple[str, ...] = ()

    def as_of(self, now: datetime) -> Self:
        """The task at a moment, with its end if that has come."""
        if self.ending is None or now < self.ending.at:
            return self
        return replace(
            self,
            status=self.ending.state,
            finished_at=self.ending.at,
            is_manually_stopped=self.ending.state == "stopped",
            ending=None,
        )


class Invalid(HTTPException):
    """A value of the request that the platform can't read."""

    def __init__(self, place: tuple[str, str], message: str, kind: str, value: str) -> None:
        super().__init__(422, message)
        self.fault = {"loc": place, "msg": message, "type": kind, "input": value}


class Xpander:
    """The platform's state and its HTTP API.

    Args:
        clock: tells the time.
        wind_down: seconds until a slow worker observes its stop signal.
    """

    def __init__(self, clock: Clock, wind_down: float) -> None:
        self._clock = clock
        self._wind_down = wind_down
        self._numbers = count(1000)
        self.ids = Ids()
        self.tasks = {task.id: task for task in _tasks(self.ids, clock())}
        self.app: ASGIApp = speaking(
            (
                ("POST", "/v1/tasks/{task_id}/stop", self._stop),
                ("GET", "/v1/tasks/{task_id}", self._get),
                ("GET", "/v1/tasks", self._list),
            ),
            _admit,
            _refusal,
        )

    def add_task(self, status: str = "executing", reaction: Reaction = STOPS_AT_ONCE, parent: str | None = None) -> str:
        """Start a task.

        Args:
            status: of the task.
            reaction: to a cancel.
            parent: the task that started it; None: a person did.

        Returns:
            Its id.
        """
        task_id = _uuid(next(self._numbers))
        self.tasks[task_id] = Task(
            id=task_id,
            organization_id=self.ids.organization,
            title="Added",
            status=status,
            created_at=self._clock(),
            reaction=reaction,
            parent=parent,
        )
        if parent is not None:
            parent_task = self.tasks[parent]
            self.tasks[parent] = replace(parent_task, children=(*parent_task.children, task_id))
        return task_id

    def _task(self, request: Request, now: datetime) -> Task:
        text = request.path_params["task_id"]
        try:
            task_id = str(UUID(text))
        except ValueError:
            raise Invalid(("path", "task_id"), "Input should be a valid UUID", "uuid_parsing", text) from None
        task = self.tasks.get(task_id)
        if task is None:
            raise HTTPException(404, "Task not found")
        if task.organization_id != self.ids.organization:
            raise HTTPException(403, "Task belongs to a different organization")
        return task.as_of(now)

    def _stop(self, request: Request) -> Response:
        now = self._clock()
        task = self._task(request, now)
        if task.status not in ENDED and task.ending is None:
            task = replace(task, ending=task.reaction.ending(now, self._wind_down))
            self.tasks[task.id] = task
        return JSONResponse(self._body(task.as_of(now), now))

    def _get(self, request: Request) -> Response:
        now = self._clock()
        return JSONResponse(self._body(self._task(request, now), now))

    def _list(self, request: Request) -> Response:
        query = request.query_params
        page = _number(request, "page", 1, 10**9)
        per_page = _number(request, "per_page", 20, 50)
        status = query.get("status")
        if status is not None and status not in STATUSES:
            expected = ", ".join(f"'{word}'" for word in STATUSES)
            raise Invalid(("query", "status"), f"Input should be one of {expected}", "enum", status)
        start, end = _moment(request, "from_date"), _moment(request, "to_date")
        agent, parent = query.get("agent_id", self.ids.agent), query.get("parent_task_id")
        now = self._clock()
        tasks = [
            task
            for task in (record.as_of(now) for record in reversed(self.tasks.values()))
            if task.organization_id == self.ids.organization
            and agent == self.ids.agent
            and (status is None or task.status == status)
            and (parent is None or task.parent == parent)
            and (start is None or task.created_at >= start)
            and (end is None or task.created_at <= end)
        ]
        offset = (page - 1) * per_page
        return JSONResponse(
            {
                "items": [_item(task, self.ids) for task in tasks[offset : offset + per_page]],
                "total": len(tasks),
                "page": page,
                "per_page": per_page,
                "total_pages": -(-len(tasks) // per_page),
            }
        )

    def _body(self, task: Task, now: datetime) -> dict[str, object]:
        children = [child for child in task.children if self.tasks[child].as_of(now).status in ENDED]
        return {
            **_BLANK,
            "id": task.id,
            "agent_id": self.ids.agent,
            "organization_id": task.organization_id,
            "status": task.status,
            "is_manually_stopped": task.is_manually_stopped,
            "created_at": iso(task.created_at),
            "started_at": None if task.status == "pending" else iso(task.created_at),
            "paused_at": iso(task.created_at) if task.status == "paused" else None,
            "finished_at": iso(task.finished_at),
            "result": _result(task),
            "parent_execution": task.parent,
            "sub_executions": task.children,
            "finished_sub_executions": children,
            "title": task.title,
        }


# The members of every record, whatever its state. This platform writes nulls, and returns secrets.
_BLANK: Mapping[str, object] = {
    "input": {
        "text": CONFIDENTIAL,
        "files": [],
        "user": {"id": "user-1", "email": f"{CONFIDENTIAL}@sandbox.example"},
    },
    "internal_status": None,
    "last_executed_node_id": None,
    "agent_version": "3",
    "payload_extension": {"authorization": CONFIDENTIAL},
    "hitl_request": None,
    "pending_eca_request": {
        "connector_name": "calendar",
        "auth_url": f"https://connect.sandbox.example/?state={CONFIDENTIAL}",
    },
    "source": "api",
    "worker_id": "worker-7",
    "additional_context": CONFIDENTIAL,
    "instructions_override": CONFIDENTIAL,
    "expected_output": None,
    "test_run_node_id": None,
    "is_orchestration": False,
    "output_format": "text",
    "voice_id": None,
    "output_schema": None,
    "events_streaming": False,
    "used_mutating_tools": False,
    "is_continuous": False,
    "mcp_servers": [{"url": "https://mcp.sandbox.example", "headers": {"authorization": CONFIDENTIAL}}],
    "triggering_agent_id": None,
    "think_mode": "default",
    "disable_attachment_injection": False,
    "deep_planning": None,
    "execution_attempts": 1,
    "user_tokens": {"calendar": CONFIDENTIAL},
    "user_oidc_token": CONFIDENTIAL,
    "return_metrics": False,
    "tokens": None,
    "llm_model_provider": None,
    "llm_model_name": None,
    "llm_reasoning_effort": None,
}


def _admit(request: Request) -> None:
    key = request.headers.get("x-api-key")
    if key == RATE_LIMITED_KEY:
        raise HTTPException(429, "Rate limit exceeded", {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0"})
    if key != KEY:
        raise HTTPException(401, "Invalid or missing API key")


def _refusal(_: Request, error: HTTPException) -> Response:
    detail = [error.fault] if isinstance(error, Invalid) else error.detail
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    value = number(text)
    if value is None:
        raise Invalid(("query", name), "Input should be a valid integer", "int_parsing", text)
    if value < 1:
        message = "Input should be greater than or equal to 1"
        raise Invalid(("query", name), message, "greater_than_equal", text)
    if value > most:
        raise Invalid(("query", name), f"Input should be less than or equal to {most}", "less_than_equal", text)
    return value


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(("query", name), "Input should be a valid datetime", "datetime_parsing", text) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _result(task: Task) -> str | None:
    return f"{task.title}: done" if task.status == "completed" else None


def _item(task: Task, ids: Ids) -> dict[str, object]:
    """An item of a list, which does not tell whether a stop was manual."""
    return {
        "id": task.id,
        "agent_id": ids.agent,
        "organization_id": task.organization_id,
        "status": task.status,
        "user_id": None,
        "parent_task_id": task.parent,
        "triggering_agent_id": None,
        "created_at": iso(task.created_at),
        "updated_at": iso(task.finished_at or task.created_at),
        "source_node_type": None,
        "result": _result(task),
        "title": task.title,
    }


def _tasks(ids: Ids, now: datetime) -> Iterable[Task]:
    """The tasks at the start: one for each status and trap, oldest first."""
    rows: tuple[tuple[str, str, str, Reaction], ...] = (
        (ids.completed_task, "completed", "Summarise the meeting", STOPS_AT_ONCE),
        (ids.failed_task, "failed", "Book the flights", STOPS_AT_ONCE),
        (ids.error_task, "error", "Translate the manual", STOPS_AT_ONCE),
        (ids.system_stopped_task, "stopped", "Crawl the forum", STOPS_AT_ONCE),
        (ids.manually_stopped_task, "stopped", "Draft the newsletter", STOPS_AT_ONCE),
        (ids.paused_task, "paused", "Approve the refund", STOPS_AT_ONCE),
        (ids.foreign_task, "executing", "Somebody else's work", STOPS_AT_ONCE),
        (ids.parent_task, "executing", "Plan the launch", STOPS_AT_ONCE),
        (ids.first_sub_task, "executing", "Plan the launch: budget", STOPS_AT_ONCE),
        (ids.second_sub_task, "executing", "Plan the launch: venue", STOPS_AT_ONCE),
        (ids.finishing_task, "executing", "Sort the inbox", FINISHES_FIRST),
        (ids.slow_task, "executing", "Reconcile the ledger", STOPS_SLOWLY),
        (ids.executing_task, "executing", "Research competitors", STOPS_AT_ONCE),
        (ids.pending_task, "pending", "Prepare the slides", STOPS_AT_ONCE),
    )
    sub_tasks = (ids.first_sub_task, ids.second_sub_task)
    for n, (task_id, status, title, reaction) in enumerate(rows):
        start = now - timedelta(hours=1) + timedelta(minutes=n)
        is_foreign = task_id == ids.foreign_task
        yield Task(
            id=task_id,
            organization_id=ids.other_organization if is_foreign else ids.organization,
            title=title,
            status=status,
            created_at=start,
            reaction=reaction,
            finished_at=start + timedelta(minutes=2) if status in ENDED else None,
            is_manually_stopped=task_id == ids.manually_stopped_task,
            parent=ids.parent_task if task_id in sub_tasks else None,
            children=sub_tasks if task_id == ids.parent_task else (),
        )
