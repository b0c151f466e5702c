"""What all calls of a server share. It is made at the start, so it imports nothing that only calls need."""

from dataclasses import dataclass

from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import RateLimit
from pullcord.upstream.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Engine:
    """What all calls of a server share."""

    gateway: Gateway
    """Sends requests."""
    journal: Journal | None = None
    """Records cancels; None: they are not recorded."""
    rate_limit: RateLimit | None = None
    """Bounds the number of cancels; None: there is no bound."""
