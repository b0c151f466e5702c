"""The server's instructions, which hosts show to their model before any tool is read. Pure."""

from pullcord.config.surface import Surface

LIMIT = 600
"""Characters at most: hosts that search for tools load only names and the instructions."""

_WHAT = "Stops work on agent platforms: cancels, kills or interrupts jobs, runs, tasks, sessions and turns"
_HOW = (
    " Outcomes stopped, already_finished, finished_first and nothing_running are final: it is over, by the platform's"
    " record. stopping means that it may still run. work_stopped says what is known of the work itself, may_go_on what"
    " may still run. Each result lists next steps in allowed_actions: one with tool and arguments is a complete call."
)
_SANDBOX = " This is a sandbox: platforms and work are made up."


def instructions(surface: Surface, *, sandbox: bool) -> str:
    """The server's instructions: the platforms, the words that people use, and how answers are read.

    Args:
        surface: whose tools are offered.
        sandbox: whether the platforms are made up.
    """
    rest = _HOW + (_SANDBOX if sandbox else "")
    titles = list(dict.fromkeys(operation.platform.title for operation in surface.tools.values()))
    while titles and len(_WHAT) + len(f" ({', '.join(titles)}).") + len(rest) > LIMIT:
        titles.pop()
    return _WHAT + (f" ({', '.join(titles)})." if titles else ".") + rest
