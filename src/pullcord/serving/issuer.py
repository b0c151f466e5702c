"""Access tokens of an OAuth 2.1 issuer: JWTs, checked with the keys that the issuer publishes."""

import functools
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import jwt
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthenticationError

from pullcord.model.url import url_faults
from pullcord.serving.tokens import TokenRefusedError

_log = logging.getLogger(__name__)

_tls = functools.cache(partial(httpx2.create_ssl_context, trust_env=False))
"""The TLS context with the authorities that this machine trusts; making it takes a quarter of a second."""

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures with a private key only, so that the key that checks a token can't make one."""
LEEWAY = 30
"""Seconds by which the issuer's clock may differ."""
FRESH = 300.0
"""Seconds after which the issuer's keys are fetched again."""
STALE = 3600.0
"""Seconds after which the issuer's keys are not used any more where they can't be fetched again."""
APART = 10.0
"""Seconds between two fetches at least, whatever tokens arrive."""
FETCH_SECONDS = 5.0
"""Seconds of one fetch, at most."""
FETCH_BYTES = 256 * 1024
"""Bytes of an answer of the issuer, at most."""

_REASONS: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidAudienceError: "it was made for another audience than --audience names",
    jwt.InvalidIssuerError: "another issuer made it than --issuer names",
    jwt.MissingRequiredClaimError: "it lacks exp, iss or aud",
    jwt.InvalidAlgorithmError: "it is signed by an algorithm that is not taken",
    jwt.InvalidSignatureError: "its signature doesn't fit the issuer's key",
    jwt.DecodeError: "it is no JWT",
    jwt.PyJWTError: "it can't be checked",
}
"""Why a token is refused, by the first of PyJWT's errors that fits. Their own messages may quote the token."""

_TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})
"""The types of access tokens by RFC 9068, and the one that issuers wrote before it."""


class IssuerUnreachableError(AuthenticationError):
    """A token can't be checked, since the issuer's keys can't be fetched."""


