"""Who may call what, over HTTP.

A caller's token ends here: what goes on from here is its name and its scopes.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from starlette.requests import Request

from pullcord.config.surface import GRANTS, Surface
from pullcord.serving.front import Front
from pullcord.serving.issuer import Issuer
from pullcord.serving.tokens import TokenFile


class Access:
    """Verifies tokens in several ways: a token is good that one of them knows."""

    def __init__(self, *ways: TokenVerifier) -> None:
        self._ways = ways

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None if nobody knows it."""
        for way in self._ways:
            if known := await way.verify_token(token):
                return known
        return None


def verifier(front: Front) -> Access | None:
    """What verifies callers' tokens; None where they need none.

    Raises:
        SettingsError: the token file can't be used.
    """
    ways: list[TokenVerifier] = [TokenFile(front.token_file)] if front.token_file else []
    if front.issuer and front.audience:
        ways.append(Issuer(front.issuer, front.audience))
    return Access(*ways) if ways else None


def view(surface: Surface, front: Front) -> Callable[[Request], Surface] | None:
    """What the sender of a request may call, and with which platform keys.

    Args:
        surface: what this server may call.
        front: whether callers have tokens, so that each has the tools of its scopes only; and whether requests bring
            keys, so that each is handled with its own only.

    Returns:
        A function from a request to its surface; None: it is the same for every request.
    """
    if not front.guarded and not front.caller_keys:
        return None
    # Made once: a request costs a look-up.
    by_grants = {
        grants: surface.granted(grants)
        for count in range(len(GRANTS) + 1)
        for grants in map(frozenset[str], itertools.combinations(GRANTS, count))
    }

    def of_request(request: Request) -> Surface:
        token = get_access_token()
        granted = frozenset(token.scopes if token else ()) & frozenset(GRANTS)
        mine = by_grants[granted] if front.guarded else surface
        if not front.caller_keys:
            return mine
        given = request.headers.getlist
        settings = {name: each.carrying(given) for name, each in mine.settings.items()}
        return replace(mine, settings=settings)

    return of_request
