"""Looks up which work a cancel that names no task would stop, just before it is sent."""

from collections.abc import Mapping
from typing import NamedTuple

from pullcord.flow.attempt import Aim, Attempt, Call
from pullcord.flow.following import read
from pullcord.flow.listing import page_of
from pullcord.flow.looking import look
from pullcord.flow.verdict import Cause, Verdict
from pullcord.model.arguments import typed_as
from pullcord.model.cancel import EXPECT, Target
from pullcord.model.condition import Context, fits
from pullcord.model.listing import PageStyle, items_of
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import look_up
from pullcord.model.value import Json
from pullcord.upstream.gateway import Gateway


class Sighting(NamedTuple):
    """The look at what runs, and what it showed."""

    look: Attempt
    aim: Aim
    found: Mapping[str, Json]
    """The running work's id, by its name; the id is None where nothing runs; empty: it is unknown which work runs."""


async def resolve(call: Call, gateway: Gateway, target: Target) -> Sighting:
    """Look up what runs now.

    Args:
        call: the cancel that is about to be sent.
        gateway: sends the look.
        target: where to look, and how the running work is known.
    """
    operation = call.surface.catalogue[target.operation_id]
    values = {name: read(call, None, expression) for name, expression in target.arguments}
    arguments = typed_as(operation, {name: value for name, value in values.items() if value is not None})
    attempt = await look(call._replace(operation=operation, arguments=arguments), gateway)
    items = items_of(operation.listing, attempt.reply.body) if operation.listing and attempt.reply else None
    if attempt.verdict.outcome is not Outcome.OBSERVED or items is None:
        return Sighting(attempt, Aim.UNKNOWN, {})
    matches = [item for item in items if fits(target.when, item, Context(call.arguments))]
    if len(matches) > 1:
        return Sighting(attempt, Aim.SEVERAL, {})
    if _goes_on(attempt):  # further items that were not seen may run, too
        return Sighting(attempt._replace(verdict=Verdict(Outcome.UNKNOWN)), Aim.UNKNOWN, {})
    if not matches:
        return Sighting(attempt, Aim.NOTHING, {target.name: None})
    (running,) = matches
    expectation = typed_as(call.operation, {EXPECT + target.name: look_up(running, target.at)})
    if call.surface.checks[call.operation.id]({**call.arguments, **expectation}):
        # Something runs, and its id is none that the argument could have: it is unknown which work runs.
        return Sighting(attempt._replace(verdict=Verdict(Outcome.UNKNOWN, cause=Cause.BODY)), Aim.UNKNOWN, {})
    return Sighting(attempt, Aim.NAMED, {target.name: expectation[EXPECT + target.name]})


def _goes_on(attempt: Attempt) -> bool:
    """Whether a list has, or may have, further parts than the one that was read."""
    listing, reply = attempt.call.operation.listing, attempt.reply
    if listing is None or reply is None or listing.pages.style is PageStyle.WHOLE:
        return False
    page = page_of(attempt.call.operation, attempt.call.arguments, reply.body)
    return page is None or page.left_out != 0
