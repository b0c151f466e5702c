"""What is true of a piece of work: the file that it lets grow tells, and nobody's record."""

from enum import StrEnum
from pathlib import Path

import anyio

WINDOW = 3
"""Seconds in which work that runs surely shows: it lets its file grow five times a second."""


class Truth(StrEnum):
    """Whether a piece of work runs."""

    RUNS = "runs"
    ENDED = "has ended"
    NEVER_BEGAN = "never began"


async def truth(file: Path) -> Truth:
    """Look at the work for as long as it takes to see it run, and WINDOW seconds at most.

    Args:
        file: the one that the work lets grow; work that has not begun has none.
    """
    before = size = _size(file)
    with anyio.move_on_after(WINDOW):
        while size == before:
            await anyio.sleep(0.1)
            size = _size(file)
    if size != before:
        return Truth.RUNS
    return Truth.ENDED if size else Truth.NEVER_BEGAN


def left(file: Path) -> Path:
    """The file that those let grow who left a piece of work: its daemons and actors, which go on without it."""
    return file.with_name(f"{file.name}-left")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
