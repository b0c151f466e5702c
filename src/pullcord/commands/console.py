"""The terminal at which a command runs, as far as it needs one: what it writes, whom it asks, and its clock."""

import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import anyio

from pullcord.commands.terminal import columns, put, say, wrapped


def ask(question: str) -> str | None:
    """Ask the person at the terminal.

    Returns:
        The typed text, without the line's end; None: there is no person to ask.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    # Nothing else goes on meanwhile. The event loop's own handler would wait until the line has been typed.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        print(wrapped(question, width, ""), end=" ", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:  # the person has left: what is said next begins a line of its own
            print(file=sys.stderr)
        return line.strip()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


class Console(NamedTuple):
    """What a command writes to, asks and waits by; tests have their own."""

    write: Callable[[str], object] = partial(print, flush=True)
    """Takes what the command answers."""
    note: Callable[[str], object] = say
    """Takes what is said beside it."""
    ask: Callable[[str], str | None] = ask
    """Asks a person; None: there is none."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    """Waits for seconds."""
    now: Callable[[], datetime] = partial(datetime.now, UTC)
    clear: str = ""
    """What clears the screen when it is written; empty: nothing does."""
    put: Callable[[str], object] = put
    """Takes the answer instead where the output is for a program."""
    columns: Callable[[], int | None] = columns
    """The width of the terminal; None: the output is none."""
