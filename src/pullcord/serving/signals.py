"""The signals that tell a process to end."""

import signal

import anyio


async def until_signal() -> int:
    """Wait for SIGTERM or SIGINT.

    Returns:
        The exit status: 128 and the signal's number.
    """
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        return 128 + await anext(aiter(signals))
