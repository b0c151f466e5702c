"""What a piece of work started: the cancels of its children, background tasks and sub-executions.

They are read from the look at the work, from what its cancel answered, and from the lists that these lead to.
"""

from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.following import Origin, Step, applies, each, follow, steps
from pullcord.flow.listing import part
from pullcord.flow.looking import linked, look
from pullcord.flow.verdict import where
from pullcord.model.cancel import EXPECT
from pullcord.model.condition import Context
from pullcord.model.link import Link
from pullcord.model.listing import Listing
from pullcord.model.operation import Place
from pullcord.model.outcome import OVER, Outcome
from pullcord.upstream.gateway import Gateway

DEPTH = 5
"""Generations of parts that are followed."""
MOST = 50
"""Pieces that one cascade stops, besides the parent."""
PAGES = 5
"""Further pages that are read of one list."""
CANCEL = "cancel"
"""The link relation of a cancel."""


class Piece(NamedTuple):
    """Work that may have started other work."""

    call: Call
    """Its cancel; of a part that has ended the look that showed it."""
    answered: Attempt | None = None
    """What that brought, which may name parts, too; None: it was not sent yet."""


@dataclass(slots=True)
class Parts:
    """The parts that were found, and whether these are all."""

    calls: list[Call] = field(default_factory=list)
    """Their cancels, nearest first, each once."""
    generations: dict[Hashable, int] = field(default_factory=dict)
    """How far each piece that was met is from the parent."""
    complete: bool = True
    """Whether everything that could hold a part was read, and each that may run has a cancel within the bounds."""

    def add(self, piece: Piece, generation: int) -> bool:
        """Note a piece; whether it is a new one within the bounds.

        Args:
            piece: a part, or the parent.
            generation: how far it is from the parent.
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
    """What a cancel hits: the operation, and the arguments that reach the platform or name what is expected."""
    named = {parameter.name for parameter in call.operation.arguments if parameter.place is not Place.LOCAL}
    kept = {name: value for name, value in call.arguments.items() if name in named or name.startswith(EXPECT)}
    return call.operation.id, tuple(sorted((name, str(value)) for name, value in kept.items()))


async def find(pieces: Iterable[Piece], gateway: Gateway, parts: Parts) -> None:
    """Add the parts of pieces of work, and the parts of these.

    Args:
        pieces: the parent, or what is known already.
        gateway: sends the looks.
        parts: filled with what is new.
    """
    waiting = deque(pieces)
    while waiting:
        piece = waiting.popleft()
        generation = parts.generations.setdefault(identity(piece.call), 0)
        if generation == DEPTH:
            parts.complete = False
            continue
        async for child in _children(piece, gateway, parts):
            if parts.add(child, generation + 1):
                waiting.append(child)


async def _children(piece: Piece, gateway: Gateway, parts: Parts) -> AsyncIterator[Piece]:
    """What one piece of work started, and may run."""
    call, answered = piece
    origins = [_origin(answered)] if answered and answered.reply else []
    if call.operation.cancel:
        origins.append(Origin(call, None, Outcome.STOPPING, None))
        was_cancelled = answered is None or answered.call.operation.cancel  # a look that led here tells the rest itself
        if was_cancelled and (seen := await _seen(call, gateway, parts)):
            origins.append(_origin(seen))
    read = set[Hashable]()
    for origin in origins:
        for target in _targets(origin, parts):
            if identity(target) not in read:
                read.add(identity(target))
                async for child in _at(target, gateway, parts):
                    yield child


async def _seen(cancel: Call, gateway: Gateway, parts: Parts) -> Attempt | None:
    """A look at the work of a cancel, if anything leads to one that names parts."""
    said = cancel.operation.cancel
    before = [said.before.look] if said and said.before else []
    for rel in [*before, *(said.confirm if said else ())]:
        looking = linked(cancel, None, rel)
        if looking and any(link.part for each in looking.operation.responses.values() for link in each.links):
            return await _look(looking, gateway, parts)
    return None


async def _look(call: Call, gateway: Gateway, parts: Parts) -> Attempt | None:
    """A look that succeeded; None: it failed, and what it would have shown is unknown, or nothing is there."""
    seen = await look(call, gateway)
    if seen.verdict.outcome is Outcome.OBSERVED:
        return seen
    parts.complete = parts.complete and seen.verdict.outcome is Outcome.NOT_FOUND
    return None


def _targets(origin: Origin, parts: Parts) -> Iterator[Call]:
    """Where the part links of an answer lead; of what was not sent yet, those that read nothing of the answer."""
    status = origin.reply.status if origin.reply else None
    operation = origin.call.operation
    responses = operation.responses.values() if status is None else [operation.response(status)]
    for link in [link for response in responses for link in response.links if link.part and applies(link, origin)]:
        found = list(steps(link, origin, MOST))
        if status is not None and len(found) != len(each(link, origin)):
            parts.complete = False
        for step in found:
            yield _called(origin.call, step)


async def _at(target: Call, gateway: Gateway, parts: Parts) -> AsyncIterator[Piece]:
    """The parts that a part link leads to: itself, if it is a cancel, the items of a list, or what a look shows."""
    if target.operation.cancel:
        yield Piece(target)
    elif target.operation.listing:
        async for child in _listed(target, target.operation.listing, gateway, parts):
            yield child
    elif seen := await _look(target, gateway, parts):
        if seen.verdict.phase in OVER:
            yield Piece(target, seen)
        else:
            links = target.operation.response(seen.reply.status if seen.reply else None).links
            for cancel in _cancels(links, _origin(seen), parts):
                yield Piece(cancel, seen)


async def _listed(call: Call, listing: Listing, gateway: Gateway, parts: Parts) -> AsyncIterator[Piece]:
    """The items of a list that may run, page after page."""
    for _ in range(1 + PAGES):
        seen = await _look(call, gateway, parts)
        page = part(call.operation, listing, call.arguments, seen.reply.body) if seen and seen.reply else None
        if seen is None or page is None:
            return
        for item in page.items:
            phase = where(listing.state, item, Context(call.arguments)).phase
            if phase not in OVER:
                origin = Origin(call, seen.reply, Outcome.OBSERVED, phase, item)
                for cancel in _cancels(listing.links, origin, parts):
                    yield Piece(cancel)
        if page.onward is None:
            parts.complete = parts.complete and page.left_out == 0
            return
        call = call._replace(arguments=page.onward)
    parts.complete = False


def _cancels(links: Sequence[Link], origin: Origin, parts: Parts) -> list[Call]:
    """The cancels of a part that may run."""
    found = [step for step in follow([link for link in links if link.rel == CANCEL], origin) if step.operation.cancel]
    parts.complete = parts.complete and bool(found)
    return [_called(origin.call, step) for step in found]


def _origin(attempt: Attempt) -> Origin:
    return Origin(attempt.call, attempt.reply, attempt.verdict.outcome, attempt.verdict.phase)


def _called(origin: Call, step: Step) -> Call:
    return origin._replace(operation=step.operation, arguments=step.arguments, found={})
