"""Where cancels and used consents are counted: in this process, or in Redis for all replicas together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio

from pullcord.config.environment import own_value
from pullcord.flow.rate_limit import Limit, Limiter, RateLimit
from pullcord.flow.used_consents import Consents, UsedConsents
from pullcord.model.errors import SettingsError

SHARED = "PULLCORD_SHARED"
"""The variable that names the Redis with what replicas share."""


class Permits(NamedTuple):
    """What permits cancels."""

    rate_limit: Limiter | None
    """Bounds the number of cancels; None: there is no bound."""
    consents: Consents
    """Remembers which consents were used."""


@asynccontextmanager
async def permits(environ: Mapping[str, str], limit: Limit | None, *, confirm: bool) -> AsyncIterator[Permits]:
    """What permits cancels, for as long as the block runs.

    Args:
        environ: the variables, by name. Where PULLCORD_SHARED is set, all replicas with the same Redis count together.
        limit: on the number of cancels; None: there is none.
        confirm: whether a person is asked before each cancel.

    Raises:
        SettingsError: PULLCORD_SHARED can't be used.
    """
    setting = own_value(SHARED, environ)
    if setting.fault:
        raise SettingsError([setting.fault])
    if not setting.text or not (limit or confirm):
        yield Permits(RateLimit(limit, anyio.current_time) if limit else None, UsedConsents())
        return
    try:
        from pullcord.flow.shared import SharedRateLimit, SharedState  # noqa: PLC0415 - an extra, only for this setting
    except ImportError:
        raise SettingsError([f"{setting.source}: this needs the package redis; install pullcord[redis]"]) from None
    try:
        state = SharedState(setting.text)
    except ValueError:
        fault = "this is no URL of Redis; write redis://HOST:PORT/DATABASE, or rediss:// for TLS"
        raise SettingsError([f"{setting.source}: {fault}"]) from None
    try:
        yield Permits(SharedRateLimit(limit, state) if limit else None, state)
    finally:
        await state.close()
