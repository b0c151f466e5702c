"""What an agent is told: one JSON object for every answer, success or error. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from pullcord.flow.actions import Action, Call, offer, offer_item, retarget
from pullcord.flow.listing import Part, part
from pullcord.flow.target import Look
from pullcord.flow.verdict import Verdict, verdict
from pullcord.flow.wait import Watch, settle
from pullcord.model import sanitize
from pullcord.model.cancel import WAIT_SECONDS
from pullcord.model.operation import Operation, Place
from pullcord.model.outcome import MEANINGS, Outcome, Phase, WorkStopped
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import problem


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


def schema(operation: Operation) -> dict[str, Any]:
    """The JSON Schema of an operation's answers, success and error alike.

    Compact, since every tool carries it: all members are required, and those that steer an agent are described.
    """
    words = _CANCEL if operation.cancel else {Outcome.OBSERVED: "", **_OBSERVE}
    return {
        "type": "object",
        "properties": {
            "outcome": {"enum": [str(word) for word in words]},
            "message": {"type": "string"},
            "work_stopped": {"enum": ["yes", "no", "unknown"]},
            "allowed_actions": {"type": "array", "items": {"type": "object"}},
        },
        "required": [*Envelope.__annotations__],
    }


_CANCEL: Mapping[Outcome, str] = {
    Outcome.STOPPED: "{platform} reports that the work ended because it was cancelled.",
    Outcome.STOPPING: "{platform} accepted the request to stop; the work may still be running.",
    Outcome.NOTHING_RUNNING: "{platform} found nothing to stop.",
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


def answer(call: Call, reply: Reply, judged: Verdict, seen: Watch | None = None) -> Envelope:
    """The answer to a call that was sent.

    Args:
        call: what was asked.
        reply: what came back.
        judged: what came of it.
        seen: what watching showed since then.
    """
    shown, source = call, reply
    if seen:
        judged = settle(judged, seen, aimed=call.operation.repeatable)
        shown, source = (seen.call, seen.reply) if seen.call and seen.reply else (shown, source)
    received = source if source.status is not None else None
    part = _part(shown, received)
    offered = offer(call, reply, judged, part.onward if part else None)
    return _envelope(
        call,
        judged,
        message=_join(
            _cause(reply, judged),
            _sentence(call, reply, judged, part),
            _aim(call, judged),
            judged.note,
            _pause(reply, judged),
            _unwatched(call, judged, seen),
            *offered.notes,
            call=call,
        ),
        evidence=_evidence(call, received, judged, seen),
        resource=_resource(shown, received, part),
        problem=_problem(call, reply, judged),
        allowed_actions=offered.actions,
    )


def unaimed(call: Call, look: Look) -> Envelope:
    """The answer where what runs had to be known, and the look at it failed: nothing was sent."""
    failed = look.verdict.outcome
    judged = verdict(Outcome.UNAVAILABLE if failed is Outcome.UNKNOWN else failed)
    reply = look.reply if look.reply.status is not None else None
    return _envelope(
        call,
        judged,
        message=_join(
            _cause(look.reply, look.verdict) or _OBSERVE[failed],
            "Nothing was cancelled: whether the expected task is what runs now could not be told.",
            call=call,
        ),
        evidence=_evidence(call, reply, look.verdict),
        problem=_problem(call, look.reply, look.verdict),
        allowed_actions=offer(call, reply, judged).actions,
    )


_NONE_RUNS = "no task runs now. The expected one may have ended, or may not have begun yet."


def changed(call: Call, look: Look) -> Envelope:
    """The answer where something else runs than was expected: nothing was sent."""
    judged = verdict(Outcome.TARGET_CHANGED)
    again = [retarget(call)] if any(look.found.values()) else []
    if not again:
        judged = replace(judged, work_stopped="unknown")
    return _envelope(
        call,
        judged,
        message="Nothing was cancelled: "
        + ("another task runs now than the expected one; target names it." if again else _NONE_RUNS),
        evidence=_evidence(call, look.reply if look.reply.status is not None else None, look.verdict),
        allowed_actions=[*again, *offer(call, None, judged).actions],
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
        allowed_actions=offer(call, None, judged).actions,
    )


def unconfigured(call: Call) -> Envelope:
    """The answer where the platform's settings are missing."""
    judged = verdict(Outcome.DENIED)
    settings = call.scope.settings_of(call.operation)
    names = " and ".join(settings.missing)
    title = call.operation.platform.title
    why = f"pullcord is not set up for {title}. Its operator must set {names} and start it again."
    if settings.missing == (settings.key_source,) and settings.brought:
        why = f"the request brought no key for {title}. {settings.remedy}"
    return _envelope(
        call,
        judged,
        message=f"Nothing was sent: {why}",
        problem={"title": "Not configured", "detail": f"{names} is not set."},
        allowed_actions=offer(call, None, judged).actions,
    )


