"""The vocabulary: what a platform offers, what it answered, and the words for what came of it.

Frozen records only: nothing here reads a file, speaks HTTP or MCP, or names a platform.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Arguments: TypeAlias = Mapping[str, Json]
Pointer: TypeAlias = str
"""A JSON Pointer (RFC 6901)."""
WorkStopped: TypeAlias = Literal["yes", "no", "unknown"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})

# Arguments that pullcord itself adds to cancels.
WAIT_SECONDS = "wait_seconds"
REASON = "reason"
EXPECT = "expect_"
"""Before the name of a looked-up target: cancel only if it is this."""


class Outcome(StrEnum):
    """What came of a call."""

    STOPPED = "stopped"
    STOPPING = "stopping"
    NOTHING_RUNNING = "nothing_running"
    ALREADY_FINISHED = "already_finished"
    FINISHED_FIRST = "finished_first"
    OBSERVED = "observed"
    TARGET_CHANGED = "target_changed"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    DENIED = "denied"
    INVALID_ARGUMENTS = "invalid_arguments"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


class Meaning(NamedTuple):
    """What an outcome says of every call that ends so."""

    work_stopped: WorkStopped
    when: str
    is_error: bool = False


MEANINGS: Mapping[Outcome, Meaning] = {
    Outcome.STOPPED: Meaning("yes", "the platform reports that the work ended because it was cancelled"),
    Outcome.STOPPING: Meaning("no", "the request was accepted; the work may still run"),
    Outcome.NOTHING_RUNNING: Meaning("yes", "the target exists, and there was nothing to stop"),
    Outcome.ALREADY_FINISHED: Meaning("yes", "it had ended before this call"),
    Outcome.FINISHED_FIRST: Meaning("yes", "accepted, but the work ended by itself before it stopped"),
    Outcome.OBSERVED: Meaning("unknown", "an observe tool's answer; `work_stopped` and `state` tell"),
    Outcome.TARGET_CHANGED: Meaning("no", "`expect_task_id` is not what runs; nothing was sent", is_error=True),
    Outcome.REFUSED: Meaning("unknown", "the platform won't cancel it in its present state", is_error=True),
    Outcome.NOT_FOUND: Meaning("unknown", "no such work, or not visible to this key", is_error=True),
    Outcome.DENIED: Meaning("unknown", "no key configured, or the platform refused it (401, 403)", is_error=True),
    Outcome.INVALID_ARGUMENTS: Meaning(
        "unknown", "nothing sent, every fault at once; or the platform called them malformed (400, 422)", is_error=True
    ),
    Outcome.RATE_LIMITED: Meaning("unknown", "429; `retry_after_seconds` and a `retry-later` action", is_error=True),
    Outcome.UNAVAILABLE: Meaning(
        "unknown", "the platform surely did not act on it: connection refused, 503, agent unreachable", is_error=True
    ),
    Outcome.UNKNOWN: Meaning(
        "unknown", "sent, and no trustworthy answer came: it may or may not be stopping", is_error=True
    ),
}


class Phase(StrEnum):
    """Where a piece of work stands, whatever its platform calls it."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    CANCELLED = "cancelled"
    """Ended, because it was cancelled."""


class Source(StrEnum):
    """Where a value is read: the argument of a link, or what a condition asks about."""

    ARGUMENT = "argument"
    """An argument of this call, by name."""
    BODY = "body"
    """The reply's body, by pointer."""
    HEADER = "header"
    """A header of the reply, by lower-case name."""
    ITEM = "item"
    """The item of an array that the link belongs to, by pointer."""
    TARGET = "target"
    """What was found to run just before a cancel."""
    PHASE = "phase"
    """The phase that a look just before a cancel showed."""
    BEFORE = "before"
    """The body of that look, by pointer."""
    CONSTANT = "constant"


class Comparison(StrEnum):
    """How a value is compared with those that a condition names."""

    IS = "is"
    """It is one of them."""
    NOT = "not"
    """It is none of them."""
    MATCH = "match"
    """It is a text in which the one of them, a regular expression, is found."""


class Clause(NamedTuple):
    """One thing that a condition asks for. Arguments may stand in the pointer and in values, as {name}."""

    at: str
    """The pointer, the header's lower-case name, or nothing for a phase."""
    values: tuple[Json, ...]
    source: Source = Source.BODY
    """Body, header, phase, or before."""
    comparison: Comparison = Comparison.IS


Condition: TypeAlias = tuple[Clause, ...]
"""All of these. None: always."""

Word = TypeVar("Word", Outcome, Phase)


class Rule(NamedTuple, Generic[Word]):
    """The word for what fits the condition."""

    word: Word
    when: Condition = ()
    note: str | None = None
    """A sentence for the agent, added to the message."""
    work_stopped: WorkStopped | None = None
    """What is known of the work, where the outcome alone would say too much or too little."""


class State(NamedTuple):
    """Where the platform's own word for the state stands, and what phase it means."""

    at: Pointer
    phases: tuple[Rule[Phase], ...] = ()


class Expression(NamedTuple):
    """A value to be read from a call or its reply."""

    source: Source
    value: Json
    """The name, the pointer, or the constant itself."""


