"""What a cancel that names no task would hit: looked up just before it is sent."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from pullcord.flow.attempt import Aim, Attempt, Call
from pullcord.flow.following import read
from pullcord.flow.looking import look
from pullcord.flow.verdict import Cause, Verdict
from pullcord.model.cancel import EXPECT, Target
from pullcord.model.condition import Context, fits
from pullcord.model.listing import items_of
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import look_up
from pullcord.model.value import Json
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
    seen = await look(call._replace(operation=operation, arguments=arguments, found={}), gateway)
    items = items_of(operation.listing, seen.reply.body) if operation.listing and seen.reply else None
    if seen.verdict.outcome is not Outcome.OBSERVED or items is None:
        return Sighting(seen, Aim.UNKNOWN, {})
    running = [item for item in items if fits(target.when, item, Context(call.arguments))]
    if len(running) > 1:
        return Sighting(seen, Aim.SEVERAL, {})
    if not running:
        return Sighting(seen, Aim.NOTHING, {target.name: None})
    found = {target.name: look_up(running[0], target.at)}
    expecting = {**call.arguments, **{EXPECT + name: value for name, value in found.items()}}
    if call.surface.checks[call.operation.id](expecting):
        # Something runs, and what the platform calls it is no id: nothing was learnt.
        return Sighting(replace(seen, verdict=Verdict(Outcome.UNKNOWN, cause=Cause.BODY)), Aim.UNKNOWN, {})
    return Sighting(seen, Aim.NAMED, found)
