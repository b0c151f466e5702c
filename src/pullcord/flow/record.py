"""The journal's lines about a cancel: one before it is sent, and one after; one alone where it is refused."""

import logging
from collections.abc import Mapping

from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.journal import Journal
from pullcord.model.cancel import REASON
from pullcord.model.outcome import Outcome
from pullcord.model.value import Json

_log = logging.getLogger(__name__)


def intent(call: Call, client: str) -> Mapping[str, Json]:
    """The line before a cancel is sent.

    Args:
        call: the cancel.
        client: the caller's name.
    """
    return {
        "id": call.request_id,
        "event": "intent",
        "operation": call.operation.operation_id,
        "platform": call.operation.platform.name,
        "target": call.target,
        "reason": call.arguments.get(REASON),
        "client": client,
    }


def outcome(call: Call, result: Outcome, status: int | None, duration: int) -> Mapping[str, Json]:
    """The line after a cancel was sent.

    Args:
        call: the cancel.
        result: the outcome of the cancel.
        status: the HTTP status; None: no answer came.
        duration: milliseconds from the first line to the answer.
    """
    return {
        "id": call.request_id,
        "event": "outcome",
        "outcome": str(result),
        "status": status,
        "duration_ms": duration,
    }


def refusal(attempt: Attempt, client: str) -> Mapping[str, Json]:
    """The only line of a cancel that was not sent.

    Args:
        attempt: with its obstacle.
        client: the caller's name.
    """
    return {
        **intent(attempt.call, client),
        "event": "refusal",
        "outcome": str(attempt.verdict.outcome),
        "obstacle": str(attempt.obstacle),
    }


async def record(journal: Journal, line: Mapping[str, Json]) -> bool:
    """Write a line; where that fails, log it.

    Args:
        journal: takes the line.
        line: of this module.

    Returns:
        Whether the line is on disk.
    """
    try:
        await journal.write(line)
    except OSError as error:
        journal.failures += 1
        consequence = {
            "intent": "the cancel was not sent",
            "refusal": "the cancel was refused all the same",
            "outcome": f"it came out as {line.get('outcome')}",
        }[str(line["event"])]
        # Without a traceback: the operator needs to know what became of the cancel.
        _log.log(logging.ERROR, "the journal can't be written, and %s (cancel %s): %s", consequence, line["id"], error)
        return False
    return True