class Link(NamedTuple):
    """A next step: an operation, its arguments, and when to offer it."""

    rel: str
    operation_id: str
    arguments: tuple[tuple[str, Expression], ...]
    hint: str
    outcomes: frozenset[Outcome] | None = None
    phases: frozenset[Phase] | None = None
    body: Condition = ()
    each: Pointer | None = None
    """An array in the body: the link stands for one action for each of its items."""
    note: str | None = None
    """A sentence for the message of a result that offers the action."""


class Response(NamedTuple):
    """What a status means for an operation, and where it leads."""

    outcomes: tuple[Rule[Outcome], ...] = ()
    links: tuple[Link, ...] = ()
    media: tuple[str, ...] = ()
    """The media types that its body may have, such as application/json, as the manifest writes them; none: no body."""


class Place(StrEnum):
    """The part of a request that carries a parameter."""

    LOCAL = "local"
    """None: pullcord itself heeds it."""
    PATH = "path"
    QUERY = "query"
    HEADER = "header"


class Parameter(NamedTuple):
    """An input of an operation."""

    name: str
    """The argument's name; for a header that a setting or another argument fills, the wire name."""
    place: Place
    required: bool
    description: str
    schema: Mapping[str, Json]
    wire: str
    """The name in the request."""
    env: str | None = None
    """The environment variable that gives the value; such a parameter is no argument."""


class Target(NamedTuple):
    """How to find what a cancel that names no task would hit."""

    operation_id: str
    """A list."""
    arguments: tuple[tuple[str, Expression], ...]
    when: Condition
    """What its running item looks like."""
    name: str
    """What the found id is called."""
    at: Pointer
    """Where it stands in the item."""


class Poll(NamedTuple):
    """How often to look whether work has ended: at growing intervals, in seconds."""

    first: float = 0.5
    most: float = 10.0


class Cancel(NamedTuple):
    """What a cancel operation aims at, and how to learn what came of it."""

    aim: Literal["task", "current"]
    """task: the arguments name the work. current: whatever runs when the request arrives."""
    confirm: str | None = None
    """The link relation of the operation that tells how the work ended."""
    target: Target | None = None
    poll: Poll = Poll()


class PageStyle(StrEnum):
    """How a platform hands out a long list."""

    PAGE = "page"
    """By the page's number, from 1."""
    OFFSET = "offset"
    """By the number of items to skip."""
    LIMIT = "limit"
    """Only the first ones, as many as asked for."""
    WHOLE = "whole"
    """All at once: pullcord itself cuts it, by an offset of its own."""


PAGE_LIMIT = 100
"""Items that are shown at once, however many the caller asks for: no manifest's parts are larger."""


class Pages(NamedTuple):
    """How to ask for the next part of a list."""

    style: PageStyle
    at: str = "offset"
    """The parameter that moves on."""
    size: str | None = None
    """The parameter that tells how many items a part has."""
    total: Pointer | None = None
    """Where the number of all items stands."""


class Listing(NamedTuple):
    """Where a list's items stand, what each offers, and how to go on."""

    items: Pointer
    expose: tuple[Pointer, ...]
    pages: Pages
    state: State | None = None
    links: tuple[Link, ...] = ()


class Key(NamedTuple):
    """One way to tell a platform who asks."""

    env: str
    """The environment variable that gives it."""
    header: str
    prefix: str
    """What stands before it in the header."""
    description: str
    basic: bool = False
    """Whether it is user:password, and sent as RFC 7617 says."""


class Platform(NamedTuple):
    """An agent platform."""

    name: str
    title: str
    url: str
    """The base URL, with {variables}; "/": there is none but the operator's own."""
    url_env: str
    """The environment variable that replaces it."""
    variables: Mapping[str, str]
    """Names of the URL's variables, each with the environment variable that gives it."""
    keys: tuple[Key, ...]
    """One of them is enough; none: it asks nobody who they are."""
    problem: Mapping[str, Expression] = _NOTHING
    """Where an error's members stand; those of RFC 9457 stand at the body's root unless named here."""
    actions: Pointer | None = None
    """Where the platform's own next steps stand in a body."""
    key_optional: bool = False
    """Whether it may be called without a key, too."""


class Operation(NamedTuple):
    """One call that a platform offers, and all that pullcord knows of it."""

    id: str
    platform: Platform
    title: str
    description: str
    method: str
    path: str
    """The path template, with {parameters}."""
    parameters: tuple[Parameter, ...]
    responses: Mapping[str, Response]
    """By status ("200"), range ("2XX"), or "default": any other status, and no answer at all."""
    expose: tuple[Pointer, ...] = ()
    state: State | None = None
    answers: tuple[tuple[Pointer, str], ...] = ()
    """Where an answer names the work that it is about, and the argument that asked for it."""
    cancel: Cancel | None = None
    listing: Listing | None = None

    @property
    def arguments(self) -> tuple[Parameter, ...]:
        """The parameters that the caller gives."""
        return tuple(parameter for parameter in self.parameters if parameter.env is None)

    @property
    def repeatable(self) -> bool:
        """Whether sending it once more after a lost answer can't hit other work than was meant."""
        return self.cancel is None or self.cancel.aim == "task"

    def response(self, status: int | None) -> Response:
        """What the manifest says of a status, or of no answer (None)."""
        keys = (str(status), f"{status // 100}XX", "default") if status is not None else ("default",)
        return next((self.responses[key] for key in keys if key in self.responses), Response())


Catalogue: TypeAlias = Mapping[str, Operation]
"""Every loaded operation by its id."""
