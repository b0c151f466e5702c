"""Makes the answer that an agent reads of an attempt; it decides nothing. Pure."""

from collections.abc import Iterator, Sequence

from pullcord.flow import wording
from pullcord.flow.actions import offer, offer_item
from pullcord.flow.attempt import Attempt, Obstacle, Whole
from pullcord.flow.listing import Page, page_of
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.answer import Answer, Item, Items, Piece
from pullcord.model.cancel import REASON, WAIT_SECONDS
from pullcord.model.outcome import FINAL, MEANINGS, MayGoOn, Outcome
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json
from pullcord.upstream import problem


def render(attempt: Attempt, whole: Whole | None = None) -> Answer:
    """The answer to a call.

    Args:
        attempt: at the call.
        whole: with cascade: what came of the work and its parts; None: without.
    """
    observation = attempt.watch.last if attempt.watch and attempt.watch.last else attempt
    page = _page(observation)
    items = _items(observation, page)
    steps = offer(attempt, page.next_arguments if page else None, whole)
    call, verdict = attempt.call, whole.verdict if whole else attempt.verdict
    target = call.target
    pieces = (attempt, *(whole.parts if whole else ()))
    return Answer(
        operation_id=call.operation.operation_id,
        platform=call.operation.platform.name,
        outcome=verdict.outcome,
        message=wording.message(attempt, items, [*wording.cascade_sentences(whole), *steps.notes]),
        work_stopped=verdict.work_stopped,
        may_go_on=tuple(word for word in MayGoOn if word in verdict.may_go_on) if verdict.may_go_on else (),
        state=verdict.state,
        evidence=_evidence(attempt, observation),
        target=target,
        resource=items or _resource(observation, target, verdict.state),
        parts=tuple(_piece(each) for each in pieces[1:]) if whole else None,
        problem=_problem(next(each for each in pieces if each.verdict.outcome is verdict.outcome)),
        allowed_actions=(*steps.actions, *_next_steps(pieces[1:])),
    )


def _piece(part: Attempt) -> Piece:
    ids = {name: value for name, value in part.call.arguments.items() if name not in {REASON, WAIT_SECONDS}}
    return Piece(part.call.operation.id, ids, part.verdict.outcome, part.verdict.work_stopped, part.verdict.state)


def _next_steps(pieces: Sequence[Attempt]) -> Iterator[Action]:
    """The next step of each piece that is not over, the first that can be called; for the first 20 such pieces."""
    open_pieces = [each for each in pieces if each.verdict.outcome not in FINAL | {Outcome.NOT_FOUND}]
    for each in open_pieces[: sanitize.ITEMS_LIMIT]:
        yield from [action for action in offer(each).actions if action.tool][:1]


def _evidence(attempt: Attempt, observation: Attempt) -> dict[str, Json] | None:
    """What an answer rests on, beside its state and resource; for a cancel that was not sent the look before it."""
    source = attempt.look if attempt.obstacle and attempt.look else observation
    if source.reply is None or source.reply.status is None:
        return None
    fields = source.verdict.read if attempt.obstacle else attempt.verdict.read
    watch_evidence: dict[str, Json] = (
        {"watched_seconds": round(attempt.watch.seconds, 1)} if attempt.watch and attempt.watch.possible else {}
    )
    operation = source.call.operation
    repeated = (*operation.expose, operation.state.at if operation.state else None)
    fields_read = {pointer: value for pointer, value in fields.items() if pointer not in repeated}
    return {
        "http_status": source.reply.status,
        **({"fields": fields_read} if fields_read else {}),
        "request_id": attempt.call.request_id,
        **watch_evidence,
    }


def _page(observation: Attempt) -> Page | None:
    call, reply = observation.call, observation.reply
    return page_of(call.operation, call.arguments, reply.body) if reply and reply.readable else None


def _items(observation: Attempt, page: Page | None) -> Items | None:
    listing = observation.call.operation.listing
    if listing is None or page is None:
        return None
    return Items(
        tuple(
            Item(sanitize.select(item, listing.expose), tuple(offer_item(observation, listing, item)))
            for item in page.items
        ),
        page.left_out,
    )


def _resource(observation: Attempt, target: Arguments, state: str | None) -> dict[str, Json] | None:
    """What the platform shows of the work, but for the ids and the word that the answer's target and state tell."""
    if observation.reply is None or not observation.reply.readable:
        return None
    operation, body = observation.call.operation, observation.reply.body
    ids = {str(value) for value in target.values()}
    at = operation.state.at if operation.state else None
    parts = ((pointer, look_up(body, pointer)) for pointer in operation.expose)
    new_parts = (
        (pointer, part)
        for pointer, part in parts
        if part is not None and str(part) not in ids and (pointer, part) != (at, state)
    )
    return sanitize.nested(new_parts) or None


def _problem(attempt: Attempt) -> dict[str, Json] | None:
    """The members of RFC 9457; None: nothing went wrong."""
    if attempt.obstacle:
        return _obstacle(attempt)
    reply = attempt.reply or Reply.unsent("")
    is_error = MEANINGS[attempt.verdict.outcome].is_error
    if not is_error and (reply.failure is not None or reply.readable):
        return None
    request_id = attempt.call.request_id
    if reply.failure is not None:
        title = wording.TITLE_NO_ANSWER if reply.sent else wording.TITLE_NOT_SENT
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
            detail = wording.DETAIL_CRASHED
        case _:
            detail = str(attempt.details.get("detail") or wording.message(attempt, None, ()))
    title = wording.TITLES.get(attempt.obstacle, wording.TITLE_NOT_SENT) if attempt.obstacle else wording.TITLE_NOT_SENT
    seconds = attempt.details.get("seconds")
    return {"title": title, "detail": detail, **({"retry_after_seconds": seconds} if seconds else {})}
