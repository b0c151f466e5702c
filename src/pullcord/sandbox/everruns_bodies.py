"""The JSON bodies of the Everruns sandbox: how it shows tasks, their messages and sessions."""

from pullcord.sandbox.dialect import present
from pullcord.sandbox.everruns_work import Ids, Session, Task, TaskMessage
from pullcord.sandbox.world import CONFIDENTIAL, iso


def task_body(task: Task) -> dict[str, object]:
    """A task, without the members that are null."""
    started_at = None if task.state == "queued" else task.created_at
    child_id = task.child_session_id
    return present(
        {
            "id": task.id,
            "session_id": task.session_id,
            "kind": task.kind,
            "display_name": task.display_name,
            "spec": {"instructions": CONFIDENTIAL, "arguments": {"token": CONFIDENTIAL}},
            "state": task.state,
            "attempt": 1,
            "wake_policy": "on_terminal",
            "cancel_requested_at": iso(task.cancel_requested_at),
            "created_at": iso(task.created_at),
            "started_at": iso(started_at),
            "finished_at": iso(task.finished_at),
            "updated_at": iso(task.finished_at or task.cancel_requested_at or task.created_at),
            "links": None if child_id is None else {"child_session_id": child_id},
            **task.details,
        }
    )


def message_body(message: TaskMessage) -> dict[str, object]:
    """A message of a task."""
    return {
        "id": message.id,
        "task_id": message.task_id,
        "direction": "outbound",
        "content": [{"type": "text", "text": message.text}],
        "created_at": iso(message.created_at),
    }


def session_body(session: Session, ids: Ids, api: str) -> dict[str, object]:
    """A session, with the actions that its status allows.

    Args:
        session: the one that is shown.
        ids: of its organization and agent.
        api: the URL of the API, which the addresses in the body begin with.
    """
    url = f"{api}/v1/sessions/{session.id}"
    view = f"{api.removesuffix('/api')}/sessions/{session.id}/chat"
    return {
        "id": session.id,
        "organization_id": ids.organization,
        "agent_id": ids.agent,
        "title": session.title,
        "status": session.status,
        "created_at": iso(session.created_at),
        "updated_at": iso(session.updated_at),
        "self_url": url,
        "view_url": view,
        "ui_link": view,
        "allowed_actions": [
            present({"rel": rel, "operation_id": operation, "method": method, "href": url + path} | more)
            for rel, operation, method, path, more in _ACTIONS
            if rel != "cancel" or session.status == "active"
        ],
    }


_UPDATE = {
    "hint": "Change the session's title or settings.",
    "schema_ref": "#/components/schemas/UpdateSessionRequest",
}

# The order and the words are the platform's; a cancel is offered only while a turn runs.
_ACTIONS: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    ("self", "get_session", "GET", "", {"hint": "Fetch this session."}),
    ("events", "list_events", "GET", "/events", {"hint": "Read this session's events."}),
    ("stream", "stream_sse", "GET", "/sse", {"hint": "Follow this session's events as they happen."}),
    ("cancel", "cancel_turn", "POST", "/cancel", {"hint": "Cancel the active turn for this session."}),
    ("update", "update_session", "PATCH", "", _UPDATE),
    ("pin", "pin_session", "PUT", "/pin", {}),
    ("delete", "delete_session", "DELETE", "", {"hint": "Delete this session."}),
)
