"""What an agent is told: one JSON object for every answer, success or error. Pure."""

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from mcp import types

from pullcord import clean, problem
from pullcord.actions import Action, Call, offer, offer_item
from pullcord.operation import (
    MEANINGS,
    Failure,
    Json,
    Outcome,
    Phase,
    Place,
    Reply,
    WorkStopped,
)
from pullcord.outcome import Verdict, verdict
from pullcord.pointer import look_up


class Envelope(TypedDict):
    """The answer to a call."""

    operation_id: str
    platform: str
    outcome: str
    message: str
    work_stopped: WorkStopped
    state: str | None
    evidence: dict[str, Json] | None
    target: dict[str, Json]
    resource: dict[str, Any] | None
    problem: dict[str, Json] | None
    allowed_actions: list[Action]


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "operation_id": {"type": "string"},
        "platform": {"type": "string"},
        "outcome": {"enum": [str(outcome) for outcome in Outcome]},
        "message": {"type": "string"},
        "work_stopped": {"enum": ["yes", "no", "unknown"]},
        "state": {"type": ["string", "null"]},
        "evidence": {"type": ["object", "null"]},
        "target": {"type": "object"},
        "resource": {"type": ["object", "null"]},
        "problem": {"type": ["object", "null"]},
        "allowed_actions": {
            "type": "array",
            "items": {"type": "object", "required": ["rel", "hint"]},
        },
    },
    "required": [*Envelope.__annotations__],
    "additionalProperties": False,
}
"""The JSON Schema of every answer. Compact, since each tool carries it; the README describes the fields."""

_CANCEL: Mapping[Outcome, str] = {
    Outcome.STOPPED: "{platform} reports that the work ended because it was cancelled.",
    Outcome.STOPPING: "{platform} accepted the request to stop; the work may still be running.",
    Outcome.NOTHING_RUNNING: "Nothing was running, so there was nothing to stop.",
    Outcome.ALREADY_FINISHED: "The work had already ended before this call; nothing was stopped.",
    Outcome.FINISHED_FIRST: "{platform} accepted the request, but the work ended by itself before it stopped.",
    Outcome.TARGET_CHANGED: "Nothing was sent: the expected task is not what runs now.",
    Outcome.REFUSED: "{platform} won't cancel this in its present state; nothing was stopped.",
    Outcome.NOT_FOUND: "{platform} knows no such work, or this key may not see it; nothing was stopped.",
    Outcome.DENIED: "{platform} refused the key; nothing was stopped.",
    Outcome.INVALID_ARGUMENTS: "{platform} called the arguments malformed; nothing was stopped.",
    Outcome.RATE_LIMITED: "{platform} is limiting requests and did not take this one; the work may still be running.",
    Outcome.UNAVAILABLE: "{platform} did not act on the request; the work may still be running.",
    Outcome.UNKNOWN: "The request was sent, and the work may or may not be stopping.",
}
_OBSERVE: Mapping[Outcome, str] = {
    Outcome.REFUSED: "{platform} won't show this in its present state.",
    Outcome.NOT_FOUND: "{platform} knows no such work, or this key may not see it.",
    Outcome.DENIED: "{platform} refused the key.",
    Outcome.INVALID_ARGUMENTS: "{platform} called the arguments malformed.",
    Outcome.RATE_LIMITED: "{platform} is limiting requests and did not take this one.",
    Outcome.UNAVAILABLE: "{platform} did not answer the question.",
    Outcome.UNKNOWN: "Nothing was learnt about the work, and nothing was changed.",
}
_PHASE: Mapping[Phase | None, str] = {
    Phase.ACTIVE: "The work is running, or about to.",
    Phase.PAUSED: "The work is paused, or waits for something, and may go on.",
    Phase.ENDED: "Nothing is running here now.",
    Phase.CANCELLED: "The work has ended because it was cancelled.",
    None: "{platform} reports a state that pullcord doesn't know, so whether the work runs is unknown.",
}


def answer(call: Call, reply: Reply | Failure, judged: Verdict) -> Envelope:
    """The answer to a call that was sent."""
    received = reply if isinstance(reply, Reply) else None
    resource = _resource(call, received) if received and _is_success(received) else None
    return _envelope(
        call,
        judged,
        message=_message(call, reply, judged, resource),
        evidence={"http_status": received.status, "fields": dict(judged.read)} if received else None,
        resource=resource,
        problem=_problem(call, reply, judged),
        allowed_actions=offer(call, reply, judged),
    )


def malformed(call: Call, faults: list[str]) -> Envelope:
    """The answer to arguments that can't be sent."""
    judged = verdict(Outcome.INVALID_ARGUMENTS)
    detail = "; ".join(faults)
    return _envelope(
        call,
        judged,
        message=f"Nothing was sent. Correct the arguments and call again: {detail}.",
        problem={"title": "Invalid arguments", "detail": detail},
        allowed_actions=offer(call, None, judged),
    )


