"""The Everruns API, in memory: sessions and their tasks, and what cancelling does to each.

Documented at https://docs.everruns.com/api/operations/cancel_task/ and its neighbours.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from itertools import count, islice
from urllib.parse import unquote
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pullcord.sandbox.dialect import credential, number, speaking
from pullcord.sandbox.everruns_bodies import message_body, session_body, task_body
from pullcord.sandbox.everruns_work import (
    ENDED,
    REACTIONS,
    STATES,
    YIELDS,
    Ids,
    Session,
    Task,
    seeded_messages,
    seeded_sessions,
    seeded_tasks,
    unique,
)
from pullcord.sandbox.world import Clock

KEY = "evr_pat_sandbox_0123456789abcdef"
RATE_LIMITED_KEY = "evr_pat_sandbox_rate_limited"

_SESSION_ID = re.compile(r"session_[0-9a-f]{32}")
_ORGANIZATION_ID = re.compile(r"org_[0-9a-f]{32}")
_REASON_LIMIT = 1000


class Problem(HTTPException):
    """An error of the platform, which it answers as problem details (RFC 9457)."""

    def __init__(
        self,
        status: int,
        detail: str,
        code: str | None = None,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.members: dict[str, object] = {"detail": detail}
        if code is not None:
            self.members |= {"code": code, "type": f"https://docs.everruns.com/errors/{code}"}
        self.members |= members or {}


class Everruns:
    """The platform's state and its HTTP API.

    Args:
        clock: tells the time.
        wind_down: seconds that a cooperative cancel takes.
    """

    def __init__(self, clock: Clock, wind_down: float) -> None:
        self._clock = clock
        self._wind_down = wind_down
        self._numbers = count(1000)
        self.ids = Ids()
        now = clock()
        self.sessions = {session.id: session for session in seeded_sessions(self.ids, now)}
        self.tasks = {task.id: task for task in seeded_tasks(self.ids, now)}
        self._parents = {self.ids.child_session: self.ids.subagent_task}
        self.messages = {self.ids.background_task: seeded_messages(self.ids.background_task, now)}
        self.app: ASGIApp = _Identified(
            speaking(
                (
                    ("POST", "/v1/sessions/{session_id}/cancel", self._cancel_turn),
                    ("POST", "/v1/sessions/{session_id}/tasks/{task_id}/cancel", self._cancel_task),
                    ("GET", "/v1/sessions/{session_id}/tasks/{task_id}", self._get_task),
                    ("GET", "/v1/sessions/{session_id}", self._get_session),
                    ("GET", "/v1/sessions", self._list_sessions),
                    ("GET", "/v1/tasks", self._list_org_tasks),
                ),
                self._admit,
                _refusal,
            )
        )

    def add_session(self, status: str = "active", parent_id: str | None = None) -> str:
        """Open a session.

        Args:
            status: of the session.
            parent_id: the session that started it; None: a person did.

        Returns:
            Its id.
        """
        now = self._clock()
        session_id = f"session_{unique(next(self._numbers))}"
        self.sessions[session_id] = Session(
            id=session_id, title="Added", status=status, created_at=now, updated_at=now, parent_id=parent_id
        )
        return session_id

    def add_task(
        self,
        kind: str = "background_tool",
        state: str = "running",
        session_id: str | None = None,
        child_session_id: str | None = None,
    ) -> str:
        """Start a task.

        Args:
            kind: of the task; it decides how it reacts to a cancel.
            state: of the task.
            session_id: its session; None: the active session of the start.
            child_session_id: the session that it started; None: none.

        Returns:
            Its id.
        """
        task_id = f"task_{unique(next(self._numbers))}"
        self.tasks[task_id] = Task(
            id=task_id,
            session_id=session_id or self.ids.active_session,
            kind=kind,
            display_name="Added",
            state=state,
            created_at=self._clock(),
            reaction=REACTIONS.get(kind, YIELDS),
            child_session_id=child_session_id,
        )
        if child_session_id is not None:
            self._parents[child_session_id] = task_id
        return task_id

    def _admit(self, request: Request) -> None:
        key = credential(request.headers.get("authorization", ""))
        organization = request.headers.get("x-org-id", self.ids.organization)
        if key == RATE_LIMITED_KEY:
            raise Problem(
                429,
                "Too many requests. Please try again later.",
                "rate_limited",
                {
                    "retry_after_seconds": 60,
                    "allowed_actions": [{"rel": "retry-later", "hint": "Wait retry_after_seconds before retrying."}],
                },
                {"Retry-After": "60"},
            )
        if key != KEY or not _ORGANIZATION_ID.fullmatch(organization):
            raise Problem(401, "Authentication required.", "unauthorized")
        if organization != self.ids.organization:
            raise Problem(404, "Organization not found", "not_found")
        reason = unquote(request.headers.get("everruns-change-reason", ""))
        if len(reason) > _REASON_LIMIT or not reason.isprintable():
            raise Problem(400, "Everruns-Change-Reason is too long or unprintable.", "invalid_change_reason")

    def _session(self, session_id: str) -> Session:
        if not _SESSION_ID.fullmatch(session_id):
            raise Problem(400, f"Invalid session ID: {session_id}")
        session = self.sessions.get(session_id)
        if session is None:
            raise Problem(404, "Session not found", "not_found")
        return session

    def _task(self, request: Request, now: datetime) -> Task:
        session = self._session(request.path_params["session_id"])
        task = self.tasks.get(request.path_params["task_id"])
        if task is None or task.session_id != session.id:
            raise Problem(404, "Session task not found")
        return task.as_of(now)

    def _cancel_turn(self, request: Request) -> Response:
        session = self._session(request.path_params["session_id"])
        if session.status != "active":
            return JSONResponse({"status": "no_op", "message": "No turn currently running"})
        now = self._clock()
        self.sessions[session.id] = replace(session, status="idle", updated_at=now)
        self._end_parent(session.id, now)
        return JSONResponse({"status": "cancelled", "message": "Turn cancelled successfully"})

    def _cancel_task(self, request: Request) -> Response:
        now = self._clock()
        task = self._task(request, now)
        if task.cancel_requested_at is None:
            # A task that has ended gets the flag, too: it alone does not say that anything was cancelled.
            task = replace(task, cancel_requested_at=now)
            if task.state not in ENDED and task.reaction is not None:
                task = replace(task, ending=task.reaction.ending(now, self._wind_down))
            self.tasks[task.id] = task
        return JSONResponse(task_body(task.as_of(now)))

    def _get_task(self, request: Request) -> Response:
        task = self._task(request, self._clock())
        cursor = request.query_params.get("after_id", "")
        limit = _limit(request, default=50, most=500)
        messages = (message for message in self.messages.get(task.id, ()) if message.id > cursor)
        bodies = [message_body(message) for message in islice(messages, limit)]
        return JSONResponse({"task": task_body(task), "messages": bodies})

    def _list_org_tasks(self, request: Request) -> Response:
        query = request.query_params
        state, kind, root = query.get("state"), query.get("kind"), query.get("root_session_id")
        if state is not None and state not in STATES:
            raise Problem(400, f"Unknown task state: {state}")
        if root is not None and not _SESSION_ID.fullmatch(root):
            raise Problem(400, f"Invalid session ID: {root}")
        start = _moment(query.get("created_after"))
        now = self._clock()
        tasks = (
            task
            for task in (record.as_of(now) for record in reversed(self.tasks.values()))
            if (state is None or task.state == state)
            and (kind is None or task.kind == kind)
            and (root is None or self._root(task.session_id) == root)
            and (start is None or task.created_at > start)
        )
        limit = _limit(request, default=100, most=500)
        return JSONResponse([task_body(task) for task in islice(tasks, limit)])

    def _get_session(self, request: Request) -> Response:
        session = self._session(request.path_params["session_id"])
        return JSONResponse(session_body(session, self.ids, _api(request)))

    def _list_sessions(self, request: Request) -> Response:
        query = request.query_params
        agent, search = query.get("agent_id", self.ids.agent), query.get("search", "").casefold()
        offset = _limit(request, "offset", default=0, most=10**9)
        limit = _limit(request, default=20, most=100)
        sessions = [
            session
            for session in reversed(self.sessions.values())
            if agent == self.ids.agent and search in session.title.casefold()
        ]
        api = _api(request)
        body: dict[str, object] = {
            "data": [session_body(session, self.ids, api) for session in sessions[offset : offset + limit]],
            "total": len(sessions),
            "offset": offset,
            "limit": limit,
        }
        if offset + limit < len(sessions):
            body["next_url"] = _page(request, offset + limit)
        if offset > 0:
            body["prev_url"] = _page(request, max(0, offset - limit))
        return JSONResponse(body)

    def _root(self, session_id: str) -> str:
        parent = self.sessions[session_id].parent_id
        return session_id if parent is None else self._root(parent)

    def _end_parent(self, child_session_id: str, now: datetime) -> None:
        task_id = self._parents.get(child_session_id)
        if task_id is None:
            return
        task = self.tasks[task_id].as_of(now)
        if task.state not in ENDED:
            self.tasks[task_id] = replace(task, ending=YIELDS.ending(now, self._wind_down))


class _Identified:
    """Gives every answer an `X-Request-ID`: the caller's own, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller_id = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = caller_id or str(UUID(int=next(self._numbers), version=4))

        async def send_identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        await self._app(scope, receive, send_identified)


def _refusal(request: Request, error: HTTPException) -> Response:
    body: dict[str, object] = {
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "instance": request.url.path,
    }
    if isinstance(error, Problem):
        body |= error.members
    return JSONResponse(body, error.status_code, error.headers, media_type="application/problem+json")


def _limit(request: Request, name: str = "limit", *, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    value = number(text)
    if value is None:
        raise Problem(400, f"Invalid {name}: {text}")
    return min(value, most)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Problem(400, f"Invalid created_after timestamp: {text}")
    return moment


def _api(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"


def _page(request: Request, offset: int) -> str:
    return str(request.url.include_query_params(offset=offset))
