"""The signals that tell a process to end."""

import signal
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import anyio

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")


def ending_signals() -> AbstractContextManager[AsyncIterator[signal.Signals]]:
    """Catch SIGTERM, SIGINT and SIGHUP for as long as the block runs, so that none of them ends the process there.

    SIGHUP is left alone where it is ignored, as nohup has it, or where the platform has none.

    Returns:
        A context manager, of which the block gets the signals as they arrive.
    """
    known: list[signal.Signals] = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    heeded = (each for each in known if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN)
    return anyio.open_signal_receiver(*heeded)


def exit_status(ending: signal.Signals) -> int:
    """The exit status that shells give a signal: 128 and its number."""
    return 128 + ending


async def until_signal() -> int:
    """Wait for a signal to end.

    Returns:
        The exit status that shells give it.
    """
    with ending_signals() as signals:
        return exit_status(await anext(signals))
