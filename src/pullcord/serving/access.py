"""Who may call what, over HTTP.

A caller's token ends here: what goes on from here is its name and its scopes.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthenticationError
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pullcord.config.surface import GRANTS, Surface
from pullcord.serving.front import Front
from pullcord.serving.issuer import APART, Issuer
from pullcord.serving.refusal import refusal
from pullcord.serving.tokens import TokenFile, TokenRefusedError

_log = logging.getLogger(__name__)


class _Way(Protocol):
    """Knows tokens."""

    async def verify(self, token: str) -> AccessToken:
        """Whose token it is.

        Raises:
            TokenRefusedError: it is not known.
        """


class Access:
    """Verifies tokens in several ways, of which one must know a token. Why one is refused is logged."""

    def __init__(self, *ways: _Way) -> None:
        self._ways = ways

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None if nobody knows it.

        Raises:
            IssuerUnreachableError: that can't be told now.
        """
        reasons: list[str] = []
        for way in self._ways:
            try:
                return await way.verify(token)
            except TokenRefusedError as error:
                reasons.append(str(error))
        _log.warning("a token was refused: %s", "; and ".join(reasons))
        return None


def checks(front: Front) -> list[Middleware]:
    """What a request passes before anything else sees it, the outermost first.

    Raises:
        SettingsError: the token file can't be used.
    """
    ways: list[_Way] = [TokenFile(front.token_file)] if front.token_file else []
    if front.issuer and front.resource:
        ways.append(Issuer(front.issuer, front.audiences or [front.resource]))
    passed = [] if front.near else [Middleware(HttpsMiddleware)]
    if ways:
        passed += [
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(Access(*ways)), on_error=_unavailable),
            Middleware(AuthContextMiddleware),
            Middleware(TokenMiddleware, front.metadata_url),
        ]
    return passed


class HttpsMiddleware:
    """Lets requests in that came by https, to this server or to a proxy that it trusts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["scheme"] == "https":
            await self._app(scope, receive, send)
        else:
            why = "Requests bring tokens or keys here: they must come by https. Nothing was sent."
            await refusal(403, why)(scope, receive, send)


class TokenMiddleware:
    """Lets requests in whose token is good for something here.

    Args:
        app: what is behind it.
        metadata_url: where a client learns who makes tokens (RFC 9728); None: it can't.
    """

    def __init__(self, app: ASGIApp, metadata_url: str | None) -> None:
        self._app = app
        self._parameters = {"scope": " ".join(GRANTS)} | ({"resource_metadata": metadata_url} if metadata_url else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        user = scope["user"]
        if not isinstance(user, AuthenticatedUser):
            given = "authorization" in Headers(scope=scope)
            await self._challenge(401, "invalid_token" if given else None, "A token that lets you in is needed.")(
                scope, receive, send
            )
        elif not set(user.scopes) & set(GRANTS):
            why = f"The token has no scope among {' and '.join(GRANTS)}."
            await self._challenge(403, "insufficient_scope", why)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _challenge(self, status: int, error: str | None, why: str) -> Response:
        """An answer as RFC 6750, section 3 has it, with an error only to those who sent a token."""
        told = {"error": error, "error_description": why} if error else {}
        challenge = ", ".join(f'{name}="{value}"' for name, value in {**told, **self._parameters}.items())
        return JSONResponse(told, status, {"WWW-Authenticate": f"Bearer {challenge}"})


def _unavailable(_: HTTPConnection, error: AuthenticationError) -> Response:
    why = f"Your token can't be checked now: {error}. Nothing was sent; make the same call again a little later."
    return refusal(503, why, retry_after=int(APART))


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
