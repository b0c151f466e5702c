"""A command at a terminal of the tests: the sandbox in memory, what is typed, and what is written."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support import Stage, stage

from pullcord.assembly.reach import Reach
from pullcord.commands.console import Console
from pullcord.commands.options import parsers
from pullcord.flow.engine import Engine
from pullcord.upstream.connections import Transport


@dataclass
class Desk:
    """A command's place: what it reaches, and a person who types."""

    on: Stage
    reach: Reach
    typed: str | None = None
    columns: int | None = None
    asked: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    @property
    def console(self) -> Console:
        async def sleep(seconds: float) -> None:
            self.on.clock.pass_seconds(seconds)

        return Console(
            write=self.written.append,
            note=self.noted.append,
            ask=self._ask,
            sleep=sleep,
            now=lambda: self.on.clock.now,
            put=self.noted.append,
            columns=lambda: self.columns,
        )

    def _ask(self, question: str) -> str | None:
        self.asked.append(question)
        return self.typed

    @property
    def output(self) -> str:
        return "\n".join(self.written)

    @property
    def sent(self) -> list[str]:
        """What reached the sandbox that was no look."""
        return [each for each in self.on.arrived if each.startswith("POST")]


@asynccontextmanager
async def desk(
    *,
    typed: str | None = None,
    environ: Mapping[str, str] | None = None,
    transport: Transport | None = None,
    make: Callable[..., Engine] = Engine,
    sleep: Callable[[float], Awaitable[None]] | None = None,
) -> AsyncIterator[Desk]:
    """Set up a desk.

    Args:
        typed: what the person answers to each question; None: nobody is there.
        environ: settings on top of the sandbox's.
        transport: what answers instead of the sandbox.
        make: makes what calls go through, of the gateway.
        sleep: waits instead of moving the clock.
    """
    engines: list[Engine] = []

    def made(gateway: object) -> Engine:
        engines.append(make(gateway))
        return engines[0]

    async with stage(environ=environ, transport=transport, desk=made, sleep=sleep) as on:
        yield Desk(on, Reach(on.scope, engines[0]), typed)


def options(*argv: str) -> argparse.Namespace:
    """A command line, as it is read."""
    return parsers()[0].parse_args(argv)
