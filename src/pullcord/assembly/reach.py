"""What reaches the platforms: the operations that may be called, and the engine that makes the calls."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from pullcord.assembly.permits import permits
from pullcord.config.environment import placeholder_fault
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit
from pullcord.model.errors import SettingsError
from pullcord.upstream.gateway import Gateway, Limits


class Reach(NamedTuple):
    """The operations that may be called, and the engine that makes the calls."""

    surface: Surface
    engine: Engine


@asynccontextmanager
async def make_engine(
    environ: Mapping[str, str], journal: str | None, limit: Limit | None, limits: Limits, *, confirm: bool = False
) -> AsyncIterator[Engine]:
    """Make the engine that makes all calls, for as long as the block runs.

    Args:
        environ: names the proxy and the certificates to trust, and where replicas count together.
        journal: the path of the journal, as `flow.journal.Journal` takes it; None: cancels are not recorded.
        limit: on the number of cancels; None: there is none.
        limits: of time and connections.
        confirm: whether a person is asked before each cancel.

    Raises:
        SettingsError: the journal can't be written, or PULLCORD_SHARED can't be used.
    """
    if journal and (fault := placeholder_fault(journal)):
        raise SettingsError([f"the journal {journal}: {fault}"])
    journal_file = Journal(journal) if journal else None
    if journal_file and (fault := journal_file.fault()):
        raise SettingsError([f"the journal {journal} can't be written, so no cancel could be sent: {fault}"])
    async with (
        permits(environ, limit, confirm=confirm) as permitted,
        Gateway(environ=environ, limits=limits) as gateway,
    ):
        yield Engine(gateway, journal_file, permitted.rate_limit, permitted.consents)
