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
from tests.serving.site import refused

from pullcord.serving import issuer as issuers
from pullcord.serving.issuer import APART, FRESH, STALE, Issuer, IssuerUnreachableError, metadata_urls

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
        known = await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token())
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
        known = await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token(**claims))
        assert (known.client_id, known.scopes) == (client, scopes)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": time.time() - 60}, "it has expired"),
        ({"exp": None}, "it lacks exp, iss or aud"),
        ({"nbf": time.time() + 3600}, "it is not valid yet"),
        ({"iss": "https://elsewhere.example"}, "another issuer made it than --issuer names"),
        ({"iss": None}, "another issuer made it than --issuer names"),
        (
            {"aud": "https://elsewhere.example/mcp"},
            "it was made for another audience than --audience names",
        ),
        ({"aud": None}, "it lacks exp, iss or aud"),
        ({"cnf": {"jkt": "x"}}, "it is bound to a key, and was sent without a proof of it"),
    ],
)
async def test_a_token_that_is_not_for_here_and_now_is_refused(claims: dict[str, Any], why: str) -> None:
    async with minting() as issuer:
        assert await refused(Issuer(issuer.url, [AUDIENCE]), issuer.token(**claims)) == why


async def test_an_audience_may_be_any_text_and_there_may_be_several() -> None:
    """Entra ID names an application by a GUID."""
    guid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    async with minting() as issuer:
        checks = Issuer(issuer.url, [guid, "api://pullcord"])
        for audience in (guid, "api://pullcord", ["other", guid]):
            await checks.verify(issuer.token(aud=audience))
        assert await refused(checks, issuer.token())


async def test_the_issuers_clock_may_differ_a_little() -> None:
    async with minting() as issuer:
        token = issuer.token(exp=time.time() - issuers.LEEWAY / 2, nbf=time.time() + issuers.LEEWAY / 2)
        await Issuer(issuer.url, [AUDIENCE]).verify(token)


@pytest.mark.parametrize("kind", ["logout+jwt", "JWE", 7])
async def test_only_access_tokens_count(kind: object) -> None:
    async with minting() as issuer:
        checks = Issuer(issuer.url, [AUDIENCE])
        await checks.verify(issuer.token(headers={"typ": "JWT"}))
        await checks.verify(issuer.token(headers={"typ": None}))
        token = issuer.token()
        head = jwt.utils.base64url_encode(f'{{"alg":"ES256","kid":"first","typ":{kind!r}}}'.replace("'", '"').encode())
        assert await refused(checks, f"{head.decode()}.{token.partition('.')[2]}")


async def test_keys_of_every_usual_kind_check_signatures() -> None:
    async with minting() as issuer:
        issuer.keys |= {
            "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ed": ed25519.Ed25519PrivateKey.generate(),
        }
        checks = Issuer(issuer.url, [AUDIENCE])
        for kid in issuer.keys:
            await checks.verify(issuer.token(kid))
        assert await refused(checks, issuer.token("rsa", {"kid": "first"}))
        assert await refused(checks, issuer.token("rsa", {"kid": None}))


async def test_a_set_of_one_key_needs_no_name_for_it() -> None:
    async with minting() as issuer:
        issuer.published = {"keys": [published(issuer.keys["first"])]}
        token = issuer.token(headers={"kid": None})
        assert "kid" not in jwt.get_unverified_header(token)
        await Issuer(issuer.url, [AUDIENCE]).verify(token)


async def test_a_secret_in_a_set_is_no_key() -> None:
    async with minting() as issuer:
        key = published(issuer.keys["first"])
        secret = {"kty": "oct", "k": jwt.utils.base64url_encode(b"s" * 32).decode()}
        issuer.published = {"keys": [key, {**secret, "kid": "secret"}]}
        # The other key is the only one, so that a token need not name it.
        await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token(headers={"kid": None}))
        issuer.published = {"keys": [{**key, "kid": "first"}, {**secret, "kid": "first"}]}
        await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token())


async def test_nobody_who_may_check_a_token_can_make_one() -> None:
    """Algorithm none, and HMAC with the public key: the two classic forgeries."""
    async with minting() as issuer:
        checks = Issuer(issuer.url, [AUDIENCE])
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
            assert await refused(checks, token)
        # Nor with a secret that the issuer publishes by mistake, nor with too short a key.
        issuer.published = {
            "keys": [
                {"kty": "oct", "kid": "secret", "k": jwt.utils.base64url_encode(b"s" * 32).decode()},
                {**published(issuer.keys["first"]), "kid": "sealing", "use": "enc"},
                {"kty": "new", "kid": "first"},
                "no key",
            ]
        }
        checks = Issuer(issuer.url, [AUDIENCE])
        for named in ("HS256", "RS256"):  # whatever algorithm it names
            head = jwt.utils.base64url_encode(json.dumps({"alg": named, "kid": "secret"}).encode()).decode()
            signed = f"{head}.{signed.partition('.')[2]}"
            seal = jwt.utils.base64url_encode(hmac.digest(b"s" * 32, signed.encode(), "sha256")).decode()
            assert await refused(checks, f"{signed}.{seal}")
        for kid in ("first", "sealing"):
            assert await refused(checks, issuer.token(headers={"kid": kid}))