def withheld(call: Call, outcome: Outcome, message: str, allowed_actions: list[Action], **members: Json) -> Envelope:
    """The answer where pullcord itself did not send a cancel, with further members of its problem."""
    problem = {"title": "Not sent", "detail": message, **members}
    return _envelope(call, verdict(outcome), message, allowed_actions, problem=problem)


def limited(call: Call, count: int, unit: str, seconds: int) -> Envelope:
    """The answer where this server has sent as many cancels as it may."""
    judged = verdict(Outcome.RATE_LIMITED)
    actions = [
        {**action, "retry_after_seconds": seconds} if action["rel"] == "retry-later" else action
        for action in offer(call, None, judged).actions
    ]
    message = f"Nothing was sent: this server may send {count} cancels per {unit}. Call again after {seconds} s."
    return withheld(call, judged.outcome, message, actions, retry_after_seconds=seconds)


def unrecorded(call: Call) -> Envelope:
    """The answer where the journal's first line could not be written."""
    judged = verdict(Outcome.UNAVAILABLE)
    message = "Nothing was sent: each cancel is recorded first, and the journal can't be written. Tell its operator."
    return withheld(call, judged.outcome, message, offer(call, None, judged).actions)


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


class _Rest(TypedDict, total=False):
    """What is not said in every answer."""

    evidence: dict[str, Json] | None
    resource: dict[str, Any] | None
    problem: dict[str, Json] | None


def _envelope(
    call: Call, judged: Verdict, message: str, allowed_actions: list[Action], **rest: Unpack[_Rest]
) -> Envelope:
    return {
        "operation_id": call.operation.id,
        "platform": call.operation.platform.name,
        "outcome": str(judged.outcome),
        "message": message,
        "work_stopped": judged.work_stopped,
        "state": judged.state,
        "evidence": rest.get("evidence"),
        "target": target(call),
        "resource": rest.get("resource"),
        "problem": rest.get("problem"),
        "allowed_actions": allowed_actions,
    }


def target(call: Call) -> dict[str, Json]:
    """What a call aims at: the ids that it names, and what was looked up."""
    paths = [parameter.name for parameter in call.operation.arguments if parameter.place is Place.PATH]
    ids = {name: call.arguments[name] for name in paths if name in call.arguments} | dict(call.found)
    return {name: sanitize.value(value) for name, value in ids.items()}


def _is_success(reply: Reply) -> bool:
    return reply.succeeded and not reply.unreadable


def _evidence(call: Call, reply: Reply | None, judged: Verdict, seen: Watch | None = None) -> dict[str, Json] | None:
    if reply is None:
        return None
    watched: dict[str, Json] = {"watched_seconds": round(seen.seconds, 1)} if seen else {}
    return {"http_status": reply.status, "fields": dict(judged.read), "request_id": call.request_id, **watched}


def _part(call: Call, reply: Reply | None) -> Part | None:
    if reply is None or not call.operation.listing or not _is_success(reply):
        return None
    return part(call.operation, call.operation.listing, call.arguments, reply.body)


