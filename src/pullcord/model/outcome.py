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

    when: str
    is_error: bool = False


MEANINGS: Mapping[Outcome, Meaning] = {
    Outcome.STOPPED: Meaning("the platform reports that the work ended because it was cancelled"),
    Outcome.STOPPING: Meaning("the request was accepted; the work may still run"),
    Outcome.NOTHING_RUNNING: Meaning("the target exists, and there was nothing to stop"),
    Outcome.ALREADY_FINISHED: Meaning("it had ended before this call"),
    Outcome.FINISHED_FIRST: Meaning("accepted, but the work ended by itself before it stopped"),
    Outcome.OBSERVED: Meaning("an observe tool's answer; `work_stopped` and `state` tell"),
    Outcome.TARGET_CHANGED: Meaning(
        "what was expected, or agreed to, is not what runs; nothing was sent", is_error=True
    ),
    Outcome.REFUSED: Meaning(
        "the platform won't cancel it in its present state, or this server must not", is_error=True
    ),
    Outcome.NOT_FOUND: Meaning("no such work, or not visible to this key", is_error=True),
    Outcome.DENIED: Meaning("no key configured, or it was refused (401, 403, 407)", is_error=True),
    Outcome.INVALID_ARGUMENTS: Meaning(
        "nothing sent, every fault at once; or the platform called them malformed (400, 422)", is_error=True
    ),
    Outcome.RATE_LIMITED: Meaning("by the platform (429) or by `--limit`, with the wait", is_error=True),
    Outcome.UNAVAILABLE: Meaning(
        "surely not acted on: nothing left this machine, or the platform says that it did nothing", is_error=True
    ),
    Outcome.UNKNOWN: Meaning("sent, and no trustworthy answer came: it may or may not be stopping", is_error=True),
}


OF_CANCELS = tuple(outcome for outcome in Outcome if outcome is not Outcome.OBSERVED)
"""The outcomes that a cancel may have."""
OF_LOOKS = (
    Outcome.OBSERVED,
    Outcome.REFUSED,
    Outcome.NOT_FOUND,
    Outcome.DENIED,
    Outcome.INVALID_ARGUMENTS,
    Outcome.RATE_LIMITED,
    Outcome.UNAVAILABLE,
    Outcome.UNKNOWN,
)
"""The outcomes that a look or a list may have."""
FINAL = frozenset({Outcome.STOPPED, Outcome.NOTHING_RUNNING, Outcome.ALREADY_FINISHED, Outcome.FINISHED_FIRST})
"""Over, by the record: no further call can change it."""


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
    """There is no such work: an answer in this phase counts as a 404."""


OVER = frozenset({Phase.ENDED, Phase.CANCELLED, Phase.HALTED})
"""Phases in which the work has ended, by the record."""


class MayGoOn(StrEnum):
    """What may still run although the work that was aimed at has stopped, or was asked to."""

    CHILDREN = "children"
    BACKGROUND_TASKS = "background_tasks"
    CURRENT_STEP = "current_step"
    REQUESTS = "requests"
    PROCESSES = "processes"
    RESTARTS = "restarts"
    """A schedule or a retry starts it again."""
