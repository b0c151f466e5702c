"""An OAuth issuer on loopback: real keys, real tokens, real HTTP."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pullcord.serving.front import Front
from pullcord.serving.listening import listening

AUDIENCE = "https://pullcord.example/mcp"


Key: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class Mint:
    """Signs tokens, and publishes its keys.

    Attributes:
        url: the issuer.
        asked: the paths that were asked for.
        metadata: what its metadata say otherwise.
        keys: what it signs with, by id.
        published: the key set, where it isn't simply all keys.
        down: whether it answers nothing but 500.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.keys: dict[str, Key] = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.published: object = None
        self.down = False
        self.well_known = "/.well-known/oauth-authorization-server"
        self.app = Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        if self.down:
            return Response(status_code=500)
        if request.url.path == "/keys":
            return JSONResponse(self.key_set() if self.published is None else self.published)
        if request.url.path == self.well_known:
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.metadata})
        return JSONResponse({"error": "not found"}, 404)

    def key_set(self) -> dict[str, Any]:
        """Its keys, as a JWKS."""
        return {"keys": [published(key) | {"kid": kid} for kid, key in self.keys.items()]}

    def token(self, kid: str = "first", headers: Mapping[str, Any] | None = None, **claims: object) -> str:
        """Sign a token that is good unless its claims say otherwise; a claim that is None is left out."""
        key = self.keys[kid]
        all_claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "client_id": "desk",
            "scope": "observe cancel",
            "exp": time.time() + 60,
            **claims,
        }
        given = {name: value for name, value in all_claims.items() if value is not None}
        head = {"kid": kid, "typ": "at+jwt", **(headers or {})}
        if head["kid"] is None:
            del head["kid"]
        return jwt.encode(given, key, algorithm(key), headers=head)


def algorithm(key: Key) -> str:
    """How a key signs."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    return "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else "ES256"


def published(key: Key) -> dict[str, Any]:
    """The public half of a key, as a JWK."""
    name = algorithm(key)
    found: dict[str, Any] = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
    return {**found, "use": "sig"}


@asynccontextmanager
async def minting() -> AsyncIterator[Mint]:
    """Run an issuer."""
    mint = Mint()
    async with listening(mint.app, Front(port=0)) as origin:
        mint.url = origin
        yield mint
