"""Finds the parts of a piece of work: the cancels of its children, background tasks and sub-executions.

They are read from a look at the work, from the answer to its cancel, and from the lists that these lead to.
"""

from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.following import Origin, Step, applies, follow, linked_items, steps
from pullcord.flow.listing import page_of
from pullcord.flow.looking import linked, look
from pullcord.flow.verdict import standing_of
from pullcord.model.cancel import EXPECT
from pullcord.model.condition import Context
from pullcord.model.link import Link
from pullcord.model.listing import Listing
from pullcord.model.operation import Place
from pullcord.model.outcome import OVER, Outcome
from pullcord.model.relation import CANCEL
from pullcord.upstream.gateway import Gateway

DEPTH = 5
"""Generations of parts that are followed, at most."""
MOST = 50
"""Parts that one cascade stops, at most."""
PAGES = 5
"""Further pages of one list that are read, at most."""


class Piece(NamedTuple):
    """Work that may have started other work."""

    call: Call
    """Its cancel; for a part that has ended the look that showed it."""
    attempt: Attempt | None = None
    """The attempt at that call, whose answer may name parts, too; None: it was not made yet."""


@dataclass(slots=True)
class Parts:
    """The parts that were found, and whether all were."""

    calls: list[Call] = field(default_factory=list)
    """Their cancels, nearest first, each once."""
    generations: dict[Hashable, int] = field(default_factory=dict)
    """The generation of each piece that was found: 0 for the parent."""
    complete: bool = True
    """Whether everything that could name a part was read, and each part that may run has a cancel within the bounds."""

    def add(self, piece: Piece, generation: int) -> bool:
        """Add a piece, and return whether it is a new one within the bounds.

        Args:
            piece: a part, or the parent.
            generation: 0 for the parent.
        """
        key = identity(piece.call)
        if key in self.generations:
            return False
        if piece.call.operation.cancel and generation:
            if len(self.calls) == MOST:
                self.complete = False
                return False
            self.calls.append(piece.call)
        self.generations[key] = generation
        return True


def identity(call: Call) -> Hashable:
    """The same for two cancels of the same work: the operation, and the arguments that the platform or EXPECT reads."""
    names = {parameter.name for parameter in call.operation.arguments if parameter.place is not Place.LOCAL}
    arguments = {name: value for name, value in call.arguments.items() if name in names or name.startswith(EXPECT)}
    return call.operation.id, tuple(sorted((name, str(value)) for name, value in arguments.items()))


async def find(pieces: Iterable[Piece], gateway: Gateway, parts: Parts) -> None:
    """Find the parts of pieces of work, and the parts of these.

    Args:
        pieces: the parent, or pieces that are known already.
        gateway: sends the looks.
        parts: new parts are added to it.
    """
    queue = deque(pieces)
    while queue:
        piece = queue.popleft()
        generation = parts.generations.setdefault(identity(piece.call), 0)
        if generation == DEPTH:
            parts.complete = False
            continue
        async for child in _children(piece, gateway, parts):
            if parts.add(child, generation + 1):
                queue.append(child)


async def _children(piece: Piece, gateway: Gateway, parts: Parts) -> AsyncIterator[Piece]:
    """The parts of one piece of work that may run."""
    call, attempt = piece
    origins = [_origin(attempt)] if attempt and attempt.reply else []
    if call.operation.cancel:
        origins.append(Origin(call, None, Outcome.STOPPING, None))
        was_cancelled = attempt is None or attempt.call.operation.cancel  # else the look that led here names its parts
        if was_cancelled and (look_attempt := await _look_at_work(call, gateway, parts)):
            origins.append(_origin(look_attempt))
    visited = set[Hashable]()
    for origin in origins:
        for part_call in _part_calls(origin, parts):
            if identity(part_call) not in visited:
                visited.add(identity(part_call))
                async for child in _parts_at(part_call, gateway, parts):
                    yield child


async def _look_at_work(cancel: Call, gateway: Gateway, parts: Parts) -> Attempt | None:
    """A look at the work of a cancel, if a link leads to a look that names parts."""
    description = cancel.operation.cancel
    rels = [description.before.look] if description and description.before else []
    for rel in [*rels, *(description.confirm if description else ())]:
        look_call = linked(cancel, None, rel)
        if look_call and any(link.part for link in look_call.operation.links):
            return await _look(look_call, gateway, parts)
    return None


async def _look(call: Call, gateway: Gateway, parts: Parts) -> Attempt | None:
    """A look that succeeded; None: there is no such work, or the look failed, and then not all parts are known."""
    attempt = await look(call, gateway)
    if attempt.verdict.outcome is Outcome.OBSERVED:
        return attempt
    parts.complete = parts.complete and attempt.verdict.outcome is Outcome.NOT_FOUND
    return None


def _part_calls(origin: Origin, parts: Parts) -> Iterator[Call]:
    """The calls of the part links of an answer; before there is one, of those that need no value of it."""
    status = origin.reply.status if origin.reply else None
    operation = origin.call.operation
    links = operation.links if status is None else operation.response(status).links
    for link in [link for link in links if link.part and applies(link, origin)]:
        link_steps = list(steps(link, origin, MOST))
        if status is not None and len(link_steps) != len(linked_items(link, origin)):
            parts.complete = False
        for step in link_steps:
            yield _call_of(origin.call, step)


async def _parts_at(call: Call, gateway: Gateway, parts: Parts) -> AsyncIterator[Piece]:
    """The parts that a part link leads to: the cancel itself, the items of a list, or the cancels that a look shows."""
    if call.operation.cancel:
        yield Piece(call)
    elif call.operation.listing:
        async for child in _parts_in_list(call, call.operation.listing, gateway, parts):
            yield child
    elif attempt := await _look(call, gateway, parts):
        if attempt.verdict.phase in OVER:
            yield Piece(call, attempt)
        else:
            links = call.operation.response(attempt.reply.status if attempt.reply else None).links
            for cancel in _cancels(links, _origin(attempt), parts):
                yield Piece(cancel, attempt)


async def _parts_in_list(call: Call, listing: Listing, gateway: Gateway, parts: Parts) -> AsyncIterator[Piece]:
    """The parts in a list that may run, page after page."""
    for _ in range(1 + PAGES):
        attempt = await _look(call, gateway, parts)
        reply = attempt.reply if attempt else None
        page = page_of(call.operation, call.arguments, reply.body) if reply else None
        if page is None:
            return
        for item in page.items:
            phase = standing_of(listing.state, item, Context(call.arguments)).phase
            if phase not in OVER:
                origin = Origin(call, reply, Outcome.OBSERVED, phase, item)
                for cancel in _cancels(listing.links, origin, parts):
                    yield Piece(cancel)
        if page.next_arguments is None:
            parts.complete = parts.complete and page.left_out == 0
            return
        call = call._replace(arguments=page.next_arguments)
    parts.complete = False


def _cancels(links: Sequence[Link], origin: Origin, parts: Parts) -> list[Call]:
    """The cancels of a part that may run; without any, not all parts can be stopped."""
    cancel_links = [link for link in links if link.rel == CANCEL]
    cancels = [_call_of(origin.call, step) for step in follow(cancel_links, origin) if step.operation.cancel]
    parts.complete = parts.complete and bool(cancels)
    return cancels


def _origin(attempt: Attempt) -> Origin:
    return Origin(attempt.call, attempt.reply, attempt.verdict.outcome, attempt.verdict.phase)


def _call_of(origin: Call, step: Step) -> Call:
    return origin._replace(operation=step.operation, arguments=step.arguments, found={})
