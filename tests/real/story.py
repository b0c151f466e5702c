"""The stories: which work is started, what is asked of pullcord then, and what must hold of each answer. Data only."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from tests.real.server import Server
from tests.real.witness import Truth

Call: TypeAlias = tuple[str, Mapping[str, Any]]
"""A tool and its arguments."""

LONG = 300
"""Seconds of work that surely outlasts its story."""
BRIEF = 1
"""Seconds of work that has ended by itself before its story begins."""


class Ask(StrEnum):
    """What a step asks, in the words of the transcript."""

    FIND = "find"
    FIND_RUNNING = "find what runs"
    LOOK = "look"
    CANCEL = "cancel"
    STRONGER = "stronger stop"
    ELSEWHERE = "cancel at another instance"
    UNKNOWN = "cancel an unknown id"
    MALFORMED = "cancel a malformed id"
    WRONG_KEY = "cancel with a wrong key"
    EVERYTHING = "stop everything, by actions alone"


ABOUT_THE_WORK = frozenset({Ask.LOOK, Ask.CANCEL, Ask.STRONGER, Ask.EVERYTHING})
"""Their answers say something of the work; what is true of it is then looked at."""


class Must(StrEnum):
    """What an answer must say of the work, apart from being true: by which signs the platform gives."""

    SAY_YES = "must say yes"
    SAY_NO = "must say no"
    NOT_SAY_YES = "must not say yes"


class Step(NamedTuple):
    """A call, and what must hold of its answer."""

    ask: Ask
    outcomes: str
    """Words, one of which it is."""
    must: Must | None = None
    may_go_on: str = ""
    """Words that the platform's facts carry here; the answer names no others."""
    arguments: Mapping[str, Any] = {}
    """Given beside those that name the work."""
    once: Truth | None = None
    """It is asked as soon as this is true of the work."""
    leaves: Truth | None = None
    """What must be true of the work afterwards."""
    tool: str = ""
    """Called with what names the work, whatever was offered; else the platform's own tool for what is asked."""


MISTAKES = (Step(Ask.UNKNOWN, "not_found"), Step(Ask.MALFORMED, "invalid_arguments"))
"""Cancels that name no work, which every platform answers alike."""
HAD_ENDED = (Step(Ask.LOOK, "observed"), Step(Ask.CANCEL, "already_finished", Must.SAY_YES))
"""What is asked of work that had ended by itself, where the record proves that."""


class Story(NamedTuple):
    """A piece of work, and the steps in order."""

    work: str
    """What it does, for readers; no two stories of a platform share it."""
    kind: str
    """The fixture's word for it."""
    steps: tuple[Step, ...]
    begins: Truth = Truth.RUNS
    """What is true of the work when the first step is asked."""
    seconds: float = LONG
    """How long it would work."""
    instance: str = ""
    """Which instance of the platform has it."""
    beside: tuple[str, ...] = ()
    """Kinds of work that are started too, of which the steps don't speak."""


class Platform(NamedTuple):
    """A platform's server, its tools, and its stories."""

    server: Server
    instances: tuple[str, ...]
    """The names that pullcord is told to serve."""
    lists: tuple[Call, *tuple[str, ...]]
    """What is called to find work: the first so, each further one as an item of the list before it offers."""
    look: str
    cancel: str
    unknown: Mapping[str, str]
    """Arguments that name no work."""
    malformed: Mapping[str, str]
    """Arguments that can't name any."""
    stories: tuple[Story, ...]
