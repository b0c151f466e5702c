"""What a call is for, and what one try at it brought: the records that the whole flow hands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from pullcord.config.settings import Settings
from pullcord.config.surface import Surface
from pullcord.flow.verdict import Verdict
from pullcord.model import sanitize
from pullcord.model.cancel import EXPECT, REASON, WAIT_SECONDS
from pullcord.model.operation import Operation, Place
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json

CALL_SECONDS = 45.0
"""For a whole call: many clients give up after 60."""
LONG_WAIT, WAIT_MARGIN = 30, 15.0
"""A call that waits for longer than the first has the second in seconds beside its waiting."""

_NOTHING: Mapping[str, Json] = MappingProxyType({})


class Call(NamedTuple):
    """A tool call on its way: what is to be done, and on which surface."""

    surface: Surface
    operation: Operation
    arguments: Arguments
    found: Mapping[str, Json] = _NOTHING
    """The target that was looked up: the id by its name; null where nothing runs; empty where none is known."""
    request_id: str = ""
    """Names the call to the platform, and in the journal."""
    deadline: float | None = None
    """When the call must have its answer, on the gateway's clock; None: only its requests are bounded."""

    @property
    def settings(self) -> Settings:
        """How the operation's platform is reached."""
        return self.surface.settings_of(self.operation)

    @property
    def target(self) -> dict[str, Json]:
        """What it aims at: the ids that the arguments name, and what was looked up."""
        paths = [parameter.name for parameter in self.operation.arguments if parameter.place is Place.PATH]
        ids = {name: self.arguments[name] for name in paths if name in self.arguments} | dict(self.found)
        return {name: sanitize.value(value) for name, value in ids.items()}

    @property
    def expected(self) -> Json:
        """The only target that it may hit; None: any."""
        target = self.operation.cancel.target if self.operation.cancel else None
        return self.arguments.get(EXPECT + target.name) if target else None

    @property
    def is_protected(self) -> bool:
        """Whether it names, or was found to meet, work that must not be stopped from here."""
        given = [value for name, value in self.arguments.items() if name != REASON]
        ids = {str(value).lower() for value in (*given, *self.found.values())}
        return not ids.isdisjoint(self.surface.protected)

    @property
    def allowance(self) -> float:
        """Seconds for all that it does, a person's thinking apart."""
        return self.wait + WAIT_MARGIN if self.wait > LONG_WAIT else CALL_SECONDS

    @property
    def wait(self) -> int:
        """Seconds that the caller lets it watch for the end, 0 to 300; the operation's default where it didn't say."""
        defaults = [each.schema.get("default") for each in self.operation.arguments if each.name == WAIT_SECONDS]
        seconds = self.arguments.get(WAIT_SECONDS, defaults[0] if defaults else 0)
        return seconds if isinstance(seconds, int) else 0


class Aim(StrEnum):
    """What is known of the work that a cancel meets."""

    NAMED = "named"
    """The arguments name it, or a look found it."""
    NOTHING = "nothing"
    """A look found nothing that runs."""
    SEVERAL = "several"
    """A look found several pieces of work that it may meet."""
    UNKNOWN = "unknown"
    """The look at what runs failed."""


class Obstacle(StrEnum):
    """Why pullcord itself sent nothing."""

    MALFORMED = "malformed"
    """The arguments can't be sent."""
    UNCONFIGURED = "unconfigured"
    """The platform's settings are missing."""
    OVER = "over"
    """A look just before showed that there is nothing to stop any more."""
    PROTECTED = "protected"
    """It would stop work that must not be stopped from here."""
    UNGUARDED = "unguarded"
    """Some work is protected, and what this would stop is unknown."""
    UNSEEN = "unseen"
    """The look at the work that must come before the sending failed."""
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
    """A part of the work, whose cancel is no tool for this caller."""
    LATE = "late"
    """A part of the work, for whose cancel there was no time left."""
    FOUND_LATER = "found later"
    """A part of the work, found after a person had agreed to the others."""
    LIMITED = "limited"
    """This server has sent as many cancels as it may."""
    UNRECORDED = "unrecorded"
    """The journal can't be written."""
    CRASHED = "crashed"
    """A fault of pullcord's own. It may have come after a sending."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an operation: what was to be done, what came back, and what that says."""

    call: Call
    verdict: Verdict
    reply: Reply | None = None
    """What came back; None: nothing was sent."""
    aim: Aim = Aim.NAMED
    look: "Attempt | None" = None
    """The look at what runs, just before the sending."""
    obstacle: Obstacle | None = None
    """Why nothing was sent."""
    details: Mapping[str, Json] = field(default_factory=dict)
    """What the sentence about the obstacle names."""
    before: "Attempt | None" = None
    """The look at the work just before its cancel was sent."""
    watch: "Watch | None" = None
    """What watching showed; None: nothing was watched."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What watching the work showed, after a cancel or in a look that waits."""

    seconds: float = 0
    looks: int = 0
    """How many were made."""
    last: Attempt | None = None
    """The last look that succeeded."""
    possible: bool = True
    """Whether anything names the work that could be watched."""
    beside: tuple[Attempt, ...] = ()
    """The last looks at what else tells how the work ended."""
    gone: bool = False
    """Whether the last look found no such work."""
    settled: bool = True
    """Whether an end that may turn out to be none was looked at once more."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What came of a cancel that took with it what its work had started."""

    verdict: Verdict
    """On all of it."""
    parts: tuple[Attempt, ...]
    complete: bool
    """Whether everything that could hold a part was read, and each part has a cancel."""
