"""What reaches the platforms: the operations that may be called, and the engine that makes the calls."""

from collections.abc import Mapping
from typing import NamedTuple

from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.model.errors import SettingsError
from pullcord.upstream.gateway import Gateway, Limits


class Reach(NamedTuple):
    """The operations that may be called, and the engine that makes the calls."""

    surface: Surface
    engine: Engine


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
