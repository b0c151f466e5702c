"""Looks that pullcord makes by itself: it finds the call that a link leads to, and makes it."""

from collections.abc import Awaitable, Callable

from pullcord.flow.attempt import Attempt, Call
from pullcord.flow.following import read
from pullcord.flow.verdict import judge
from pullcord.model.arguments import typed_as
from pullcord.model.condition import Context
from pullcord.model.reply import Reply
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway


def linked(call: Call, reply: Reply | None, rel: str) -> Call | None:
    """The call that a link of a relation leads to.

    Args:
        call: of the operation that has the link.
        reply: gives the link's arguments; None: there is none yet.
        rel: the link's relation.

    Returns:
        The call; None if there is no such link, or its arguments can't be read.
    """
    answer = reply if reply and reply.status is not None else None
    links = [
        *(link for link in call.operation.response(answer.status if answer else None).links if link.rel == rel),
        *([early_link] if (early_link := call.operation.link(rel)) else []),
    ]
    for link in links:
        operation = call.surface.catalogue[link.operation_id]
        arguments = typed_as(operation, {name: read(call, answer, expression) for name, expression in link.arguments})
        if not call.surface.checks[link.operation_id](arguments):
            return call._replace(operation=operation, arguments=arguments, found={})
    return None


async def look(call: Call, gateway: Gateway, recheck: Callable[[], Awaitable[bool]] | None = None) -> Attempt:
    """Make a look.

    Args:
        call: an operation that only reads, with its arguments.
        gateway: sends it.
        recheck: called before each repeat: whether it may be sent once more; None: it may.
    """
    message = request.build(call.operation, call.arguments, call.settings, call.request_id)
    reply = await gateway.send(call.operation, message, deadline=call.deadline, recheck=recheck)
    return Attempt(call, judge(call.operation, reply, Context(call.arguments)), reply)
