"""What commands write beside their output, without ever waiting for its reader, and what the terminal can show."""

import io
import os
import select
import shutil
import sys
import textwrap
from collections.abc import Mapping


def say(sentence: str) -> bool:
    """Write a line to the error output, after the name of pullcord; for a terminal a sentence is wrapped at words.

    Returns:
        Whether it was written, as by `put`.
    """
    line = f"pullcord: {sentence}"
    # What is indented is there to be copied.
    if sys.stderr is not None and sys.stderr.isatty() and not sentence.startswith(" "):
        line = wrapped(line, shutil.get_terminal_size().columns)
    return put(line)


def wrapped(text: str, width: int | None, margin: str = "  ") -> str:
    """A text in lines that end at words; a word that is longer than a line, such as an id, stays whole.

    Args:
        text: one line.
        width: of the lines, in characters; None: the text stays one line.
        margin: what all lines but the first begin with.
    """
    if width is None:
        return text
    return textwrap.fill(text, width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)


def put(text: str) -> bool:
    """Write a text to the error output as it is, such as a table.

    Returns:
        Whether it was written. It is left out where writing would wait: a reader that stalls must not stop pullcord.
    """
    if sys.stderr is None or not _has_room():  # print would take the standard output for it
        return False
    print(text, file=sys.stderr, flush=True)
    return True


def _has_room() -> bool:
    """Whether the error output takes a line of PIPE_BUF bytes at once; true where that can't be found out."""
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):  # it leads out of no process
        return True
    if not hasattr(select, "poll"):
        return True
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    return bool(room.poll(0))


def has_colour(environ: Mapping[str, str]) -> bool:
    """Whether the output is a terminal that takes colours, and they are allowed (https://no-color.org)."""
    return _takes_sequences(environ) and not environ.get("NO_COLOR")


def clearing(environ: Mapping[str, str]) -> str:
    """What clears the screen when it is written to the output; empty: the output is no terminal that obeys."""
    return "\x1b[H\x1b[2J" if _takes_sequences(environ) else ""


def columns() -> int | None:
    """The width of the terminal that the output is; None: it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _takes_sequences(environ: Mapping[str, str]) -> bool:
    """Whether the output is a terminal that obeys escape sequences; on Windows only Windows Terminal surely does."""
    return sys.stdout.isatty() and (os.name == "posix" or "WT_SESSION" in environ)


def write_any_text() -> None:
    """Let the output take every character: a file or pipe gets UTF-8, whatever the system's own encoding is.

    On Windows that is one of 256 characters, and a name with any other would end the command. A terminal keeps its own
    encoding, and shows what it can't as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")