def unconfigured(call: Call) -> Envelope:
    """The answer where the platform's settings are missing."""
    judged = verdict(Outcome.DENIED)
    names = " and ".join(call.scope.settings_of(call.operation).missing)
    title = call.operation.platform.title
    return _envelope(
        call,
        judged,
        message=f"Nothing was sent: pullcord has no key for {title}. Its operator must set {names} and start it again.",
        problem={"title": "Not configured", "detail": f"{names} is not set."},
        allowed_actions=offer(call, None, judged),
    )


def crashed(call: Call) -> Envelope:
    """The answer to a fault of pullcord's own."""
    return _envelope(
        call,
        verdict(Outcome.UNKNOWN),
        message="pullcord itself failed. The request may have been sent: look at the work before calling again.",
        problem={
            "title": "Internal error",
            "detail": "Its operator finds the cause in pullcord's error output.",
        },
        allowed_actions=[],
    )


def _envelope(
    call: Call,
    judged: Verdict,
    *,
    message: str,
    allowed_actions: list[Action],
    evidence: dict[str, Json] | None = None,
    resource: dict[str, Any] | None = None,
    problem: dict[str, Json] | None = None,
) -> Envelope:
    paths = [parameter.name for parameter in call.operation.arguments if parameter.place is Place.PATH]
    return {
        "operation_id": call.operation.id,
        "platform": call.operation.platform.name,
        "outcome": str(judged.outcome),
        "message": message,
        "work_stopped": judged.work_stopped,
        "state": judged.state,
        "evidence": evidence,
        "target": {name: clean.value(call.arguments[name]) for name in paths if name in call.arguments},
        "resource": resource,
        "problem": problem,
        "allowed_actions": allowed_actions,
    }


def _is_success(reply: Reply) -> bool:
    return reply.status // 100 == 2 and not reply.unreadable  # noqa: PLR2004 - the class of success


def _resource(call: Call, reply: Reply) -> dict[str, Any] | None:
    listing = call.operation.listing
    if listing is None:
        return clean.select(reply.body, call.operation.expose) or None
    items = look_up(reply.body, listing.items)
    if not isinstance(items, list):
        return None
    shown = [
        {**clean.select(item, listing.expose), "allowed_actions": offer_item(call, reply, item)}
        for item in items[: clean.ITEMS_LIMIT]
    ]
    left_out = len(items) - len(shown)
    return {"items": shown, **({"left_out": left_out} if left_out else {})}


def _problem(call: Call, reply: Reply | Failure, judged: Verdict) -> dict[str, Json] | None:
    if isinstance(reply, Failure):
        return {"title": "No answer", "detail": f"{reply.what[0].upper()}{reply.what[1:]}."}
    if _is_success(reply) and not MEANINGS[judged.outcome].is_error:
        return None
    return problem.members(call.operation.platform, reply)


def _message(call: Call, reply: Reply | Failure, judged: Verdict, resource: dict[str, Any] | None) -> str:
    parts = [_cause(call, reply, judged), _sentence(call, judged, resource), judged.note]
    return " ".join(part for part in parts if part).replace("{platform}", call.operation.platform.title)


def _cause(call: Call, reply: Reply | Failure, judged: Verdict) -> str | None:
    """Why nothing trustworthy is known, where that is so."""
    if isinstance(reply, Failure):
        return f"{reply.what[0].upper()}{reply.what[1:]}."
    if judged.outcome is not Outcome.UNKNOWN:
        return None
    if reply.unreadable:
        return f"{{platform}} answered with status {reply.status}, and the answer can't be read: {reply.unreadable}."
    if 300 <= reply.status < 400:  # noqa: PLR2004 - the class of redirection
        return f"{{platform}} answered with a redirect ({reply.status}), which is never followed; check its base URL."
    if not _is_success(reply):
        return f"{{platform}} answered with status {reply.status}."
    return "{platform} answered in a way that pullcord doesn't know."


def _sentence(call: Call, judged: Verdict, resource: dict[str, Any] | None) -> str:
    if judged.outcome is Outcome.OBSERVED:
        if call.operation.listing:
            shown = resource["items"] if resource else []
            left_out = f"; {resource['left_out']} more were left out" if resource and "left_out" in resource else ""
            return f"{len(shown)} item{'' if len(shown) == 1 else 's'}, each with its allowed_actions{left_out}."
        return _PHASE[judged.phase]
    sentence = _CANCEL[judged.outcome] if call.operation.cancel else _OBSERVE[judged.outcome]
    if judged.outcome is Outcome.UNKNOWN and call.operation.cancel and not call.operation.repeatable:
        return f"{sentence} It was not sent again, since it could then meet other work: look first."
    return sentence


def to_mcp(envelope: Envelope) -> types.CallToolResult:
    """The answer as MCP carries it: the same JSON in both halves, since clients differ in which they show to a model."""
    return types.CallToolResult(
        is_error=MEANINGS[Outcome(envelope["outcome"])].is_error,
        structured_content=dict(envelope),
        content=[types.TextContent(type="text", text=json.dumps(envelope, ensure_ascii=False, separators=(",", ":")))],
    )
