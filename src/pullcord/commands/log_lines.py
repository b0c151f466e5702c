"""The one log of a process: a line on the error output for each record, of pullcord and of every library.

No line holds what a caller sent. Pullcord's own messages are written so; of a library's record the line holds only the
place in the library's code, since its message may quote anything.
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
"""Lines from the same place in a minute at most; pullcord's own errors are not bounded."""
MINUTE = 60.0
FRAMES = 3
"""Frames of an error's traceback that a line holds, the innermost first."""

_log = logging.getLogger(__name__)


class LogLines(logging.Handler):
    """Writes the lines; one that can't be written without waiting is left out, and counted."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._starts: dict[tuple[str, int], float] = {}
        self._lines: Counter[tuple[str, int]] = Counter()
        self._gaps: Counter[tuple[str, int]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's line."""
        place = (record.name, record.lineno)
        if record.created - self._starts.setdefault(place, record.created) >= MINUTE:
            self._starts[place] = record.created
            self._lines[place] = 0
        self._lines[place] += 1
        is_unbounded = _is_ours(record) and record.levelno >= logging.ERROR
        gap = f" ({self._gaps[place]} more like it were left out)" if self._gaps[place] else ""
        if (is_unbounded or self._lines[place] <= MOST) and say(sanitize.text(line(record), LENGTH) + gap):
            self._gaps[place] = 0
        else:
            self._gaps[place] += 1


def line(record: logging.LogRecord) -> str:
    """The text of a record, not yet cleaned."""
    is_ours = _is_ours(record)
    text = record.getMessage() if is_ours else f"{record.name}, in {record.funcName} (line {record.lineno})"
    error = record.exc_info[1] if record.exc_info else None
    return f"{record.levelname.lower()}: {text}{f': {_origin(error)}' if error else ''}"


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "pullcord"


def _origin(error: BaseException) -> str:
    """The class of an error, and the places in the code that it came from, without its message."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = reversed(traceback.extract_tb(error.__traceback__)[-FRAMES:])
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return f"{type(error).__name__} at {', '.join(places) or 'no place'}"


@contextmanager
def logged() -> Iterator[None]:
    """Write the process's log, and its warnings, for as long as the block runs."""
    handler, root = LogLines(), logging.getLogger()
    show_warning = warnings.showwarning
    root.addHandler(handler)
    warnings.showwarning = _show
    try:
        yield
    finally:
        root.removeHandler(handler)
        warnings.showwarning = show_warning


@contextmanager
def apart(journal: str | None, *, is_output_free: bool, is_output_for_programs: bool = False) -> Iterator[None]:
    """Keep the log and other sentences away from the streams of the journal and of MCP, while the block runs.

    They then go to the standard output if that is free, and are dropped if it isn't.

    Args:
        journal: the journal's path, as `flow.journal.Journal` takes it; None: there is none.
        is_output_free: whether the standard output does not carry MCP.
        is_output_for_programs: whether a program reads the standard output, which then takes no such sentences.
    """
    error_output = _descriptor(sys.stderr)
    is_mixed = not is_output_free and not os.isatty(1) and _are_one(error_output, 1)
    with ExitStack() as stack:
        if is_mixed or (journal and _leads_to(journal, error_output)):
            is_taken = is_output_for_programs or (journal and _leads_to(journal, 1))
            is_free = is_output_free and not is_taken
            target = sys.stdout if is_free else stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            stack.enter_context(redirect_stderr(target))
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
    """Whether a journal is written to the same file, pipe or terminal that a descriptor leads to."""
    own_descriptor = stream(journal)
    if own_descriptor is not None:
        return _are_one(own_descriptor, descriptor)
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
    """Like warnings.showwarning, without the warning's message."""
    del message, file, line
    _log.warning("%s at %s:%d", category.__name__, Path(filename).name, lineno)
