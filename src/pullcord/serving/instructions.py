"""The server's instructions, which hosts show to their model before any tool is read. Pure."""

from collections.abc import Iterable

from pullcord.config.surface import Surface
from pullcord.model.operation import Operation

LIMIT = 600
"""Characters at most: hosts that search for tools load only names and the instructions."""

_NOUNS = ("jobs", "runs", "tasks", "sessions", "turns")
"""What people call work, whatever the platforms call it."""
_HOW = (
    " Final: stopped, already_finished, finished_first, nothing_running. stopping may still run. work_stopped tells"
    " what is known of the work itself, may_go_on what may still run, allowed_actions the next steps; one with tool and"
    " arguments is a complete call."
)
_SANDBOX = " This is a sandbox: platforms and work are made up."


def instructions(surface: Surface, *, sandbox: bool) -> str:
    """The server's instructions: the platforms, the words that people use, and how answers are read.

    Args:
        surface: whose tools are offered.
        sandbox: whether the platforms are made up.
    """
    # pullcord's own tool, find_running, belongs to no platform of the catalogue.
    operations = [each for each in surface.tools.values() if each.id in surface.catalogue]
    nouns = dict.fromkeys([*_NOUNS, *map(_plural, _nouns(operations))])
    what = f"Stops work on agent platforms: cancels, kills or interrupts {', '.join(nouns)}"
    rest = _HOW + (_SANDBOX if sandbox else "")
    titles = list(dict.fromkeys(operation.platform.title for operation in operations))
    for count in range(len(titles), 0, -1):
        names = ", ".join(titles[:count]) + (f" and {len(titles) - count} more" if count < len(titles) else "")
        if len(text := f"{what} ({names}).{rest}") <= LIMIT:
            return text
    return f"{what}.{rest}"


def _nouns(operations: Iterable[Operation]) -> list[str]:
    """What cancels stop, by the last word of each one's name: task of stop_task."""
    return [each.id.rpartition("_")[2] for each in operations if each.cancel]


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith(("ch", "s", "sh", "x")) else f"{noun}s"
