"""Which consents were used: each is for one cancel only. A start imports this, and nothing else that calls need."""

from collections import deque
from typing import Protocol

SECONDS = 120
"""Seconds for which a consent holds."""

_LIMIT = 10_000
"""Consents that are remembered; more than people can give while one is valid."""


class Consents(Protocol):
    """Remembers the consents that were used, since each is for one cancel only."""

    async def use(self, consent_id: str) -> bool:
        """Mark a consent as used; return whether it was not used before.

        Raises:
            SharedStateError: nothing tells it.
        """


class UsedConsents:
    """The consents that this process alone saw used."""

    def __init__(self) -> None:
        self._used: deque[str] = deque(maxlen=_LIMIT)

    async def use(self, consent_id: str) -> bool:
        """Mark a consent as used; return whether it was not used before."""
        if consent_id in self._used:
            return False
        self._used.append(consent_id)
        return True