def _resource(call: Call, reply: Reply | None, part: Part | None) -> dict[str, Any] | None:
    listing = call.operation.listing
    if reply is None or not _is_success(reply):
        return None
    if listing is None or part is None:
        return sanitize.select(reply.body, call.operation.expose) or None
    items = [
        {**sanitize.select(item, listing.expose), "allowed_actions": offer_item(call, reply, listing, item)}
        for item in part.items
    ]
    return {"items": items, **({"left_out": part.left_out} if part.left_out else {})}


def _problem(call: Call, reply: Reply, judged: Verdict) -> dict[str, Json] | None:
    if not MEANINGS[judged.outcome].is_error and (reply.failure is not None or _is_success(reply)):
        return None
    if reply.failure is not None:
        title = "No answer" if reply.sent else "Not sent"
        return {"title": title, "detail": _upper(reply.failure), "request_id": call.request_id}
    return {"request_id": call.request_id, **problem.members(call.operation.platform, reply)}


def _join(*sentences: str | None, call: Call) -> str:
    return " ".join(each for each in sentences if each).replace("{platform}", call.operation.platform.title)


def _upper(failure: str) -> str:
    return f"{failure[0].upper()}{failure[1:]}."


def _aim(call: Call, judged: Verdict) -> str | None:
    """What is known of the target of a cancel that named none."""
    if not call.operation.cancel or not call.operation.cancel.target or judged.outcome is not Outcome.STOPPING:
        return None
    if not call.found:
        return "Which task it met is unknown, since what runs could not be looked up."
    return None if any(call.found.values()) else "No task was running when pullcord looked just before."


def _pause(reply: Reply, judged: Verdict) -> str | None:
    """When to call again, where the platform names it."""
    if not reply.status is not None or judged.outcome not in {Outcome.RATE_LIMITED, Outcome.UNAVAILABLE}:
        return None
    seconds = reply.retry_after
    return f"Call again after {seconds} s." if seconds else None


def _unwatched(call: Call, judged: Verdict, seen: Watch | None) -> str | None:
    """Why nothing was watched, where the caller asked for it and the work may run."""
    over = MEANINGS[judged.outcome].is_error and judged.outcome is not Outcome.UNKNOWN
    if seen or over or judged.work_stopped == "yes" or not call.arguments.get(WAIT_SECONDS):
        return None
    return "pullcord did not wait, since nothing names the work that could be watched."


def _cause(reply: Reply, judged: Verdict) -> str | None:
    """Why nothing trustworthy is known, where that is so."""
    if reply.failure is not None:
        return _upper(reply.failure)
    if judged.outcome is not Outcome.UNKNOWN:
        return None
    if reply.unreadable:
        return f"{{platform}} answered with status {reply.status}, and the answer can't be read: {reply.unreadable}."
    if 300 <= (reply.status or 0) < 400:  # noqa: PLR2004 - the class of redirection
        return f"{{platform}} answered with a redirect ({reply.status}), which is never followed; check its base URL."
    if not _is_success(reply):
        return f"{{platform}} answered with status {reply.status}."
    return "{platform} answered in a way that pullcord doesn't know."


def _observed(judged: Verdict, part: Part | None) -> str:
    if judged.outcome is not Outcome.OBSERVED:
        return _OBSERVE[judged.outcome]
    if part is None:
        return _PHASE[judged.phase]
    more = "; there may be more" if part.left_out is None else f"; {part.left_out} more follow" * bool(part.left_out)
    if not part.items:
        return f"No items{more}."
    return f"{len(part.items)} item{'s' * (len(part.items) != 1)}, each with its allowed_actions{more}."


def _sentence(call: Call, reply: Reply, judged: Verdict, part: Part | None) -> str:
    if not call.operation.cancel:
        return _observed(judged, part)
    if judged.outcome is Outcome.UNAVAILABLE and reply.failure is not None:
        return "Nothing was sent to {platform}; the work may still be running."
    if judged.outcome is not Outcome.UNKNOWN:
        return _CANCEL[judged.outcome]
    if judged.work_stopped == "yes":
        return "The request was sent; whether {platform} acted on it is unknown."
    again = "it is safe to send again" if call.operation.repeatable else "sent again, it could meet other work"
    return f"{_CANCEL[judged.outcome]} Look first; {again}."
