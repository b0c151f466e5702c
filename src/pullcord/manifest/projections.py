"""Works out which parts of each operation's replies anything reads, so that no more is kept of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain

from pullcord.model.condition import NAMED, Clause, Comparison, Condition
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.listing import Listing
from pullcord.model.operation import PROBLEM_MEMBERS, Operation, Platform
from pullcord.model.pointer import Pointer, tokens
from pullcord.model.projection import WHOLE, Projection, union
from pullcord.model.state import State

EACH = None
"""Stands in a path for every member or item."""

_SHOWN = Projection(shown=True)


def with_kept(operations: Sequence[Operation]) -> list[Operation]:
    """The operations of one manifest, each with what is kept of its replies: worked out once the first large one comes.

    Args:
        operations: all of the manifest.
    """

    @cache
    def readings() -> Mapping[str, Projection]:
        return _readings(operations)

    def kept(name: str) -> Projection:
        return readings()[name]

    return [replace(each, kept=partial(kept, each.id)) for each in operations]


def _readings(operations: Sequence[Operation]) -> dict[str, Projection]:
    """What is read of the replies, by the operation's id."""
    readings = {each.id: list(_read(each)) for each in operations}
    for operation in operations:
        for look_id, projections in _read_elsewhere(operation, operations):
            readings[look_id] += projections
    return {name: _union(each) for name, each in readings.items()}


def _union(projections: Sequence[Projection]) -> Projection:
    result = Projection()
    for each in projections:
        result = union(result, each)
    return result


def _path(path: Sequence[str | None], leaf: Projection) -> Projection:
    """A leaf at a path."""
    for token in reversed(path):
        leaf = Projection(each=leaf) if token is EACH else Projection(members={token: leaf})
    return leaf


def _at(base: Sequence[str | None], pointer: Pointer, leaf: Projection) -> Projection:
    """A leaf at a pointer; where an argument's name stands in the pointer, each member may be meant.

    Args:
        base: the path of what the pointer is about.
        pointer: the pointer.
        leaf: what is kept there.
    """
    return _path([*base, *(EACH if NAMED.search(token) else token for token in tokens(pointer))], leaf)


def _read(operation: Operation) -> Iterator[Projection]:
    """What is read of an operation's replies by the operation's own rules and links."""
    yield from _problem(operation.platform)
    for pointer in operation.expose:
        yield _at((), pointer, _SHOWN)
    yield from _state(operation.state, ())
    for response in operation.responses.values():
        for rule in response.outcomes:
            yield from _condition(rule.when, ())
        for link in response.links:
            yield from _link(link, ())
    if operation.listing:
        yield from _listing(operation.listing)


def _problem(platform: Platform) -> Iterator[Projection]:
    for name in PROBLEM_MEMBERS:
        for place in platform.problem.get(name, (Expression(Source.BODY, f"/{name}"),)):
            if place.source is Source.BODY:
                yield _at((), str(place.value), _SHOWN)
    if platform.actions is not None:
        yield _path([*tokens(platform.actions), EACH, EACH], _SHOWN)


def _state(state: State | None, base: Sequence[str | None]) -> Iterator[Projection]:
    if state:
        yield _at(base, state.at, Projection())
        for rule in state.phases:
            yield from _condition(rule.when, base)


def _condition(condition: Condition, base: Sequence[str | None], source: Source = Source.BODY) -> Iterator[Projection]:
    for clause in condition:
        if clause.source is source:
            yield _at(base, clause.at, _compared(clause))


def _compared(clause: Clause) -> Projection:
    """What a comparison needs: all of a text that is searched, and all of what is compared with an object or array."""
    is_deep = any(isinstance(each, dict | list) for each in clause.values)
    return Projection(whole=is_deep, text=clause.comparison is Comparison.MATCH)


def _listing(listing: Listing) -> Iterator[Projection]:
    items = (*tokens(listing.items), EACH)
    yield _path(items, Projection())
    yield from _state(listing.state, items)
    for pointer in (*listing.expose, listing.name, listing.since and listing.since.at):
        if pointer is not None:
            yield _at(items, pointer, _SHOWN)
    for pointer in (listing.pages.total, listing.pages.more, listing.pages.next):
        if pointer is not None:
            yield _at((), pointer, WHOLE)
    for link in listing.links:
        yield from _link(link, items)


def _link(link: Link, base: Sequence[str | None]) -> Iterator[Projection]:
    """What a link reads of a reply.

    Args:
        link: of a response, or of a list's items.
        base: the path of what the link belongs to: the whole reply, or each item of a list.
    """
    yield from _condition(link.body, base)
    items = base if link.each is None else (*tokens(link.each), EACH)
    yield _path(items, Projection())
    yield from _arguments(link.arguments, Source.BODY, ())
    yield from _arguments(link.arguments, Source.ITEM, items)


def _arguments(
    arguments: Sequence[tuple[str, Expression]], source: Source, base: Sequence[str | None]
) -> Iterator[Projection]:
    for _, expression in arguments:
        if expression.source is source:
            yield _at(base, str(expression.value), WHOLE)


def _read_elsewhere(
    operation: Operation, operations: Sequence[Operation]
) -> Iterator[tuple[str, Sequence[Projection]]]:
    """What a cancel reads of the replies to the looks before it, each with the id of the look's operation."""
    cancel = operation.cancel
    if cancel and cancel.target:
        target = cancel.target
        look = next(each for each in operations if each.id == target.operation_id)
        items = (*tokens(look.listing.items), EACH) if look.listing else ()
        yield look.id, [*_condition(target.when, items), _at(items, target.at, WHOLE)]
    if cancel and cancel.before:
        looks = {each.operation_id for each in operation.links if each.rel == cancel.before.look}
        rules = chain.from_iterable(each.outcomes for each in operation.responses.values())
        conditions = [each.when for each in rules]
        conditions += [each.when for each in (operation.state.phases if operation.state else ())]
        for look_id in looks:
            yield look_id, [*chain.from_iterable(_condition(each, (), Source.BEFORE) for each in conditions)]
