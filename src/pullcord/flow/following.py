"""Follows the manifest's links: those that apply to an answer or to an item of a list, as calls. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pullcord.flow.attempt import Call
from pullcord.model import sanitize
from pullcord.model.arguments import typed_as
from pullcord.model.condition import Context, fits
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json

_ANSWER = frozenset({Source.BODY, Source.HEADER, Source.ITEM})
"""The sources that stand in an answer."""


class Step(NamedTuple):
    """A link that applies, and the call that it leads to."""

    link: Link
    operation: Operation
    arguments: Arguments


class Origin(NamedTuple):
    """The answer, or the item of a list, from which links are followed."""

    call: Call
    reply: Reply | None
    outcome: Outcome
    phase: Phase | None
    item: Json = None
    """The item of a list from which links are followed; None: the whole answer."""


def follow(links: Sequence[Link], origin: Origin) -> Iterator[Step]:
    """The calls of all links that apply, and whose arguments can all be read.

    Args:
        links: of a response, or of a list's items. One with x-each gives a call for each of the first 20 items.
        origin: the answer or item from which they are followed.
    """
    for link in links:
        if applies(link, origin):
            yield from steps(link, origin, sanitize.ITEMS_LIMIT)


def applies(link: Link, origin: Origin) -> bool:
    """Whether the conditions of a link fit an answer or an item.

    Args:
        link: of a response, or of a list's items.
        origin: the answer or item from which it is followed.
    """
    if link.outcomes is not None and origin.outcome not in link.outcomes:
        return False
    if link.phases is not None and origin.phase not in link.phases:
        return False
    if not link.body:
        return True
    reply = origin.reply
    context = Context(origin.call.arguments, reply.headers if reply else {})
    return fits(link.body, _body(origin) if origin.item is None else origin.item, context)


def linked_items(link: Link, origin: Origin) -> list[Json]:
    """The items for which a link gives a call each: those of its array (x-each), or the one item of its origin.

    Args:
        link: of a response, or of a list's items.
        origin: the answer or item from which it is followed.
    """
    if link.each is None:
        return [origin.item]
    items = look_up(_body(origin), link.each)
    return items if isinstance(items, list) else []


def steps(link: Link, origin: Origin, most: int) -> Iterator[Step]:
    """The calls of a link, where its arguments can all be read.

    Args:
        link: one that applies.
        origin: the answer or item from which it is followed.
        most: items of its array that are followed, at most.
    """
    call = origin.call
    for item in linked_items(link, origin)[:most]:
        arguments = _arguments(link, origin, item)
        # No argument may be null: without it the call could be a cancel of whatever runs.
        if not call.surface.checks[link.operation_id](arguments):
            yield Step(link, call.surface.catalogue[link.operation_id], arguments)


def count_malformed(links: Sequence[Link], origin: Origin) -> int:
    """The number of calls that are not offered, although all their arguments were found: their tools refuse these.

    Args:
        links: of a response. One that takes nothing from the answer is left out: its arguments were checked before.
        origin: the answer from which they are followed.
    """
    return sum(
        bool(origin.call.surface.checks[link.operation_id](arguments))
        for link in links
        if any(expression.source in _ANSWER for _, expression in link.arguments) and applies(link, origin)
        for item in linked_items(link, origin)[: sanitize.ITEMS_LIMIT]
        if None not in (arguments := _arguments(link, origin, item)).values()
    )


def _arguments(link: Link, origin: Origin, item: Json) -> dict[str, Json]:
    values = {name: read(origin.call, origin.reply, expression, item) for name, expression in link.arguments}
    return typed_as(origin.call.surface.catalogue[link.operation_id], values)


def _body(origin: Origin) -> Json:
    return origin.reply.body if origin.reply else None


def read(call: Call, reply: Reply | None, expression: Expression, item: Json = None) -> Json:
    """The value of an expression; None where there is none.

    Args:
        call: gives arguments and the target.
        reply: gives the body and headers; None: there is no answer.
        expression: the one to read.
        item: the item of a list.
    """
    match expression.source:
        case Source.ARGUMENT:
            return call.arguments.get(str(expression.value))
        case Source.TARGET:
            return call.found.get(str(expression.value))
        case Source.ITEM:
            return look_up(item, str(expression.value))
        case Source.BODY:
            return look_up(reply.body, str(expression.value)) if reply else None
        case Source.HEADER:
            return reply.headers.get(str(expression.value)) if reply else None
    return expression.value
