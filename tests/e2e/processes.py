"""pullcord as a user runs it: real processes, with the settings that a user would set."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream

COMMAND = (sys.executable, "-m", "pullcord")
PATIENCE = 300
"""Seconds for whatever a test waits for."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """A process's environment: this one's, with these settings and no others."""
    ours = ("EVERRUNS_", "EVERSHELL_", "XPANDER_", "PULLCORD_")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, **settings}


@asynccontextmanager
async def started(
    *arguments: str, settings: Mapping[str, str] | None = None, stderr: int = subprocess.PIPE
) -> AsyncIterator[anyio.abc.Process]:
    """A pullcord process; it is killed at the end if it still runs."""
    with anyio.fail_after(PATIENCE):
        async with await anyio.open_process(
            [*COMMAND, *arguments], env=environment(settings or {}), stderr=stderr
        ) as process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()


@asynccontextmanager
async def sandbox() -> AsyncIterator[dict[str, str]]:
    """The sandbox as a process of its own; the settings that it tells its user to set."""
    async with started("sandbox") as process:
        assert process.stdout
        lines = BufferedByteReceiveStream(process.stdout)
        told: dict[str, str] = {}
        while len(told) < 6:
            line = (await lines.receive_until(b"\n", 1000)).decode()
            found = re.fullmatch(r"export ([A-Z_]+)=(\S+)", line)
            assert found, line
            told[found[1]] = found[2]
        yield told
        process.terminate()
        assert await process.wait() == 143


async def finished(*arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A pullcord process that ends by itself, without input."""
    with anyio.fail_after(PATIENCE):
        done = await anyio.run_process([*COMMAND, *arguments], env=environment(settings or {}), input=b"", check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
