"""How commands reach platforms: the sandbox's or the real ones, through one engine."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from pullcord.assembly.choice import surface
from pullcord.assembly.reach import Reach, make_engine
from pullcord.commands.options import choice
from pullcord.commands.terminal import sandbox, tell_faults
from pullcord.flow.engine import Engine
from pullcord.flow.rate_limit import Limit
from pullcord.serving.signals import at_signals
from pullcord.upstream.gateway import LIMITS

T = TypeVar("T")


@asynccontextmanager
async def reached(
    options: argparse.Namespace, environ: Mapping[str, str], *, journal: str | None = None, limit: Limit | None = None
) -> AsyncIterator[Reach]:
    """Reach the platforms that a command's options choose, for as long as the block runs.

    Args:
        options: of the command.
        environ: the variables, by name.
        journal: the path of the journal; None: cancels are not recorded.
        limit: on the number of cancels; None: there is none.

    Raises:
        SettingsError: the settings can't be used.
    """
    async with AsyncExitStack() as stack:
        variables = await sandbox(stack) if options.sandbox else environ
        offer = surface(choice(options), variables)
        tell_faults(offer)
        engine = await stack.enter_async_context(make_engine(environ, journal, limit, LIMITS))
        yield Reach(offer, engine)


async def until_signal(engine: Engine, work: Callable[[], Awaitable[T]]) -> tuple[T, int]:
    """Do work that a signal cuts short: a cancel that is under way is finished, and nothing waits any more.

    Args:
        engine: makes the calls of the work.
        work: does it.

    Returns:
        Its result, and the exit status for the signal; 0: none arrived.
    """
    async with at_signals(engine.gateway.ending.set) as status:
        result = await work()
    return result, status()
