"""The signals that tell a process to end."""

import asyncio
import math
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import anyio

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")


@contextmanager
def ending_signals() -> Iterator[AsyncIterator[signal.Signals]]:
    """Catch SIGTERM, SIGINT and SIGHUP for as long as the block runs, so that none of them ends the process there.

    SIGHUP is left alone where the process ignores it, as under nohup, or where the system has none.

    Yields:
        The signals as they arrive.
    """
    signals: list[signal.Signals] = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    selection = [each for each in signals if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN]
    with ExitStack() as stack:
        try:
            arriving = stack.enter_context(anyio.open_signal_receiver(*selection))
        except NotImplementedError:  # on Windows asyncio's loops take no signals
            arriving = stack.enter_context(_handled(selection))
        yield arriving


@contextmanager
def _handled(selection: Iterable[signal.Signals]) -> Iterator[AsyncIterator[signal.Signals]]:
    """Catch signals by Python's own handlers, which may run between any two instructions: they only wake the loop."""
    send, receive = anyio.create_memory_object_stream[signal.Signals](math.inf)
    loop = asyncio.get_running_loop()

    def handle(number: int, _: object) -> None:
        loop.call_soon_threadsafe(send.send_nowait, signal.Signals(number))

    before = {each: signal.signal(each, handle) for each in selection}
    with send, receive:
        try:
            yield receive
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def exit_status(ending: signal.Signals) -> int:
    """The exit status of a process that a signal ended, as shells report it: 128 and the signal's number."""
    return 128 + ending


@asynccontextmanager
async def at_signals(act: Callable[[], object]) -> AsyncIterator[Callable[[], int]]:
    """Act at each signal to end for as long as the block runs.

    Args:
        act: called at each signal.

    Yields:
        A function that returns the exit status for the first signal; 0: none arrived yet.
    """
    status = 0
    with ending_signals() as signals:
        async with anyio.create_task_group() as tasks:
            watching = anyio.CancelScope()

            async def watch() -> None:
                nonlocal status
                with watching:
                    async for each in signals:
                        status = status or exit_status(each)
                        act()

            tasks.start_soon(watch)
            yield lambda: status
            watching.cancel()


async def until_signal() -> int:
    """Wait for a signal to end.

    Returns:
        The exit status, as `exit_status` has it.
    """
    with ending_signals() as signals:
        return exit_status(await anext(signals))
