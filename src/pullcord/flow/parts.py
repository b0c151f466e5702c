"""What a piece of work started: the cancels of its children, background tasks and sub-executions.

They are read from the look at the work, from what its cancel answered, and from the lists that these lead to.
"""

from collections.abc import AsyncIterator, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.following import Origin, Step, follow
from pullcord.flow.listing import part
from pullcord.flow.looking import linked, look
from pullcord.flow.verdict import where
from pullcord.model.cancel import EXPECT
from pullcord.model.condition import Context
from pullcord.model.listing import Listing
from pullcord.model.operation import Place
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.value import Json
from pullcord.upstream.gateway import Gateway

DEPTH = 5
"""Generations of parts that are followed."""
MOST = 50
"""Pieces that one cascade stops, besides the parent."""
PAGES = 5
"""Further pages that are read of one list."""
RUNNING = frozenset({Phase.ACTIVE, Phase.PAUSED})
CANCEL = "cancel"
"""The link relation of a cancel."""


@dataclass(slots=True)
class Parts:
    """The parts that were found, and whether these are all."""

    calls: list[Call] = field(default_factory=list)
    """Their cancels, nearest first, each once."""
    known: set[Hashable] = field(default_factory=set)
    complete: bool = True
    """Whether everything that could hold a part was read, and nothing was left out for being too many."""

    def add(self, call: Call) -> bool:
        """Note a part; whether it is a new one within the bounds."""
        key = identity(call)
        if key in self.known:
            return False
        if len(self.calls) == MOST:
            self.complete = False
            return False
        self.known.add(key)
        self.calls.append(call)
        return True


def identity(call: Call) -> Hashable:
    """What a cancel hits: the operation, and the arguments that reach the platform or name what is expected."""
    named = {parameter.name for parameter in call.operation.arguments if parameter.place is not Place.LOCAL}
    kept = {name: value for name, value in call.arguments.items() if name in named or name.startswith(EXPECT)}
    return call.operation.id, tuple(sorted((name, str(value)) for name, value in kept.items()))


async def find(parent: Call, answered: Attempt | None, gateway: Gateway, parts: Parts) -> None:
    """Add the parts of a cancel's work, and the parts of these.

    Args:
        parent: the cancel of the work.
        answered: its attempt, whose answer may name parts, too; None: it was not sent yet.
        gateway: sends the looks.
        parts: filled with what is new.
    """
    generation: list[tuple[Call, Attempt | None]] = [(parent, answered)]
    for _ in range(DEPTH):
        found: list[tuple[Call, Attempt | None]] = []
        for cancel, answer in generation:
            children = [child async for child in _children(cancel, answer, gateway, parts)]
            found += [(child, None) for child in children if parts.add(child)]
        generation = found
    parts.complete = parts.complete and not generation


async def _children(cancel: Call, answer: Attempt | None, gateway: Gateway, parts: Parts) -> AsyncIterator[Call]:
    """The cancels of what one piece of work started."""
    for origin in [Origin(cancel, None, Outcome.STOPPING, None), *_answered(answer)]:
        async for child in _led_to(origin, gateway, parts):
            yield child
    seen = await _seen(cancel, gateway)
    if seen and seen.verdict.outcome is Outcome.OBSERVED:
        async for child in _led_to(_origin(seen), gateway, parts):
            yield child


async def _seen(cancel: Call, gateway: Gateway) -> Attempt | None:
    """A look at the work of a cancel, if anything leads to one that names parts."""
    said = cancel.operation.cancel
    before = [said.before.look] if said and said.before else []
    for rel in [*before, *(said.confirm if said else ())]:
        looking = linked(cancel, None, rel)
        if looking and any(link.part for each in looking.operation.responses.values() for link in each.links):
            return await look(looking, gateway)
    return None


def _answered(answer: Attempt | None) -> Iterator[Origin]:
    if answer and answer.reply and answer.reply.status is not None:
        yield _origin(answer)


def _origin(attempt: Attempt) -> Origin:
    return Origin(attempt.call, attempt.reply, attempt.verdict.outcome, attempt.verdict.phase)


async def _led_to(origin: Origin, gateway: Gateway, parts: Parts) -> AsyncIterator[Call]:
    """The cancels that the part links of an answer lead to."""
    status = origin.reply.status if origin.reply else None
    responses = origin.call.operation.responses.values() if status is None else [origin.call.operation.response(status)]
    links = [link for response in responses for link in response.links if link.part]
    for step in follow(links, origin):
        call = _called(origin.call, step)
        if step.operation.cancel:
            yield call
        elif step.operation.listing:
            async for child in _listed(call, step.operation.listing, gateway, parts):
                yield child
        else:
            seen = await look(call, gateway)
            parts.complete = parts.complete and seen.verdict.outcome in {Outcome.OBSERVED, Outcome.NOT_FOUND}
            for child in _cancels(seen):
                yield child


async def _listed(call: Call, listing: Listing, gateway: Gateway, parts: Parts) -> AsyncIterator[Call]:
    """The cancels of the items of a list that run, page after page."""
    for _ in range(1 + PAGES):
        seen = await look(call, gateway)
        page = part(call.operation, listing, call.arguments, seen.reply.body) if seen.reply else None
        if seen.verdict.outcome is not Outcome.OBSERVED or page is None:
            parts.complete = False
            return
        for item in page.items:
            for child in _item_cancels(seen, listing, item):
                yield child
        if page.onward is None:
            parts.complete = parts.complete and not page.left_out
            return
        call = call._replace(arguments=page.onward)
    parts.complete = False


def _item_cancels(listed: Attempt, listing: Listing, item: Json) -> Iterable[Call]:
    phase = where(listing.state, item, Context(listed.call.arguments)).phase
    if phase not in RUNNING:
        return
    origin = Origin(listed.call, listed.reply, Outcome.OBSERVED, phase, item)
    for step in follow([link for link in listing.links if link.rel == CANCEL], origin):
        if step.operation.cancel:
            yield _called(listed.call, step)


def _cancels(seen: Attempt) -> Iterable[Call]:
    """The cancels that a look at a part offers, if it runs."""
    if seen.verdict.outcome is Outcome.OBSERVED and seen.verdict.phase in RUNNING:
        links = seen.call.operation.response(seen.reply.status if seen.reply else None).links
        for step in follow([link for link in links if link.rel == CANCEL], _origin(seen)):
            if step.operation.cancel:
                yield _called(seen.call, step)


def _called(origin: Call, step: Step) -> Call:
    return origin._replace(operation=step.operation, arguments=step.arguments, found={})
