"""Access tokens of an OAuth 2.1 issuer: JWTs, checked with the keys that the issuer publishes."""

import functools
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import jwt
from mcp.server.auth.provider import AccessToken

from pullcord.model.url import url_faults

_log = logging.getLogger(__name__)

_tls = functools.cache(httpx2.create_ssl_context)
"""The context for TLS, with the authorities that this machine trusts. It takes a quarter of a second."""

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures with a private key only: whoever may check a token must not be able to make one."""
LEEWAY = 30
"""Seconds that the issuer's clock may differ."""
FRESH = 300.0
"""Seconds after which the issuer's keys are fetched again."""
STALE = 3600.0
"""Seconds that they serve at most where that fails."""
APART = 10.0
"""Seconds between two fetches at least, whatever tokens arrive."""
FETCH_SECONDS = 5.0
FETCH_BYTES = 256 * 1024

# RFC 9068's, and what issuers wrote before it. Other types are no access tokens.
_TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})


class Issuer:
    """An OAuth 2.1 authorization server, whose access tokens are JWTs.

    Args:
        url: the issuer, as it stands in its tokens.
        audience: this server, as it stands in its tokens.
        now: the time in seconds, from any start; for tests.
    """

    def __init__(self, url: str, audience: str, now: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._audience = audience
        self._now = now
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._fetching = anyio.Lock()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None if it is no valid access token for this server."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"))
            if key is None or str(header.get("typ", "JWT")).lower() not in _TYPES:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._url,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            _log.info("a token was refused: %s", error)
            return None
        # Bound to a key that its sender must prove to hold (DPoP, mTLS): as a mere bearer token it may be stolen.
        return None if "cnf" in claims else _access(claims)

    async def _key(self, kid: str | None) -> jwt.PyJWK | None:
        usable = self._now() - self._fetched < STALE
        fresh = self._now() - self._fetched < FRESH
        # While one request fetches, the others do with what is known.
        if not (fresh and kid in self._keys) and not (usable and kid in self._keys and self._fetching.locked()):
            async with self._fetching:
                if self._now() - self._tried >= APART:
                    self._tried = self._now()
                    await self._fetch()
            usable = self._now() - self._fetched < STALE
        return self._keys.get(kid) if usable else None

    async def _fetch(self) -> None:
        try:
            with anyio.fail_after(FETCH_SECONDS):
                self._keys = _keys(await _get(await self._jwks_uri()))
                self._fetched = self._now()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError) as error:
            _log.warning("the keys of %s can't be fetched: %s", self._url, str(error) or "no answer came in time")

    async def _jwks_uri(self) -> str:
        """Where the issuer says that its keys are.

        Raises:
            ValueError: it doesn't say so.
        """
        for address in metadata_urls(self._url):
            try:
                metadata = await _get(address)
            except ValueError:
                continue
            uri = metadata.get("jwks_uri")
            if metadata.get("issuer") == self._url and isinstance(uri, str) and not url_faults(uri.partition("?")[0]):
                return uri
        raise ValueError("it has no metadata that names it and its keys")


def metadata_urls(issuer: str) -> list[str]:
    """Where an issuer's metadata may stand: RFC 8414, and OpenID Connect Discovery."""
    parts = urlsplit(issuer)
    root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return [
        f"{root}/.well-known/oauth-authorization-server{path}",
        f"{root}/.well-known/openid-configuration{path}",
        f"{root}{path}/.well-known/openid-configuration",
    ]


async def _get(url: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: in words that can be logged: the answer is none, or too large.
        httpx2.HTTPError: no answer came.
    """
    # Plain http is for this machine only, and never goes by a proxy.
    mounts = {"http://": httpx2.AsyncHTTPTransport(verify=_tls())}
    content = bytearray()
    async with (
        httpx2.AsyncClient(verify=_tls(), mounts=mounts, follow_redirects=False) as client,
        client.stream("GET", url, headers={"Accept": "application/json", "Accept-Encoding": "identity"}) as answer,
    ):
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > FETCH_BYTES:
                raise ValueError(f"{url} answered with more than {FETCH_BYTES} bytes")
    if answer.status_code != httpx2.codes.OK:
        raise ValueError(f"{url} answered with status {answer.status_code}")
    parsed = json.loads(content)
    if not isinstance(parsed, dict):
        raise ValueError(f"{url} answered with no JSON object")  # noqa: TRY004 - what it sent is wrong, no argument
    return parsed


def _keys(jwks: Mapping[str, Any]) -> dict[str | None, jwt.PyJWK]:
    """The keys of a set that can check signatures, by their ids. A token without an id takes the only one."""
    found: dict[str | None, jwt.PyJWK] = {}
    given = jwks.get("keys")
    for each in given if isinstance(given, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or each.get("kty") == "oct":
            continue  # a symmetric key would make tokens, too
        try:
            key = jwt.PyJWK(each)
        except jwt.PyJWTError:
            continue  # of a kind that nobody here knows
        found[key.key_id] = key
    return {None: next(iter(found.values())), **found} if len(found) == 1 else found


def _access(claims: Mapping[str, Any]) -> AccessToken:
    """What a valid token says."""
    given = claims.get("scope", claims.get("scp", ""))
    subject, client = (claims.get(name) for name in ("sub", "client_id"))
    return AccessToken(
        token="",
        client_id=str(client or claims.get("azp") or subject or "unnamed"),
        scopes=given.split() if isinstance(given, str) else [str(each) for each in _listed(given)],
        subject=subject if isinstance(subject, str) else None,
        claims={"iss": claims["iss"]},
    )


def _listed(given: object) -> Iterable[object]:
    return given if isinstance(given, list) else []
