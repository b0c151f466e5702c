"""What commands write beside their output: lines for whoever reads the error output, and waiting for nobody."""

import select
import sys
from collections.abc import Mapping

SANDBOX_NOTICE = "this is the sandbox: the platforms and their work are made up, and nothing real is stopped"


def say(sentence: str) -> bool:
    """Write a line to the error output, in pullcord's name.

    Returns:
        Whether it was written. It is not where that would wait: a reader that stalls must stop nothing.
    """
    if sys.stderr is None or not _has_room():  # print would take the standard output for it
        return False
    print(f"pullcord: {sentence}", file=sys.stderr, flush=True)
    return True


def _has_room() -> bool:
    """Whether the error output takes a line of PIPE_BUF bytes at once; where nothing tells, it is taken to."""
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
    """Whether a person's terminal reads the output, and may be given colours (https://no-color.org)."""
    return sys.stdout.isatty() and not environ.get("NO_COLOR")
