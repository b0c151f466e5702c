"""The manifest's links that apply to an answer or to an item of a list, as calls. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pullcord.flow.attempt import Call
from pullcord.model import sanitize
from pullcord.model.condition import Context, fits
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json


class Step(NamedTuple):
    """A link that applies, and the call that it leads to."""

    link: Link
    operation: Operation
    arguments: Arguments


class Origin(NamedTuple):
    """What links are followed from."""

    call: Call
    reply: Reply | None
    outcome: Outcome
    phase: Phase | None
    item: Json = None
    """The item of a list that the links are about; None: the whole answer."""


def follow(links: Sequence[Link], origin: Origin) -> Iterator[Step]:
    """The links that apply, and whose arguments can all be read.

    Args:
        links: of a response, or of a list's items.
        origin: what they are followed from.
    """
    call, reply, outcome, phase, item = origin
    body = reply.body if reply else None
    context = Context(call.arguments, reply.headers if reply else {})
    for link in links:
        if link.outcomes is not None and outcome not in link.outcomes:
            continue
        if link.phases is not None and phase not in link.phases:
            continue
        if not fits(link.body, body if item is None else item, context):
            continue
        each = look_up(body, link.each) if link.each is not None else [item]
        for one in each[: sanitize.ITEMS_LIMIT] if isinstance(each, list) else ():
            arguments = {name: read(call, reply, expression, one) for name, expression in link.arguments}
            # Null fits nowhere: without an argument it would be another call, a cancel of whatever runs.
            if not call.surface.checks[link.operation_id](arguments):
                yield Step(link, call.surface.catalogue[link.operation_id], arguments)


def read(call: Call, reply: Reply | None, expression: Expression, item: Json = None) -> Json:
    """The value of an expression; None where there is none.

    Args:
        call: whose arguments and target it may name.
        reply: whose body and headers it may name; None if there is no answer.
        expression: what to read.
        item: the item of a list that it may name.
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
