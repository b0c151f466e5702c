"""An attempt to the answer that an agent reads: it words what was decided, and decides nothing. Pure."""

from collections.abc import Iterator, Sequence

from pullcord.flow import wording
from pullcord.flow.actions import offer, offer_item
from pullcord.flow.attempt import Attempt, Obstacle, Whole
from pullcord.flow.listing import Part, part
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.answer import Answer, Item, Items, Piece
from pullcord.model.cancel import REASON, WAIT_SECONDS
from pullcord.model.outcome import FINAL, MEANINGS, MayGoOn, Outcome
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import problem


def render(attempt: Attempt, whole: Whole | None = None) -> Answer:
    """The answer to a call.

    Args:
        attempt: what was done, and what came of it.
        whole: what came of it together with all that its work had started; None: only it was asked for.
    """
    shown = attempt.watch.last if attempt.watch and attempt.watch.last else attempt
    listed = _part(shown)
    items = _items(shown, listed)
    offered = offer(attempt, listed.onward if listed else None, whole)
    call, judged = attempt.call, whole.verdict if whole else attempt.verdict
    pieces = (attempt, *(whole.parts if whole else ()))
    return Answer(
        operation_id=call.operation.operation_id,
        platform=call.operation.platform.name,
        outcome=judged.outcome,
        message=wording.message(attempt, items, [*wording.together(whole), *offered.notes]),
        work_stopped=judged.work_stopped,
        may_go_on=tuple(word for word in MayGoOn if word in judged.may_go_on),
        state=judged.state,
        evidence=_evidence(attempt, shown),
        target=call.target,
        resource=items or _resource(shown),
        parts=tuple(_piece(each) for each in pieces[1:]) if whole else None,
        problem=_problem(next(each for each in pieces if each.verdict.outcome is judged.outcome)),
        allowed_actions=(*offered.actions, *_onward(pieces[1:])),
    )


def _piece(part: Attempt) -> Piece:
    ids = {name: value for name, value in part.call.arguments.items() if name not in {REASON, WAIT_SECONDS}}
    return Piece(part.call.operation.id, ids, part.verdict.outcome, part.verdict.work_stopped, part.verdict.state)


def _onward(pieces: Sequence[Attempt]) -> Iterator[Action]:
    """The next step of each piece that is not over: the first that can be called. Of very many only some."""
    open_ones = [each for each in pieces if each.verdict.outcome not in FINAL | {Outcome.NOT_FOUND}]
    for each in open_ones[: sanitize.ITEMS_LIMIT]:
        yield from [action for action in offer(each).actions if action.tool][:1]


def _evidence(attempt: Attempt, shown: Attempt) -> dict[str, Json] | None:
    """What an answer rests on, beside its state and resource: of a cancel that was not sent, the look before it."""
    source = attempt.look if attempt.obstacle and attempt.look else shown
    if source.reply is None or source.reply.status is None:
        return None
    fields = source.verdict.read if attempt.obstacle else attempt.verdict.read
    watched: dict[str, Json] = (
        {"watched_seconds": round(attempt.watch.seconds, 1)} if attempt.watch and attempt.watch.possible else {}
    )
    operation = source.call.operation
    elsewhere = {*operation.expose, *([operation.state.at] if operation.state else [])}
    read = {pointer: value for pointer, value in fields.items() if pointer not in elsewhere}
    return {
        "http_status": source.reply.status,
        **({"fields": read} if read else {}),
        "request_id": attempt.call.request_id,
        **watched,
    }


def _part(shown: Attempt) -> Part | None:
    listing = shown.call.operation.listing
    if shown.reply is None or not shown.reply.readable or not listing:
        return None
    return part(shown.call.operation, listing, shown.call.arguments, shown.reply.body)


def _items(shown: Attempt, listed: Part | None) -> Items | None:
    listing = shown.call.operation.listing
    if listing is None or listed is None:
        return None
    return Items(
        tuple(Item(sanitize.select(item, listing.expose), tuple(offer_item(shown, item))) for item in listed.items),
        listed.left_out,
    )


def _resource(shown: Attempt) -> dict[str, Json] | None:
    if shown.reply is None or not shown.reply.readable:
        return None
    return sanitize.select(shown.reply.body, shown.call.operation.expose) or None


def _problem(attempt: Attempt) -> dict[str, Json] | None:
    """What went wrong, as RFC 9457 has it."""
    if attempt.obstacle:
        return _obstacle(attempt)
    reply = attempt.reply or Reply.unsent("")
    is_error = MEANINGS[attempt.verdict.outcome].is_error
    if not is_error and (reply.failure is not None or reply.readable):
        return None
    request_id = attempt.call.request_id
    if reply.failure is not None:
        title = "No answer" if reply.sent else "Not sent"
        detail = f"{reply.failure[0].upper()}{reply.failure[1:]}."
        return {"title": title, "detail": detail, "request_id": request_id}
    return {"request_id": request_id, **problem.members(attempt.call.operation.platform, reply)}


def _obstacle(attempt: Attempt) -> dict[str, Json] | None:
    match attempt.obstacle:
        case Obstacle.UNSEEN | Obstacle.OVER if attempt.look:
            return _problem(attempt.look)
        case Obstacle.CHANGED | Obstacle.IDLE | Obstacle.SEVERAL:
            return None
        case Obstacle.CRASHED:
            detail = "Its operator finds the cause in pullcord's error output."
        case _:
            detail = str(attempt.details.get("detail") or wording.message(attempt, None, ()))
    title = wording.TITLES.get(attempt.obstacle, "Not sent") if attempt.obstacle else "Not sent"
    seconds = attempt.details.get("seconds")
    return {"title": title, "detail": detail, **({"retry_after_seconds": seconds} if seconds else {})}