class Issuer:
    """An OAuth 2.1 authorization server, whose access tokens are JWTs.

    Args:
        url: the issuer, as its tokens name it.
        audiences: the names of this server in its tokens, of which one is needed.
        transport: makes the transport to an address of it; None: it is reached directly.
        now: the time in seconds, from any start; for tests.
    """

    def __init__(
        self,
        url: str,
        audiences: Sequence[str],
        transport: Callable[[str], httpx2.AsyncBaseTransport] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._transport = transport or (lambda _: httpx2.AsyncHTTPTransport(verify=_tls()))
        self._audiences = audiences
        self._now = now
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._fetched = self._attempted = float("-inf")
        self._fetching = anyio.Lock()

    async def verify(self, token: str) -> AccessToken:
        """The caller and scopes of a token.

        Raises:
            TokenRefusedError: it is no valid access token for this server.
            IssuerUnreachableError: it names this issuer, whose keys can't be fetched.
        """
        try:
            header = jwt.get_unverified_header(token)
            if jwt.decode(token, options={"verify_signature": False}).get("iss") != self._url:
                raise jwt.InvalidIssuerError
            if str(header.get("typ", "JWT")).lower() not in _TYPES:
                raise TokenRefusedError("it is a JWT of another kind than an access token")
            claims = jwt.decode(
                token,
                await self._key(header.get("kid")),
                algorithms=ALGORITHMS,
                audience=self._audiences,
                issuer=self._url,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise TokenRefusedError(
                next(reason for kind, reason in _REASONS.items() if isinstance(error, kind))
            ) from None
        if "cnf" in claims:
            # Bound to a key that its sender must prove to hold (DPoP, mTLS): without that proof it may be stolen.
            raise TokenRefusedError("it is bound to a key, and was sent without a proof of it")
        return _access(claims)

    async def _key(self, kid: str | None) -> jwt.PyJWK:
        """The key that an id names.

        Raises:
            TokenRefusedError: the issuer has no such key.
            IssuerUnreachableError: the issuer's keys can't be fetched.
        """
        is_usable = self._now() - self._fetched < STALE
        is_fresh = self._now() - self._fetched < FRESH
        # While one request fetches, the others use the keys that are known.
        if not (is_fresh and kid in self._keys) and not (is_usable and kid in self._keys and self._fetching.locked()):
            async with self._fetching:
                if self._now() - self._attempted >= APART:
                    self._attempted = self._now()
                    await self._fetch()
        if self._now() - self._fetched < STALE and kid in self._keys:
            return self._keys[kid]
        if self._fetched < self._attempted:
            raise IssuerUnreachableError("the issuer's keys can't be fetched")
        raise TokenRefusedError("it is signed with a key that the issuer does not publish")

    async def _fetch(self) -> None:
        try:
            with anyio.fail_after(FETCH_SECONDS):
                self._keys = _keys(await self._get(await self._jwks_uri()))
            self._fetched = self._attempted
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError) as error:
            _log.warning("the keys of %s can't be fetched: %s", self._url, str(error) or "no answer came in time")

    async def _jwks_uri(self) -> str:
        """The address of the issuer's keys, from its metadata.

        Raises:
            ValueError: no metadata tells it.
        """
        for address in metadata_urls(self._url):
            try:
                metadata = await self._get(address)
            except ValueError:
                continue
            uri = metadata.get("jwks_uri")
            if metadata.get("issuer") == self._url and isinstance(uri, str) and not url_faults(uri.partition("?")[0]):
                return uri
        raise ValueError("it has no metadata that names it and its keys")

    async def _get(self, url: str) -> dict[str, Any]:
        """Fetch a JSON object.

        Raises:
            ValueError: the answer is no JSON object, or too large; the message may be logged.
            httpx2.HTTPError: no answer came.
        """
        content = bytearray()
        async with (
            httpx2.AsyncClient(transport=self._transport(url), trust_env=False, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json", "Accept-Encoding": "identity"}) as answer,
        ):
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > FETCH_BYTES:
                    raise ValueError(f"{url} answered with more than {FETCH_BYTES} bytes")
        if answer.status_code != httpx2.codes.OK:
            raise ValueError(f"{url} answered with status {answer.status_code}")
        value = json.loads(content)
        if not isinstance(value, dict):
            raise ValueError(f"{url} answered with no JSON object")  # noqa: TRY004 - what it sent is wrong, no argument
        return value


def metadata_urls(issuer: str) -> list[str]:
    """The addresses where an issuer's metadata may be, by RFC 8414 and OpenID Connect Discovery."""
    parts = urlsplit(issuer)
    root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return [
        f"{root}/.well-known/oauth-authorization-server{path}",
        f"{root}/.well-known/openid-configuration{path}",
        f"{root}{path}/.well-known/openid-configuration",
    ]


def _keys(jwks: Mapping[str, Any]) -> dict[str | None, jwt.PyJWK]:
    """The keys of a set that can check signatures, by their ids; a single key also by None, for tokens without an id.

    A key that can't be used is left out.
    """
    keys: dict[str | None, jwt.PyJWK] = {}
    members = jwks.get("keys")
    for each in members if isinstance(members, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or each.get("kty") == "oct":
            continue  # a symmetric key would make tokens, too
        try:
            key = jwt.PyJWK(each)
        except (jwt.PyJWTError, ValueError, TypeError, LookupError):
            continue
        if isinstance(each.get("kid"), str | None):
            keys.setdefault(key.key_id, key)
    return {None: next(iter(keys.values())), **keys} if len(keys) == 1 else keys


def _access(claims: Mapping[str, Any]) -> AccessToken:
    """The caller and scopes of a valid token, from its claims."""
    scope = claims.get("scope", claims.get("scp", ""))
    subject, client_id = (claims.get(name) for name in ("sub", "client_id"))
    return AccessToken(
        token="",
        client_id=str(client_id or claims.get("azp") or subject or "unnamed"),
        scopes=scope.split() if isinstance(scope, str) else [str(each) for each in _items(scope)],
        subject=subject if isinstance(subject, str) else None,
        claims={"iss": claims["iss"]},
    )


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else []
