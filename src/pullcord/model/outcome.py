"""The words for what came of a call, and for where work stands."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

WorkStopped: TypeAlias = Literal["yes", "no", "unknown"]


class Outcome(StrEnum):
    """What came of a call."""

    STOPPED = "stopped"
    STOPPING = "stopping"
    NOTHING_RUNNING = "nothing_running"
    ALREADY_FINISHED = "already_finished"
    FINISHED_FIRST = "finished_first"
    OBSERVED = "observed"
    TARGET_CHANGED = "target_changed"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    DENIED = "denied"
    INVALID_ARGUMENTS = "invalid_arguments"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


class Meaning(NamedTuple):
    """What an outcome says of every call that ends so."""

    work_stopped: WorkStopped
    when: str
    is_error: bool = False


MEANINGS: Mapping[Outcome, Meaning] = {
    Outcome.STOPPED: Meaning("yes", "the platform reports that the work ended because it was cancelled"),
    Outcome.STOPPING: Meaning("no", "the request was accepted; the work may still run"),
    Outcome.NOTHING_RUNNING: Meaning("yes", "the target exists, and there was nothing to stop"),
    Outcome.ALREADY_FINISHED: Meaning("yes", "it had ended before this call"),
    Outcome.FINISHED_FIRST: Meaning("yes", "accepted, but the work ended by itself before it stopped"),
    Outcome.OBSERVED: Meaning("unknown", "an observe tool's answer; `work_stopped` and `state` tell"),
    Outcome.TARGET_CHANGED: Meaning("no", "`expect_task_id` is not what runs; nothing was sent", is_error=True),
    Outcome.REFUSED: Meaning("unknown", "the platform won't cancel it in its present state", is_error=True),
    Outcome.NOT_FOUND: Meaning("unknown", "no such work, or not visible to this key", is_error=True),
    Outcome.DENIED: Meaning("unknown", "no key configured, or the platform refused it (401, 403)", is_error=True),
    Outcome.INVALID_ARGUMENTS: Meaning(
        "unknown", "nothing sent, every fault at once; or the platform called them malformed (400, 422)", is_error=True
    ),
    Outcome.RATE_LIMITED: Meaning("unknown", "429; `retry_after_seconds` and a `retry-later` action", is_error=True),
    Outcome.UNAVAILABLE: Meaning(
        "unknown", "the platform surely did not act on it: connection refused, 503, agent unreachable", is_error=True
    ),
    Outcome.UNKNOWN: Meaning(
        "unknown", "sent, and no trustworthy answer came: it may or may not be stopping", is_error=True
    ),
}


class Phase(StrEnum):
    """Where a piece of work stands, whatever its platform calls it."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    CANCELLED = "cancelled"
    """Ended, because it was cancelled."""
    HALTED = "halted"
    """Stopped at request, and can be resumed."""
    ABSENT = "absent"
    """There is no such work: an answer that says so counts as a 404."""


class MayGoOn(StrEnum):
    """What may still run although the work that was aimed at has stopped, or was asked to."""

    CHILDREN = "children"
    BACKGROUND_TASKS = "background_tasks"
    CURRENT_STEP = "current_step"
    REQUESTS = "requests"
    PROCESSES = "processes"
    RESTARTS = "restarts"
    """A schedule or a retry starts it again."""
