"""The sessions and tasks of the Everruns sandbox, and those that are there at the start. No HTTP.

Those at the start hold the traps of this platform: what a client easily gets wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from pullcord.sandbox.world import Ending, Reaction, iso

STATES = ("queued", "running", "awaiting_input", "succeeded", "failed", "canceled")
ENDED = frozenset({"succeeded", "failed", "canceled"})

YIELDS = Reaction("canceled")
YIELDS_AT_ONCE = Reaction("canceled", share=0.0)
FINISHES_FIRST = Reaction("succeeded", share=0.8)

REACTIONS: Mapping[str, Reaction | None] = {
    "background_tool": YIELDS,
    "monitor": YIELDS_AT_ONCE,
    "subagent": None,
    "session": None,
    "agent_handoff": None,
}
"""By the kind of a task. None: a cancel does not reach its child session, so it only gets the flag, and runs on."""


def unique(n: int) -> str:
    """The 32 digits of a made-up UUIDv7."""
    return f"0199aa00000070008{n:015x}"


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of the sessions and tasks at the start, by what is special about each."""

    organization: str = f"org_{unique(1)}"
    agent: str = f"agent_{unique(1)}"
    idle_session: str = f"session_{unique(1)}"
    waiting_session: str = f"session_{unique(2)}"
    paused_session: str = f"session_{unique(3)}"
    started_session: str = f"session_{unique(4)}"
    active_session: str = f"session_{unique(5)}"
    child_session: str = f"session_{unique(6)}"
    succeeded_task: str = f"task_{unique(1)}"
    failed_task: str = f"task_{unique(2)}"
    monitor_task: str = f"task_{unique(3)}"
    subagent_task: str = f"task_{unique(4)}"
    child_task: str = f"task_{unique(5)}"
    awaiting_task: str = f"task_{unique(6)}"
    finishing_task: str = f"task_{unique(7)}"
    background_task: str = f"task_{unique(8)}"
    queued_task: str = f"task_{unique(9)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A conversation; it is active while a turn runs."""

    id: str
    title: str
    status: str
    created_at: datetime
    updated_at: datetime
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A piece of background work that a session owns."""

    id: str
    session_id: str
    kind: str
    display_name: str
    state: str
    created_at: datetime
    reaction: Reaction | None
    ending: Ending | None = None
    cancel_requested_at: datetime | None = None
    finished_at: datetime | None = None
    child_session_id: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    def as_of(self, now: datetime) -> Self:
        """The task at a moment, with its end if that has come."""
        if self.ending is None or now < self.ending.at:
            return self
        return replace(self, state=self.ending.state, finished_at=self.ending.at, ending=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMessage:
    """A message of a task to its session."""

    id: str
    task_id: str
    text: str
    created_at: datetime


def seeded_sessions(ids: Ids, now: datetime) -> Iterable[Session]:
    """The sessions at the start: one for each status, oldest first, and the child of the active one.

    Args:
        ids: of the sessions.
        now: the time; the sessions began before it.
    """
    rows: tuple[tuple[str, str, str, str | None], ...] = (
        (ids.idle_session, "Weekly report", "idle", None),
        # The platform's own spelling in a session; its events and statistics write it with underscores.
        (ids.waiting_session, "Invoice approval", "waitingfortoolresults", None),
        (ids.paused_session, "Over budget", "paused", None),
        (ids.started_session, "Just opened", "started", None),
        (ids.active_session, "Site migration", "active", None),
        (ids.child_session, "Site migration: rewrite links", "active", ids.active_session),
    )
    for n, (session_id, title, status, parent_id) in enumerate(rows):
        start = now - timedelta(hours=2) + timedelta(minutes=n)
        yield Session(
            id=session_id, title=title, status=status, created_at=start, updated_at=start, parent_id=parent_id
        )


def seeded_tasks(ids: Ids, now: datetime) -> Iterable[Task]:
    """The tasks at the start: one for each trap, oldest first.

    Args:
        ids: of the tasks and their sessions.
        now: the time; the tasks began before it.
    """
    tool, active = "background_tool", ids.active_session
    rows: tuple[tuple[str, str, str, str, str, Reaction | None, dict[str, object]], ...] = (
        (
            ids.succeeded_task,
            active,
            tool,
            "succeeded",
            "Back up the site",
            YIELDS,
            {"summary": "4,213 files"},
        ),
        # Platforms hand on whatever a tool printed, terminal colours and all.
        (
            ids.failed_task,
            active,
            tool,
            "failed",
            "Render previews",
            YIELDS,
            {"error": {"kind": "timeout", "message": "\x1b[31mno heartbeat\x1b[0m for 5 minutes"}},
        ),
        (ids.monitor_task, active, "monitor", "running", "Watch the error rate", YIELDS_AT_ONCE, {}),
        (ids.subagent_task, active, "subagent", "running", "Rewrite links", None, {}),
        (ids.child_task, ids.child_session, tool, "running", "Check links", YIELDS, {}),
        (
            ids.awaiting_task,
            active,
            tool,
            "awaiting_input",
            "Change the DNS",
            YIELDS,
            {"input_request": {"id": "input_1", "prompt": "Switch over now?"}},
        ),
        (ids.finishing_task, active, tool, "running", "Compress images", FINISHES_FIRST, {}),
        (
            ids.background_task,
            active,
            tool,
            "running",
            "Crawl the old site",
            YIELDS,
            {
                "state_detail": "page 410 of 1,000",
                "progress": {"current": 410, "total": 1000, "unit": "pages"},
                "worker_id": "worker-7",
                "heartbeat_at": iso(now),
            },
        ),
        (ids.queued_task, active, tool, "queued", "Warm the cache", YIELDS, {}),
    )
    for n, (task_id, session_id, kind, state, name, reaction, details) in enumerate(rows):
        start = now - timedelta(hours=1) + timedelta(minutes=n)
        yield Task(
            id=task_id,
            session_id=session_id,
            kind=kind,
            display_name=name,
            state=state,
            created_at=start,
            reaction=reaction,
            finished_at=start + timedelta(minutes=1) if state in ENDED else None,
            child_session_id=ids.child_session if task_id == ids.subagent_task else None,
            details=details,
        )


def seeded_messages(task_id: str, now: datetime) -> list[TaskMessage]:
    """The messages of a task at the start, oldest first.

    Args:
        task_id: of the task.
        now: the time; the messages came before it.
    """
    return [
        TaskMessage(
            id=f"tmsg_{unique(n)}",
            task_id=task_id,
            text=f"Crawled {n * 100} pages.",
            created_at=now - timedelta(minutes=10 - n),
        )
        for n in range(1, 5)
    ]
