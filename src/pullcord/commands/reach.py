"""How commands reach platforms: the sandbox's or the real ones, through one engine."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from pullcord.assembly.choice import surface
from pullcord.assembly.reach import Reach, make_engine
from pullcord.commands.options import choice
from pullcord.commands.terminal import say
from pullcord.flow.engine import Engine
from pullcord.serving.signals import at_signals
from pullcord.upstream.gateway import LIMITS, Limits

T = TypeVar("T")


SANDBOX_NOTICE = "this is the sandbox: the platforms and their work are made up, and nothing real is stopped"


@asynccontextmanager
async def sandboxed(environ: Mapping[str, str], port: int = 0) -> AsyncIterator[Mapping[str, str]]:
    """Run the sandbox for as long as the block runs, and say that it is one.

    Args:
        environ: names the work that must not be stopped, as beside real platforms.
        port: the port on this machine, 0 to 65535; 0 takes a free one.

    Yields:
        The variables that reach it, by name.

    Raises:
        SettingsError: it can't listen on the port.
    """
    from pullcord.assembly.embedding import embedded  # noqa: PLC0415 - real platforms do without it

    async with embedded(environ, port) as variables:
        say(SANDBOX_NOTICE)
        yield variables


@asynccontextmanager
async def reached(
    options: argparse.Namespace, environ: Mapping[str, str], *, journal: str | None = None, limits: Limits = LIMITS
) -> AsyncIterator[Reach]:
    """Reach the platforms that a command's options choose, for as long as the block runs.

    Settings of a platform that have faults are told; the other platforms work.

    Args:
        options: of the command.
        environ: the variables, by name.
        journal: the path of the journal; None: cancels are not recorded.
        limits: of time and connections.

    Raises:
        SettingsError: the settings can't be used.
    """
    async with AsyncExitStack() as stack:
        variables = await stack.enter_async_context(sandboxed(environ)) if options.sandbox else environ
        offer = surface(choice(options), variables, brought=bool(options.caller_keys))
        for settings in offer.settings.values():
            for fault in settings.faults:
                say(fault)
        engine = make_engine(environ, journal, options.limit, limits, confirm=options.confirm)
        yield Reach(offer, await stack.enter_async_context(engine))


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
