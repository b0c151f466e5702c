"""What a guard is told: the run to guard, and how much it may spend, which is how far its file may grow."""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio

import pullcord


class Told(NamedTuple):
    """What a guard is told."""

    cord: pullcord.Cord
    run_id: str
    spending: Callable[[str], Awaitable[float]]
    """What a run has spent so far."""
    budget: float


@asynccontextmanager
async def told() -> AsyncIterator[Told]:
    """The command line: an id, a file, and the budget."""
    run_id, file, budget = sys.argv[1:]

    async def spending(_: str) -> float:
        return float((await anyio.Path(file).stat()).st_size)

    async with pullcord.Cord(environ=os.environ, platforms=["langgraph"]) as cord:
        yield Told(cord, run_id, spending, float(budget))


def tell(outcome: str, spent: float) -> None:
    """Tell what came of the run, and what it had spent."""
    sys.stdout.write(f"{json.dumps({'outcome': outcome, 'spent': spent})}\n")
