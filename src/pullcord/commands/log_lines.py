"""The one log of a process: a line on the error output for each record, of pullcord and of every library.

No line holds what a caller sent. Pullcord's own messages are written so; of a library's record only the place in the
library's code is told, since what it says may quote anything.
"""

import logging
import os
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO

from pullcord.commands.terminal import say
from pullcord.flow.journal import stream
from pullcord.model import sanitize

LENGTH = 500
"""Characters of a line."""
MOST = 10
"""Lines from the same place in a minute; pullcord's own errors are told all."""
MINUTE = 60.0
FRAMES = 3
"""Places that are told of where an error came from."""

_log = logging.getLogger(__name__)


class LogLines(logging.Handler):
    """Writes the lines; a line that nobody reads in time is left out, and counted."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._since: dict[tuple[str, int], float] = {}
        self._lines: Counter[tuple[str, int]] = Counter()
        self._left_out: Counter[tuple[str, int]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's line."""
        place = (record.name, record.lineno)
        if record.created - self._since.setdefault(place, record.created) >= MINUTE:
            self._since[place] = record.created
            self._lines[place] = 0
        self._lines[place] += 1
        unbounded = _is_ours(record) and record.levelno >= logging.ERROR
        missing = f" ({self._left_out[place]} more like it were left out)" if self._left_out[place] else ""
        if (unbounded or self._lines[place] <= MOST) and say(sanitize.text(line(record), LENGTH) + missing):
            self._left_out[place] = 0
        else:
            self._left_out[place] += 1


def line(record: logging.LogRecord) -> str:
    """What is told of a record; not yet cleaned."""
    ours = _is_ours(record)
    what = record.getMessage() if ours else f"{record.name}, in {record.funcName} (line {record.lineno})"
    error = record.exc_info[1] if record.exc_info else None
    return f"{record.levelname.lower()}: {what}{f': {_origin(error)}' if error else ''}"


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "pullcord"


def _origin(error: BaseException) -> str:
    """An error's class, and where it came from; not what it says."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = reversed(traceback.extract_tb(error.__traceback__)[-FRAMES:])
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return f"{type(error).__name__} at {', '.join(places) or 'no place'}"


@contextmanager
def logged() -> Iterator[None]:
    """Write the process's log, and its warnings, for as long as the block runs."""
    handler, root = LogLines(), logging.getLogger()
    before = warnings.showwarning
    root.addHandler(handler)
    warnings.showwarning = _show
    try:
        yield
    finally:
        root.removeHandler(handler)
        warnings.showwarning = before


@contextmanager
def apart(journal: str | None, *, output: bool) -> Iterator[None]:
    """Keep what is said and logged away from the journal's stream, and from MCP's, for as long as the block runs.

    It then goes to the standard output, if that is free, and nowhere if it isn't.

    Args:
        journal: where the journal is written, as `flow.journal.Journal` takes it; None: there is none.
        output: whether the standard output is free, and not MCP's.
    """
    error_output = _descriptor(sys.stderr)
    mixed = not output and not os.isatty(1) and _are_one(error_output, 1)
    with ExitStack() as stack:
        if mixed or (journal and _leads_to(journal, error_output)):
            free = output and not (journal and _leads_to(journal, 1))
            elsewhere = sys.stdout if free else stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            stack.enter_context(redirect_stderr(elsewhere))
        yield


def _descriptor(file: TextIO | None) -> int:
    """A file's descriptor; -1 where it has none."""
    try:
        return file.fileno() if file else -1
    except (OSError, ValueError):
        return -1


def _are_one(descriptor: int, other: int) -> bool:
    """Whether two descriptors lead to the same file, pipe or terminal."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.fstat(other))
    except OSError:  # one of them leads nowhere
        return False


def _leads_to(journal: str, descriptor: int) -> bool:
    """Whether a journal is written to the very file, pipe or terminal that a descriptor leads to."""
    named = stream(journal)
    if named is not None:
        return _are_one(named, descriptor)
    try:
        return os.path.samestat(Path(journal).stat(), os.fstat(descriptor))
    except OSError:
        return False


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """As warnings.showwarning; what a warning says is left out."""
    del message, file, line
    _log.warning("%s at %s:%d", category.__name__, Path(filename).name, lineno)
