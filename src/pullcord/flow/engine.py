"""What every call of a server goes through. It is made at the start, and imports nothing that only calls need."""

from dataclasses import dataclass

from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import RateLimit
from pullcord.upstream.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Engine:
    """What every call of a server goes through."""

    gateway: Gateway
    journal: Journal | None = None
    rate_limit: RateLimit | None = None
