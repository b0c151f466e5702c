"""Who calls a tool, and how a call reaches them while it is under way."""

from collections.abc import Callable
from typing import NamedTuple

from pullcord.flow.consent import Person
from pullcord.flow.progress import Report


async def no_report(_seconds: float, _total: float, _text: str) -> None:
    """Report nothing: the caller wants the answer alone."""


class Caller(NamedTuple):
    """The caller of a tool."""

    name: str
    """Its name for the journal; empty where there is none."""
    report: Report = no_report
    """Called at each look with the seconds watched, the seconds in all, and a text that says what was seen."""
    person: Person | None = None
    """The person who must agree to each cancel; None: no person is asked."""
    on_watch: Callable[[], None] | None = None
    """Called when a call begins to watch work, which may take minutes; None: nobody needs to know."""
