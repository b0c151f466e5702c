"""The signals that tell a process to end."""

import signal
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import anyio

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")


def ending_signals() -> AbstractContextManager[AsyncIterator[signal.Signals]]:
    """Catch SIGTERM, SIGINT and SIGHUP for as long as the block runs, so that none of them ends the process there.

    SIGHUP is left alone where the process ignores it, as under nohup, or where the system has none.

    Returns:
        A context manager that gives the block the signals as they arrive.
    """
    signals: list[signal.Signals] = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    selection = (each for each in signals if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN)
    return anyio.open_signal_receiver(*selection)


def exit_status(ending: signal.Signals) -> int:
    """The exit status of a process that a signal ended, as shells report it: 128 and the signal's number."""
    return 128 + ending


async def until_signal() -> int:
    """Wait for a signal to end.

    Returns:
        The exit status, as `exit_status` has it.
    """
    with ending_signals() as signals:
        return exit_status(await anext(signals))
