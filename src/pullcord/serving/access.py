"""Checks the callers over HTTP: their tokens, and what they may call.

A token is read here only; everything behind gets the caller's name and scopes.
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
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pullcord.config.surface import GRANTS, Surface
from pullcord.model.url import is_loopback
from pullcord.serving.front import Front
from pullcord.serving.issuer import APART, Issuer
from pullcord.serving.refusal import challenge, refusal
from pullcord.serving.tokens import TokenFile, TokenRefusedError

_INVALID = "The token that was sent is not valid here; the log of this server tells why."
_SCOPELESS = f"The token that was sent has no scope among {' and '.join(GRANTS)}."
_UNCHECKED = "Only this machine may call here, since callers are not checked. Nothing was sent."

_log = logging.getLogger(__name__)


class _Verifier(Protocol):
    """Checks tokens of one kind."""

    async def verify(self, token: str) -> AccessToken:
        """The caller and scopes of a token.

        Raises:
            TokenRefusedError: the token is not valid.
        """


class Access:
    """Checks tokens by several verifiers, of which one must accept a token. Why one is refused is logged."""

    def __init__(self, *verifiers: _Verifier) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        """The caller and scopes of a token; None: no verifier accepts it.

        Raises:
            IssuerUnreachableError: it can't be checked now.
        """
        reasons: list[str] = []
        for verifier in self._verifiers:
            try:
                return await verifier.verify(token)
            except TokenRefusedError as error:
                reasons.append(str(error))
        _log.warning("a token was refused: %s", "; and ".join(reasons))
        return None


def checks(front: Front) -> list[Middleware]:
    """The middleware that checks each request before anything else handles it, the outermost first.

    Raises:
        SettingsError: the token file can't be used.
    """
    verifiers: list[_Verifier] = [TokenFile(front.token_file)] if front.token_file else []
    if front.issuer and front.resource:
        verifiers.append(Issuer(front.issuer, front.audiences or [front.resource], front.transport))
    layers = [] if front.is_local else [Middleware(HttpsMiddleware)]
    if front.embedded:
        layers = [Middleware(LocalMiddleware, guarded=front.guarded)]
    if verifiers:
        layers += [
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(Access(*verifiers)), on_error=_unavailable),
            Middleware(AuthContextMiddleware),
            Middleware(TokenMiddleware, front.metadata_url),
        ]
    return layers


class HttpsMiddleware:
    """Refuses requests that did not come by https, to this server or to a proxy that it trusts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["scheme"] == "https":
            await self._app(scope, receive, send)
        else:
            message = "Requests bring tokens or keys here: they must come by https. Nothing was sent."
            await refusal(403, message)(scope, receive, send)


class LocalMiddleware:
    """Refuses requests from beyond this machine that come without https, or where callers need no token.

    Args:
        app: handles the others.
        guarded: whether callers need a token.
    """

    def __init__(self, app: ASGIApp, *, guarded: bool) -> None:
        self._app = app
        self._beyond = HttpsMiddleware(app) if guarded else refusal(403, _UNCHECKED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        client = scope.get("client")
        handle = self._app if client and is_loopback(client[0]) else self._beyond
        await handle(scope, receive, send)


class TokenMiddleware:
    """Refuses requests without a valid token, and those whose token has no scope of this server.

    Args:
        app: handles the others.
        metadata_url: where a client finds the issuer of tokens (RFC 9728); None: nowhere.
    """

    def __init__(self, app: ASGIApp, metadata_url: str | None) -> None:
        self._app = app
        self._parameters = {"scope": " ".join(GRANTS)} | ({"resource_metadata": metadata_url} if metadata_url else {})
        giver = "whoever runs this server" + (f", or the issuer that {metadata_url} names" if metadata_url else "")
        self._remedy = f"Nothing was sent. Send a token of {giver}, in the header Authorization, as: Bearer TOKEN."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        user = scope["user"]
        if isinstance(user, AuthenticatedUser):
            is_granted = not set(user.scopes).isdisjoint(GRANTS)
            answer = self._app if is_granted else self._refusal(403, _SCOPELESS, "insufficient_scope")
        elif Headers(scope=scope).get("authorization", "").lower().startswith("bearer "):
            answer = self._refusal(401, _INVALID, "invalid_token")
        else:
            answer = self._refusal(401, "A token is needed here.")
        await answer(scope, receive, send)

    def _refusal(self, status: int, what: str, error: str | None = None) -> Response:
        """The refusal by RFC 6750, section 3.1: with an error only for a request that sent a token."""
        code = {"error": error, "error_description": what} if error else {}
        return challenge(status, f"{what} {self._remedy}", {**code, **self._parameters})


def _unavailable(_: HTTPConnection, error: AuthenticationError) -> Response:
    message = f"Your token can't be checked now: {error}. Nothing was sent; make the same call again a little later."
    return refusal(503, message, retry_after=int(APART))


def view(surface: Surface, front: Front) -> Callable[[Request], Surface] | None:
    """What the sender of a request may call, and with which platform keys.

    Args:
        surface: what this server may call.
        front: tells whether callers have tokens, which limit each to the tools of its scopes, and whether requests
            bring keys, which are used for that request alone.

    Returns:
        A function that returns the surface of a request; None: it is the same for every request.
    """
    if not front.guarded and not front.caller_keys:
        return None
    # Made once, so that a request costs one look-up.
    by_grants = {
        grants: surface.granted(grants)
        for count in range(len(GRANTS) + 1)
        for grants in map(frozenset[str], itertools.combinations(GRANTS, count))
    }

    def of_request(request: Request) -> Surface:
        token = get_access_token()
        grants = frozenset(token.scopes if token else ()) & frozenset(GRANTS)
        callable_surface = by_grants[grants] if front.guarded else surface
        if not front.caller_keys:
            return callable_surface
        header_values = request.headers.getlist
        settings = {name: each.carrying(header_values) for name, each in callable_surface.settings.items()}
        return replace(callable_surface, settings=settings)

    return of_request
