"""Find what a cancel that names no task would hit, just before it is sent."""

from typing import NamedTuple

from pullcord.flow import verdict as outcome
from pullcord.flow.actions import Call, read
from pullcord.flow.verdict import Verdict
from pullcord.model.cancel import EXPECT, Target
from pullcord.model.condition import fits
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway


class Look(NamedTuple):
    """What a look at the running work showed."""

    call: Call
    """The look itself."""
    reply: Reply
    verdict: Verdict
    found: dict[str, Json]
    """The running work's id, by its name; null if nothing runs; empty if the look failed."""


async def look(call: Call, gateway: Gateway, target: Target) -> Look:
    """Look up what runs now.

    Args:
        call: the cancel that is about to be sent.
        gateway: sends.
        target: how to look.
    """
    operation = call.scope.catalogue[target.operation_id]
    given = {name: read(call, None, expression) for name, expression in target.arguments}
    arguments = {name: value for name, value in given.items() if value is not None}
    settings = call.scope.settings_of(operation)
    reply = await gateway.send(operation, request.build(operation, arguments, settings, call.request_id))
    judged = outcome.judge(operation, reply)
    found: dict[str, Json] = {}
    if reply.status is not None and judged.outcome is Outcome.OBSERVED and operation.listing:
        items = look_up(reply.body, operation.listing.items)
        running = [item for item in items if fits(target.when, item)] if isinstance(items, list) else []
        found = {target.name: look_up(running[0], target.at) if running else None}
        expecting = {**call.arguments, **{EXPECT + name: value for name, value in found.items()}}
        if running and call.scope.checks[call.operation.id](expecting):
            # Something runs, and what the platform calls it is no id: nothing was learnt.
            judged, found = outcome.verdict(Outcome.UNKNOWN), {}
    return Look(Call(call.scope, operation, arguments), reply, judged, found)
