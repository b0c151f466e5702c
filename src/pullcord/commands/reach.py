"""What the commands that call platforms reach them through: the sandbox or the real ones, and one engine."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, TypeVar

import anyio

from pullcord.assembly.choice import surface
from pullcord.commands.options import choice
from pullcord.commands.terminal import SANDBOX_NOTICE, say
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.model.errors import SettingsError
from pullcord.serving.signals import ending_signals, exit_status
from pullcord.upstream.gateway import LIMITS, Gateway, Limits

T = TypeVar("T")


class Reach(NamedTuple):
    """What may be called, and what each call goes through."""

    surface: Surface
    engine: Engine


@asynccontextmanager
async def reached(
    options: argparse.Namespace, environ: Mapping[str, str], *, journal: str | None = None, limit: Limit | None = None
) -> AsyncIterator[Reach]:
    """Reach the platforms that a command's options choose, for as long as the block runs.

    Args:
        options: of the command.
        environ: the settings, by the names of their variables.
        journal: where each cancel is recorded; None: nowhere.
        limit: how many cancels may be sent; None: any number.

    Raises:
        SettingsError: what was chosen can't be reached like this.
    """
    async with AsyncExitStack() as stack:
        variables = await sandbox(stack) if options.sandbox else environ
        selection = surface(choice(options), variables)
        tell_faults(selection)
        engine = make_engine(environ, journal, limit, LIMITS)
        await stack.enter_async_context(engine.gateway)
        yield Reach(selection, engine)


async def sandbox(stack: AsyncExitStack) -> Mapping[str, str]:
    """Start the sandbox, which ends with the stack, and say so; the settings that reach it."""
    from pullcord.assembly.embedding import embedded  # noqa: PLC0415 - a real server has no sandbox

    variables = await stack.enter_async_context(embedded())
    say(SANDBOX_NOTICE)
    return variables


def tell_faults(selection: Surface) -> None:
    """Say what is wrong with the settings of single platforms: the others work."""
    for settings in selection.settings.values():
        for each in settings.faults:
            say(each)


def make_engine(environ: Mapping[str, str], journal: str | None, limit: Limit | None, limits: Limits) -> Engine:
    """What each call goes through.

    Args:
        environ: names the proxy and the certificates to trust.
        journal: where each cancel is recorded, as `flow.journal.Journal` takes it; None: nowhere.
        limit: how many cancels may be sent; None: any number.
        limits: of time and connections.

    Raises:
        SettingsError: the journal can't be written.
    """
    gateway = Gateway(environ=environ, limits=limits)
    record = Journal(journal) if journal else None
    if record and (fault := record.fault()):
        raise SettingsError([f"the journal {journal} can't be written, so no cancel could be sent: {fault}"])
    return Engine(gateway, record, RateLimit(limit, gateway.now) if limit else None)


async def until_signal(engine: Engine, work: Callable[[], Awaitable[T]]) -> tuple[T, int]:
    """Do what a signal cuts short: a cancel that is on its way is finished, and no end is waited for any more.

    Args:
        engine: what the work's calls go through.
        work: does it.

    Returns:
        What came of it, and the exit status that shells give the signal; 0: none came.
    """
    status = 0
    with ending_signals() as signals:
        async with anyio.create_task_group() as tasks:
            watching = anyio.CancelScope()

            async def watch() -> None:
                nonlocal status
                with watching:
                    async for ending in signals:
                        status = status or exit_status(ending)
                        engine.gateway.ending.set()

            tasks.start_soon(watch)
            result = await work()
            watching.cancel()
    return result, status
