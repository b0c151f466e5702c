"""What a real server is to the stories: how it is installed and started, and how it is given work that can be seen."""

import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.abc
import httpx2

FIXTURES = Path(__file__).parent / "fixtures"
TICKS = FIXTURES / "ticks"
"""Where the fixtures in Python find the module that they share."""
PATIENCE = 60
"""Seconds for whatever a server is waited for."""
FAREWELL = 5
"""Seconds in which a server may end by itself once it was asked to."""


class Running(NamedTuple):
    """A server that takes work."""

    settings: Mapping[str, str]
    """The environment variables with which pullcord reaches it."""
    start: Callable[[str, Path, float], Awaitable[Mapping[str, str]]]
    """Gives it a kind of work that lets a file grow for so many seconds; the arguments that name it for a cancel."""
    wrong_key: Mapping[str, str] = {}
    """Settings to put over those, with which it refuses every request."""


class Server(NamedTuple):
    """A server that others wrote."""

    told: tuple[str, ...]
    """Those of its packages whose versions tell which server it is."""
    install: Callable[..., Path]
    """Makes its environment of packages, unless it is made."""
    running: Callable[[Path, Path], AbstractAsyncContextManager[Running]]
    """Starts it from its environment, with a folder for what it writes."""


def pinned(platform: str) -> tuple[str, ...]:
    """Every package that a platform's server is made of, with its version."""
    return tuple((FIXTURES / platform / "versions.txt").read_text(encoding="utf-8").split())


def versions(platform: str, told: tuple[str, ...]) -> dict[str, str]:
    """The versions of some packages that a platform's server is made of."""
    pairs = dict(package.replace("==", "@").rsplit("@", 1) for package in pinned(platform))
    return {name: pairs[name] for name in told}


def free_ports(number: int) -> list[int]:
    """Ports of this machine on which nothing listens, all different."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@asynccontextmanager
async def process(command: Sequence[str | Path], log: Path, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """A program that runs meanwhile, in a process group of its own; at the end nothing of the group is left.

    Args:
        command: the program and its arguments.
        log: a file for what it writes; its folder is where it runs.
        settings: variables added to this process's environment.

    Raises:
        ExceptionGroup: with a RuntimeError if it ended by itself, or with what went wrong meanwhile.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    with log.open("wb") as written:
        program = await anyio.open_process(
            command,
            cwd=log.parent,
            env={**environment, "PYTHONPATH": str(TICKS), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **settings},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with anyio.create_task_group() as watching:
                watching.start_soon(_watch, program, log)
                yield
                watching.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                _signal(program, signal.SIGTERM)
                with anyio.move_on_after(FAREWELL):
                    await program.wait()
                _signal(program, signal.SIGKILL)  # what it started may have outlived it
                await program.aclose()


async def _watch(program: anyio.abc.Process, log: Path) -> None:
    status = await program.wait()
    raise RuntimeError(f"{log.stem} ended by itself with status {status}; what it wrote: {log}")


def _signal(program: anyio.abc.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, number)


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it doesn't, after PATIENCE seconds; says what was waited for.
    """
    try:
        with anyio.fail_after(PATIENCE):
            while True:
                if await holds():
                    return
                await anyio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(f"{what}: not in {PATIENCE} s") from None


async def ready(client: httpx2.AsyncClient, path: str) -> None:
    """Wait until a server answers a GET well.

    Raises:
        TimeoutError: it doesn't, after PATIENCE seconds.
    """

    async def answers() -> bool:
        try:
            return (await client.get(path)).is_success
        except httpx2.TransportError:
            return False

    await until(answers, f"an answer of {client.base_url.join(path)}")
