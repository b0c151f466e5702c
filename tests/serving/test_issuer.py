"""JWTs of an issuer: which let somebody in, and how the keys that check them are had."""

import hmac
import json
import logging
import time
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.serving.mint import AUDIENCE, Mint, minting, published

from pullcord.serving import issuer as issuers
from pullcord.serving.issuer import APART, FRESH, STALE, Issuer, metadata_urls

pytestmark = pytest.mark.anyio


class Watch:
    """Seconds that only a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_good_token_of_the_issuer_tells_who_calls_and_what_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # to this machine no proxy is asked
    async with minting() as issuer:
        known = await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token())
        assert known
        assert (known.client_id, known.subject, known.scopes) == ("desk", "ada", ["observe", "cancel"])
        assert known.claims == {"iss": issuer.url}
        assert known.token == ""


@pytest.mark.parametrize(
    ("claims", "client", "scopes"),
    [
        ({"scope": None, "scp": ["observe"]}, "desk", ["observe"]),
        ({"scope": None, "scp": "cancel"}, "desk", ["cancel"]),
        ({"scope": None}, "desk", []),
        ({"scope": 7}, "desk", []),
        ({"client_id": None, "azp": "web"}, "web", ["observe", "cancel"]),
        ({"client_id": None}, "ada", ["observe", "cancel"]),
        ({"client_id": None, "sub": None}, "unnamed", ["observe", "cancel"]),
        ({"aud": ["https://other.example", AUDIENCE]}, "desk", ["observe", "cancel"]),
    ],
)
async def test_issuers_write_the_same_in_several_ways(claims: dict[str, Any], client: str, scopes: list[str]) -> None:
    async with minting() as issuer:
        known = await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token(**claims))
        assert known
        assert (known.client_id, known.scopes) == (client, scopes)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": time.time() - 60},
        {"exp": None},
        {"nbf": time.time() + 3600},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "https://elsewhere.example/mcp"},
        {"aud": None},
        {"cnf": {"jkt": "x"}},
    ],
)
async def test_a_token_that_is_not_for_here_and_now_is_refused(claims: dict[str, Any]) -> None:
    async with minting() as issuer:
        assert await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token(**claims)) is None


async def test_the_issuers_clock_may_differ_a_little() -> None:
    async with minting() as issuer:
        token = issuer.token(exp=time.time() - issuers.LEEWAY / 2, nbf=time.time() + issuers.LEEWAY / 2)
        assert await Issuer(issuer.url, AUDIENCE).verify_token(token)


@pytest.mark.parametrize("kind", ["logout+jwt", "JWE", 7])
async def test_only_access_tokens_count(kind: object) -> None:
    async with minting() as issuer:
        checks = Issuer(issuer.url, AUDIENCE)
        assert await checks.verify_token(issuer.token(headers={"typ": "JWT"}))
        assert await checks.verify_token(issuer.token(headers={"typ": None}))
        token = issuer.token()
        head = jwt.utils.base64url_encode(f'{{"alg":"ES256","kid":"first","typ":{kind!r}}}'.replace("'", '"').encode())
        assert await checks.verify_token(f"{head.decode()}.{token.partition('.')[2]}") is None


async def test_keys_of_every_usual_kind_check_signatures() -> None:
    async with minting() as issuer:
        issuer.keys |= {
            "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ed": ed25519.Ed25519PrivateKey.generate(),
        }
        checks = Issuer(issuer.url, AUDIENCE)
        for kid in issuer.keys:
            assert await checks.verify_token(issuer.token(kid))
        assert await checks.verify_token(issuer.token("rsa", {"kid": "first"})) is None
        assert await checks.verify_token(issuer.token("rsa", {"kid": None})) is None


async def test_a_set_of_one_key_needs_no_name_for_it() -> None:
    async with minting() as issuer:
        issuer.published = {"keys": [published(issuer.keys["first"])]}
        token = issuer.token(headers={"kid": None})
        assert "kid" not in jwt.get_unverified_header(token)
        assert await Issuer(issuer.url, AUDIENCE).verify_token(token)


async def test_a_secret_in_a_set_is_no_key() -> None:
    async with minting() as issuer:
        key = published(issuer.keys["first"])
        secret = {"kty": "oct", "k": jwt.utils.base64url_encode(b"s" * 32).decode()}
        issuer.published = {"keys": [key, {**secret, "kid": "secret"}]}
        # The other key is the only one, so that a token need not name it.
        assert await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token(headers={"kid": None}))
        issuer.published = {"keys": [{**key, "kid": "first"}, {**secret, "kid": "first"}]}
        assert await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token())


async def test_nobody_who_may_check_a_token_can_make_one() -> None:
    """Algorithm none, and HMAC with the public key: the two classic forgeries."""
    async with minting() as issuer:
        checks = Issuer(issuer.url, AUDIENCE)
        claims = jwt.decode(issuer.token(), options={"verify_signature": False})
        public = issuer.keys["first"].public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        signed = jwt.encode(claims, "s" * 32, "HS256", headers={"kid": "first"}).rpartition(".")[0]
        seal = jwt.utils.base64url_encode(hmac.digest(pem, signed.encode(), "sha256")).decode()
        forged = [
            jwt.encode(claims, "", "none", headers={"kid": "first"}),
            f"{signed}.{seal}",
            issuer.token()[:-4] + "AAAA",
            "no.token.at-all",
            "",
        ]
        for token in forged:
            assert await checks.verify_token(token) is None
        # Nor with a secret that the issuer publishes by mistake, nor with too short a key.
        issuer.published = {
            "keys": [
                {"kty": "oct", "kid": "secret", "k": jwt.utils.base64url_encode(b"s" * 32).decode()},
                {**published(issuer.keys["first"]), "kid": "sealing", "use": "enc"},
                {"kty": "new", "kid": "first"},
                "no key",
            ]
        }
        checks = Issuer(issuer.url, AUDIENCE)
        for named in ("HS256", "RS256"):  # whatever algorithm it names
            head = jwt.utils.base64url_encode(json.dumps({"alg": named, "kid": "secret"}).encode()).decode()
            signed = f"{head}.{signed.partition('.')[2]}"
            seal = jwt.utils.base64url_encode(hmac.digest(b"s" * 32, signed.encode(), "sha256")).decode()
            assert await checks.verify_token(f"{signed}.{seal}") is None
        for kid in ("first", "sealing"):
            assert await checks.verify_token(issuer.token(headers={"kid": kid})) is None


async def test_keys_are_kept_and_fetched_again_for_a_new_one_or_with_time_and_never_often() -> None:
    now = Watch()
    async with minting() as issuer:
        checks = Issuer(issuer.url, AUDIENCE, now)
        for _ in range(3):
            assert await checks.verify_token(issuer.token())
        assert issuer.asked.count("/keys") == 1
        issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        assert await checks.verify_token(issuer.token("second")) is None  # just fetched
        now.now += APART
        assert await checks.verify_token(issuer.token("second"))
        assert issuer.asked.count("/keys") == 2
        for _ in range(50):
            assert await checks.verify_token(issuer.token(headers={"kid": "made up"})) is None
        assert issuer.asked.count("/keys") == 2
        del issuer.keys["second"]
        issuer.published = issuer.key_set()
        issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        now.now += FRESH
        assert await checks.verify_token(issuer.token())
        assert issuer.asked.count("/keys") == 3
        assert await checks.verify_token(issuer.token("second")) is None


async def test_while_the_issuer_is_down_its_keys_serve_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = Watch()
    async with minting() as issuer:
        checks = Issuer(issuer.url, AUDIENCE, now)
        assert await checks.verify_token(issuer.token())
        issuer.down = True
        now.now += FRESH
        assert await checks.verify_token(issuer.token())
        now.now += STALE
        assert await checks.verify_token(issuer.token()) is None
        issuer.down = False
        assert await checks.verify_token(issuer.token()) is None  # asked only just now
        now.now += APART
        assert await checks.verify_token(issuer.token())
    assert {record.message for record in caplog.records if record.levelno == logging.WARNING} == {
        f"the keys of {issuer.url} can't be fetched: it has no metadata that names it and its keys"
    }


async def test_an_issuer_that_is_not_there_lets_nobody_in() -> None:
    checks = Issuer("http://127.0.0.1:9", AUDIENCE)
    elsewhere = Mint()
    assert await checks.verify_token(elsewhere.token(iss="http://127.0.0.1:9")) is None


async def test_while_one_request_fetches_the_others_do_with_what_is_known() -> None:
    now = Watch()
    async with minting() as issuer:
        checks = Issuer(issuer.url, AUDIENCE, now)
        assert await checks.verify_token(issuer.token())
        now.now += FRESH
        known: list[object] = []

        async def verify() -> None:
            known.append(await checks.verify_token(issuer.token()))

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(verify)
        assert len(known) == 20
        assert all(known)
        assert issuer.asked.count("/keys") == 2


@pytest.mark.parametrize(
    ("metadata", "published"),
    [
        ({"issuer": "https://elsewhere.example"}, None),
        ({"jwks_uri": "http://elsewhere.example/keys"}, None),
        ({"jwks_uri": 7}, None),
        ({}, ["keys"]),
        ({}, {"keys": "none"}),
    ],
)
async def test_metadata_and_keys_that_cant_be_trusted_let_nobody_in(
    metadata: dict[str, object], published: object
) -> None:
    async with minting() as issuer:
        issuer.metadata = metadata
        issuer.published = published
        assert await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token()) is None


async def test_keys_are_read_only_up_to_a_limit() -> None:
    async with minting() as issuer:
        issuer.published = {**issuer.key_set(), "padding": "x" * issuers.FETCH_BYTES}
        assert await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token()) is None


async def test_metadata_may_stand_where_openid_connect_has_them() -> None:
    async with minting() as issuer:
        issuer.well_known = "/.well-known/openid-configuration"
        assert await Issuer(issuer.url, AUDIENCE).verify_token(issuer.token())


def test_an_issuer_with_a_path_has_its_metadata_in_three_places() -> None:
    assert metadata_urls("https://id.example/tenant/") == [
        "https://id.example/.well-known/oauth-authorization-server/tenant",
        "https://id.example/.well-known/openid-configuration/tenant",
        "https://id.example/tenant/.well-known/openid-configuration",
    ]
