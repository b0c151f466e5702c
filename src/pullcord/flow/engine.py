"""What all calls of a server share. It is made at the start, so it imports nothing that only calls need."""

from dataclasses import dataclass, field

from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limiter
from pullcord.flow.used_consents import Consents, UsedConsents
from pullcord.upstream.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Engine:
    """What all calls of a server share."""

    gateway: Gateway
    """Sends requests."""
    journal: Journal | None = None
    """Records cancels; None: they are not recorded."""
    rate_limit: Limiter | None = None
    """Bounds the number of cancels; None: there is no bound."""
    consents: Consents = field(default_factory=UsedConsents)
    """Remembers which people's consents were used."""
