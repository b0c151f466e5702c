"""The records that the whole flow hands on: the call, one attempt at it, and what watching its work showed."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from pullcord.config.settings import Settings
from pullcord.config.surface import Surface
from pullcord.flow.verdict import Verdict
from pullcord.model import sanitize
from pullcord.model.cancel import CASCADE, EXPECT, REASON, WAIT_SECONDS
from pullcord.model.operation import Operation
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json

CALL_SECONDS = 45.0
"""Seconds for a whole call: many clients give up after 60."""
LONG_WAIT, WAIT_MARGIN = 30, 15.0
"""A call that waits for more seconds than the first gets the second, in seconds, beside its waiting."""

_NOTHING: Mapping[str, Json] = MappingProxyType({})


class Call(NamedTuple):
    """A tool call: the operation and its arguments, and the surface that it is made on."""

    surface: Surface
    operation: Operation
    arguments: Arguments
    found: Mapping[str, Json] = _NOTHING
    """The target that was looked up, its id by its name; the id is None where nothing runs; empty: it is unknown."""
    request_id: str = ""
    """The id of the call, in its requests and in the journal."""
    deadline: float | None = None
    """When the call must be answered, in seconds on the gateway's clock; None: only its requests are bounded."""

    @property
    def settings(self) -> Settings:
        """How the operation's platform is reached."""
        return self.surface.settings[self.operation.platform.name]

    @property
    def target(self) -> dict[str, Json]:
        """The ids of the work that it aims at: from the arguments, and those that were looked up."""
        own = ((name, self.arguments[name]) for name in self.operation.path_names if name in self.arguments)
        return {name: sanitize.value(value) for name, value in (*own, *self.found.items())}

    @property
    def expected(self) -> Json:
        """The only target that it may hit; None: any."""
        target = self.operation.cancel.target if self.operation.cancel else None
        return self.arguments.get(EXPECT + target.name) if target else None

    @property
    def is_protected(self) -> bool:
        """Whether its arguments, or the target that was looked up, name work that must not be stopped from here."""
        if not self.surface.protected:
            return False
        own = {REASON, CASCADE, WAIT_SECONDS}
        values = [*(value for name, value in self.arguments.items() if name not in own), *self.found.values()]
        ids = {str(each).lower() for value in values for each in (value if isinstance(value, list) else [value])}
        return not ids.isdisjoint(self.surface.protected)

    @property
    def allowance(self) -> float:
        """Seconds for the whole call, without the time that a person takes to answer."""
        wait = self.wait
        return wait + WAIT_MARGIN if wait > LONG_WAIT else CALL_SECONDS

    @property
    def wait(self) -> int:
        """Seconds to watch for the end, 0 to 300: the argument wait_seconds, or its default."""
        seconds = self.arguments.get(WAIT_SECONDS, self.operation.schemas.get(WAIT_SECONDS, _NOTHING).get("default"))
        return seconds if isinstance(seconds, int) else 0


class Aim(StrEnum):
    """What is known of the work that a cancel would stop."""

    NAMED = "named"
    """The arguments name it, or a look found it."""
    NOTHING = "nothing"
    """A look found nothing that runs."""
    SEVERAL = "several"
    """A look found several pieces of work, any of which it may stop."""
    UNKNOWN = "unknown"
    """The look at what runs failed."""


class Obstacle(StrEnum):
    """Why pullcord sent nothing."""

    MALFORMED = "malformed"
    """The arguments can't be sent."""
    UNCONFIGURED = "unconfigured"
    """The platform's settings are missing."""
    OVER = "over"
    """A look just before showed that there is nothing to stop any more."""
    PROTECTED = "protected"
    """It would stop work that must not be stopped from here."""
    UNGUARDED = "unguarded"
    """Some work is protected, and it is unknown what the cancel would stop."""
    UNSEEN = "unseen"
    """The look that must come before the sending failed."""
    SEVERAL = "several"
    """One task was expected, and several run."""
    CHANGED = "changed"
    """Another task runs than was expected, or than a person agreed to."""
    IDLE = "idle"
    """One task was expected, and none runs."""
    ASKED = "asked"
    """A person was asked, and the same call must come again with the answer."""
    DECLINED = "declined"
    """A person did not agree."""
    UNASKED = "unasked"
    """A person must agree, and this client can't ask one."""
    BARRED = "barred"
    """The cancel of a part is no tool for this caller."""
    LATE = "late"
    """No time was left for the cancel of a part."""
    UNAGREED = "not agreed"
    """A part was not in the question that a person agreed to."""
    LIMITED = "limited"
    """This server has sent as many cancels as --limit allows."""
    UNSHARED = "unshared"
    """What replicas share can't be reached: the limit, or which consents were used."""
    UNRECORDED = "unrecorded"
    """The journal can't be written."""
    CRASHED = "crashed"
    """Pullcord itself failed, perhaps after a sending."""


class Attempt(NamedTuple):
    """One attempt at a call: what came back, and the verdict on it."""

    call: Call
    verdict: Verdict
    reply: Reply | None = None
    """What came back; None: nothing was sent."""
    aim: Aim = Aim.NAMED
    look: "Attempt | None" = None
    """The last look before, where nothing was sent: at what runs, or at the work itself; None: there was none."""
    obstacle: Obstacle | None = None
    """Why nothing was sent; None: it was sent."""
    details: Mapping[str, Json] = _NOTHING
    """The values in the sentence about the obstacle, by name."""
    before: "Attempt | None" = None
    """The look at the work just before its cancel was sent."""
    watch: "Watch | None" = None
    """What watching the work showed; None: it was not watched."""


class Watch(NamedTuple):
    """What watching the work showed, after a cancel or in a look that waits."""

    seconds: float = 0
    looked: bool = False
    """Whether any look was made."""
    last: Attempt | None = None
    """The last look that succeeded."""
    possible: bool = True
    """Whether the work is named, so that it can be watched."""
    further: tuple[Attempt, ...] = ()
    """The last looks of the further links that confirm the end."""
    gone: bool = False
    """Whether the last look found no such work."""
    settled: bool = True
    """Whether the end is certain: where `again` of x-cancel asks for it, another look has confirmed the end."""


class Whole(NamedTuple):
    """What came of a cancel with cascade."""

    verdict: Verdict
    """The verdict on the work and its parts together."""
    parts: tuple[Attempt, ...]
    complete: bool
    """Whether all parts are known: everything that could name one was read, and each part has a cancel."""
