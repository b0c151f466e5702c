"""Reads an item of a list as work that runs: its place in the order, its name, and its next steps. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pullcord.flow.attempt import Attempt
from pullcord.flow.following import Origin, Step, follow
from pullcord.flow.verdict import standing_of
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.answer import Item
from pullcord.model.condition import Context
from pullcord.model.expression import Source
from pullcord.model.listing import Listing, begun
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.pointer import look_up
from pullcord.model.relation import TERMINATE
from pullcord.model.value import Json

NAME_LIMIT = 60
"""Characters of a name at most."""
ID_LIMIT = 300
"""Characters of the id in a position, at most."""
UNKNOWN_START = "~"
"""The start of work whose start is unknown; as a text it comes after every time."""

_RUNNING = frozenset({Phase.ACTIVE, Phase.PAUSED})


class Position(NamedTuple):
    """The place of a piece of work in the order, the same for as long as the work runs."""

    since: str
    """Its start in UTC, to the microsecond, so that texts are in the order of time; or UNKNOWN_START."""
    platform: str
    id: str
    """Unique among the work of the platform."""


class Work(NamedTuple):
    """A piece of work that runs, is about to, or is paused."""

    position: Position
    name: str | None
    state: str | None
    """Its platform's own word."""
    ids: tuple[str, ...]
    """The ids of the work itself, and of what it belongs to."""
    protected: bool
    """Whether it must not be stopped from here."""
    actions: tuple[Action, ...]
    within: Step | None
    """The look at the list that holds the work that really runs; None: this is the work."""

    @property
    def item(self) -> Item:
        """The item of the answer that shows it."""
        fields: dict[str, Json] = {
            "platform": self.position.platform,
            "name": sanitize.text(self.name, NAME_LIMIT) if self.name else None,
            "state": self.state,
            "since": None if self.position.since == UNKNOWN_START else f"{self.position.since[:16]}Z",
            "protected": self.protected or None,
        }
        return Item({name: value for name, value in fields.items() if value is not None}, self.actions)

    def contains(self, text: str) -> bool:
        """Whether a text stands in its name or one of its ids, in small or capital letters."""
        return any(text.casefold() in each.casefold() for each in (self.name or "", *self.ids))


def work_of(attempt: Attempt, listing: Listing, item: Json) -> Work | None:
    """The work that an item of a list shows; None: it has ended, or it is unknown whether it runs.

    Args:
        attempt: the look at the list.
        listing: how the list is read.
        item: one of its items.
    """
    standing = standing_of(listing.state, item, Context(attempt.call.arguments))
    # A list that was requested with `running` shows work that runs, also in a state that pullcord doesn't know.
    if standing.phase not in _RUNNING and not (listing.running and standing.phase is None):
        return None
    steps = list(follow(listing.links, Origin(attempt.call, attempt.reply, Outcome.OBSERVED, standing.phase, item)))
    ids = tuple(dict.fromkeys(each for step in steps for each in _ids(step)))
    protected = any(each.lower() in attempt.call.surface.protected for each in ids)
    since = begun(listing.since, item)
    name = look_up(item, listing.name) if listing.name is not None else None
    return Work(
        position=Position(
            since.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if since else UNKNOWN_START,
            attempt.call.operation.platform.name,
            sanitize.text(_identity(steps, sanitize.select(item, listing.expose)), ID_LIMIT),
        ),
        name=sanitize.text(str(name)) if isinstance(name, str | int) else None,
        state=standing.word,
        ids=ids,
        protected=protected,
        actions=_item_actions(attempt, steps, protected=protected),
        within=next((step for step in steps if step.link.rel == listing.within), None),
    )


def _item_actions(attempt: Attempt, steps: Sequence[Step], *, protected: bool) -> tuple[Action, ...]:
    """The next steps with work that runs: its cancels; where there is none, or it is protected, the looks at it."""
    tool_steps = [step for step in steps if step.operation.id in attempt.call.surface.tools]
    cancels = [step for step in tool_steps if step.operation.cancel and step.link.rel != TERMINATE and not protected]
    return tuple(
        Action(rel=step.link.rel, hint=step.link.hint, tool=step.operation.id, arguments=step.arguments)
        for step in cancels or [step for step in tool_steps if not step.operation.cancel]
    )


def _identity(steps: Sequence[Step], exposed: dict[str, Json]) -> str:
    """An id for the work: the first call about it; where there is none, all its fields."""
    return "/".join([steps[0].operation.id, *_ids(steps[0])]) if steps else json.dumps(exposed, sort_keys=True)


def _ids(step: Step) -> Iterator[str]:
    """The ids that a call about a piece of work names."""
    for name, expression in step.link.arguments:
        value = step.arguments[name]
        if expression.source is not Source.CONSTANT and isinstance(value, str | int):
            yield str(value)