ODD: list[object] = [
    {"kty": "EC", "crv": "P-256", "x": "!", "y": "!"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "EC", "crv": 7},
    {"kty": "RSA", "n": 1, "e": "AQAB"},
    {"kty": "RSA", "n": "AQAB"},
    {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
    {"kty": ["EC"]},
    {"kty": "EC", "alg": ["ES256"]},
    {"kty": "EC", "alg": "new"},
    {"kty": "oct"},
    {"kty": "oct", "k": "c2VjcmV0"},
    {},
    7,
    None,
]


@pytest.mark.parametrize("odd", ODD)
async def test_one_odd_key_of_a_set_shuts_out_nobody(odd: object) -> None:
    async with minting() as issuer:
        key = published(issuer.keys["first"])
        issuer.published = {"keys": [odd, {**key, "kid": ["first"]}, {**key, "kid": 7}, {**key, "kid": "first"}, odd]}
        await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token())


async def test_keys_are_kept_and_fetched_again_for_a_new_one_or_with_time_and_never_often() -> None:
    now = Watch()
    async with minting() as issuer:
        checks = Issuer(issuer.url, [AUDIENCE], now=now)
        for _ in range(3):
            await checks.verify(issuer.token())
        assert issuer.asked.count("/keys") == 1
        issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        assert await refused(checks, issuer.token("second"))  # just fetched
        now.now += APART
        await checks.verify(issuer.token("second"))
        assert issuer.asked.count("/keys") == 2
        for _ in range(50):
            assert await refused(checks, issuer.token(headers={"kid": "made up"}))
        assert issuer.asked.count("/keys") == 2
        del issuer.keys["second"]
        issuer.published = issuer.key_set()
        issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        now.now += FRESH
        await checks.verify(issuer.token())
        assert issuer.asked.count("/keys") == 3
        assert await refused(checks, issuer.token("second"))


async def test_while_the_issuer_is_down_its_keys_serve_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = Watch()
    async with minting() as issuer:
        checks = Issuer(issuer.url, [AUDIENCE], now=now)
        await checks.verify(issuer.token())
        issuer.down = True
        now.now += FRESH
        await checks.verify(issuer.token())
        with pytest.raises(IssuerUnreachableError):
            await checks.verify(issuer.token(headers={"kid": "new"}))
        now.now += STALE
        with pytest.raises(IssuerUnreachableError):
            await checks.verify(issuer.token())
        issuer.down = False
        with pytest.raises(IssuerUnreachableError):
            await checks.verify(issuer.token())  # asked only just now
        now.now += APART
        await checks.verify(issuer.token())
    assert {record.message for record in caplog.records if record.levelno == logging.WARNING} == {
        f"the keys of {issuer.url} can't be fetched: it has no metadata that names it and its keys"
    }


async def test_an_issuer_that_is_not_there_lets_nobody_in_and_says_nothing_of_the_token() -> None:
    checks = Issuer("http://127.0.0.1:9", [AUDIENCE])
    elsewhere = Mint()
    with pytest.raises(IssuerUnreachableError):
        await checks.verify(elsewhere.token(iss="http://127.0.0.1:9"))
    # What can't be its own is refused all the same.
    assert await refused(checks, elsewhere.token(iss="http://127.0.0.1:8"))
    assert await refused(checks, "pullcord_guess") == "it is no JWT"


async def test_while_one_request_fetches_the_others_do_with_what_is_known() -> None:
    now = Watch()
    async with minting() as issuer:
        checks = Issuer(issuer.url, [AUDIENCE], now=now)
        await checks.verify(issuer.token())
        now.now += FRESH
        known: list[object] = []

        async def verify() -> None:
            known.append(await checks.verify(issuer.token()))

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
        ({}, {"keys": [], "padding": "x" * issuers.FETCH_BYTES}),
    ],
)
async def test_metadata_and_keys_that_cant_be_trusted_let_nobody_in(
    metadata: dict[str, object], published: object
) -> None:
    async with minting() as issuer:
        issuer.metadata = metadata
        issuer.published = published
        with pytest.raises(IssuerUnreachableError):
            await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token())


@pytest.mark.parametrize("keys", ["none", [], None])
async def test_a_set_without_keys_lets_nobody_in(keys: object) -> None:
    async with minting() as issuer:
        issuer.published = {"keys": keys}
        why = await refused(Issuer(issuer.url, [AUDIENCE]), issuer.token())
        assert why == "it is signed with a key that the issuer does not publish"


async def test_metadata_may_stand_where_openid_connect_has_them() -> None:
    async with minting() as issuer:
        issuer.well_known = "/.well-known/openid-configuration"
        await Issuer(issuer.url, [AUDIENCE]).verify(issuer.token())


def test_an_issuer_with_a_path_has_its_metadata_in_three_places() -> None:
    assert metadata_urls("https://id.example/tenant/") == [
        "https://id.example/.well-known/oauth-authorization-server/tenant",
        "https://id.example/.well-known/openid-configuration/tenant",
        "https://id.example/tenant/.well-known/openid-configuration",
    ]
