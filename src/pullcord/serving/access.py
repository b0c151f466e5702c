"""Who may call what, over HTTP: tokens of a file, JWTs of an issuer, and the platform keys that a request brings.

A caller's token ends here: what goes on from here is its name and its scopes.
"""

import functools
import hashlib
import hmac
import itertools
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import anyio
import httpx2
import jwt
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from pullcord.config.surface import GRANTS, Surface
from pullcord.model.errors import SettingsError
from pullcord.model.url import url_faults

_log = logging.getLogger(__name__)

_tls = functools.cache(httpx2.create_ssl_context)
"""The context for TLS, with the authorities that this machine trusts. It takes a quarter of a second."""

PREFIX = "pullcord_"
"""Begins every token, so that a leaked one is found."""

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Grant:
    """A line of a token file."""

    name: str
    scopes: tuple[str, ...]
    digest: str
    """The SHA-256 of the token. It is random and long, so that no slower hash is needed."""


def mint(name: str, scopes: Collection[str]) -> tuple[str, str]:
    """A new token.

    Returns:
        The token, and its line for a token file.

    Raises:
        SettingsError: the name fits no line.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError([f"{name!r} is no name; write up to 64 letters, digits, dots, hyphens, underscores or @"])
    token = PREFIX + secrets.token_urlsafe(32)
    return token, f"{name}:{','.join(scopes)}:{_digest(token)}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class TokenFile:
    """Tokens that an operator handed out. The file is read again whenever it changes.

    A line that can't be used lets nobody in, and a file that can't be read lets nobody in at all.

    Args:
        path: the file: lines of name:scopes:sha256, empty lines, and comments that begin with #.

    Raises:
        SettingsError: with every fault that the file has now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._grants: tuple[Grant, ...] = ()
        self._read_as: tuple[int, ...] | None = None
        if faults := self._reload():
            raise SettingsError(faults)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is. Every line is compared, each in constant time: how long it takes tells nothing."""
        for fault in self._reload():
            _log.error("%s", fault)
        digest = _digest(token)
        fit = [grant for grant in self._grants if hmac.compare_digest(grant.digest, digest)]
        return AccessToken(token="", client_id=fit[0].name, scopes=[*fit[0].scopes]) if fit else None

    def _reload(self) -> list[str]:
        """Read the file if it isn't the one that was read last; what is newly wrong with it."""
        try:
            now = self._path.stat()
            if self._read_as == (now.st_ino, now.st_size, now.st_mtime_ns):
                return []
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            known, self._read_as, self._grants = self._read_as == (), (), ()
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            return [] if known else [f"--tokens {self._path}: the file can't be read: {reason}"]
        self._read_as = (now.st_ino, now.st_size, now.st_mtime_ns)
        read = {number: _grant(line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"}
        self._grants = tuple(grant for grant in read.values() if grant)
        return [
            f"--tokens {self._path}:{number}: this is no name:scopes:sha256; write what `pullcord token` prints"
            for number, grant in read.items()
            if not grant
        ]


def _grant(line: str) -> Grant | None:
    name, _, rest = line.strip().partition(":")
    scopes, _, digest = rest.partition(":")
    given = tuple(scopes.split(","))
    fits = _NAME.fullmatch(name) and set(given) <= set(GRANTS) and _DIGEST.fullmatch(digest)
    return Grant(name, given, digest) if fits else None


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


class Verifier(Protocol):
    """Knows tokens."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is."""


class Access:
    """Every way in: a token counts that one of them knows."""

    def __init__(self, *ways: Verifier) -> None:
        self._ways = ways

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is."""
        for way in self._ways:
            if known := await way.verify_token(token):
                return known
        return None


def view(scope: Surface, *, checked: bool, brought: bool) -> Callable[[Request], Surface]:
    """What the sender of a request may call, and with which keys.

    Args:
        scope: what this server may call.
        checked: whether callers have tokens: each sees the tools of its scopes only.
        brought: whether requests bring keys: each is called with its own only.
    """
    # Made once: a request costs a look-up.
    by_grants = {
        grants: scope.granted(grants)
        for count in range(len(GRANTS) + 1)
        for grants in map(frozenset[str], itertools.combinations(GRANTS, count))
    }

    def seen(request: Request) -> Surface:
        token = get_access_token()
        granted = frozenset(token.scopes if token else ()) & frozenset(GRANTS)
        mine = by_grants[granted] if checked else scope
        if not brought:
            return mine
        given = request.headers.getlist
        settings = {name: each.carrying(given) for name, each in mine.settings.items()}
        return replace(mine, settings=settings)

    return seen
