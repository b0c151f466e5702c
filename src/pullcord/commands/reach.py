"""How commands reach platforms: the sandbox's or the real ones, through one engine."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, TypeVar

from pullcord.assembly.choice import surface
from pullcord.commands.options import choice
from pullcord.commands.terminal import SANDBOX_NOTICE, say
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.model.errors import SettingsError
from pullcord.serving.signals import at_signals
from pullcord.upstream.gateway import LIMITS, Gateway, Limits

T = TypeVar("T")


class Reach(NamedTuple):
    """The operations that may be called, and the engine that makes the calls."""

    surface: Surface
    engine: Engine


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
        engine = make_engine(environ, journal, limit, LIMITS)
        await stack.enter_async_context(engine.gateway)
        yield Reach(offer, engine)


async def sandbox(stack: AsyncExitStack) -> Mapping[str, str]:
    """Start the sandbox, which ends with the stack, and return the variables that reach it."""
    from pullcord.assembly.embedding import embedded  # noqa: PLC0415 - a real server has no sandbox

    variables = await stack.enter_async_context(embedded())
    say(SANDBOX_NOTICE)
    return variables


def tell_faults(offer: Surface) -> None:
    """Say what is wrong with the settings of some platforms: the others work."""
    for settings in offer.settings.values():
        for each in settings.faults:
            say(each)


def make_engine(environ: Mapping[str, str], journal: str | None, limit: Limit | None, limits: Limits) -> Engine:
    """Make the engine that makes all calls.

    Args:
        environ: names the proxy and the certificates to trust.
        journal: the path of the journal, as `flow.journal.Journal` takes it; None: cancels are not recorded.
        limit: on the number of cancels; None: there is none.
        limits: of time and connections.

    Raises:
        SettingsError: the journal can't be written.
    """
    gateway = Gateway(environ=environ, limits=limits)
    journal_file = Journal(journal) if journal else None
    if journal_file and (fault := journal_file.fault()):
        raise SettingsError([f"the journal {journal} can't be written, so no cancel could be sent: {fault}"])
    return Engine(gateway, journal_file, RateLimit(limit, gateway.now) if limit else None)


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
