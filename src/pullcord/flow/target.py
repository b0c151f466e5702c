"""What a cancel that names no task would hit: looked up just before it is sent."""

from collections.abc import Mapping
from typing import NamedTuple

from pullcord.flow import verdict
from pullcord.flow.actions import read
from pullcord.flow.attempt import Aim, Attempt, Call
from pullcord.model.cancel import EXPECT, Target
from pullcord.model.condition import fits
from pullcord.model.listing import items_of
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import look_up
from pullcord.model.value import Json
from pullcord.upstream import request
from pullcord.upstream.gateway import Gateway


class Sighting(NamedTuple):
    """What a look at the running work showed."""

    look: Attempt
    aim: Aim
    found: Mapping[str, Json]
    """The running work's id, by its name; null where nothing runs; empty where it isn't known which one it is."""


async def sight(call: Call, gateway: Gateway, target: Target) -> Sighting:
    """Look up what runs now.

    Args:
        call: the cancel that is about to be sent.
        gateway: sends the look.
        target: where to look, and how the running work is known.
    """
    operation = call.surface.catalogue[target.operation_id]
    given = {name: read(call, None, expression) for name, expression in target.arguments}
    arguments = {name: value for name, value in given.items() if value is not None}
    looking = Call(call.surface, operation, arguments, request_id=call.request_id, deadline=call.deadline)
    reply = await gateway.send(
        operation,
        request.build(operation, arguments, looking.settings, call.request_id),
        deadline=call.deadline,
    )
    look = Attempt(looking, verdict.judge(operation, reply), reply)
    items = items_of(operation.listing, reply.body) if operation.listing else None
    if look.verdict.outcome is not Outcome.OBSERVED or items is None:
        return Sighting(look, Aim.UNKNOWN, {})
    running = [item for item in items if fits(target.when, item)]
    if len(running) > 1:
        return Sighting(look, Aim.SEVERAL, {})
    if not running:
        return Sighting(look, Aim.NOTHING, {target.name: None})
    found = {target.name: look_up(running[0], target.at)}
    expecting = {**call.arguments, **{EXPECT + name: value for name, value in found.items()}}
    if call.surface.checks[call.operation.id](expecting):
        # Something runs, and what the platform calls it is no id: nothing was learnt.
        unread = verdict.verdict(Outcome.UNKNOWN, verdict.Cause.BODY)
        return Sighting(Attempt(looking, unread, reply), Aim.UNKNOWN, {})
    return Sighting(look, Aim.NAMED, found)
