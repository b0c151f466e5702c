"""Which proxy an environment names for a host."""

import pytest

from pullcord.upstream.proxy import proxy


@pytest.mark.parametrize(
    ("excepted", "host", "past"),
    [
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        ("example.com", "badexample.com", False),
        (".example.com", "api.example.com", True),
        (".example.com", "example.com", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "example.com", False),
        ("EXAMPLE.com", "example.com", True),
        ("localhost, example.com", "example.com", True),
        ("localhost,,", "example.com", False),
        ("example.com:8443", "example.com", True),
        ("example.com:443", "example.com", False),
        ("https://example.com", "example.com", True),
        ("http://example.com", "example.com", False),
        ("*", "example.com", True),
        ("localhost, *", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.30", False),
        ("fd00::/8", "fd00::1", True),
        ("[::1]", "::1", True),
        ("::1", "fd00::1", False),
        ("10.0.0.0/8", "fd00::1", False),
        ("example.com:x, [", "example.com", False),
    ],
)
def test_what_the_environment_excepts_from_its_proxy_is_reached_directly(
    excepted: str, host: str, *, past: bool
) -> None:
    environ = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": excepted}
    assert (proxy(environ, host, 8443) is None) is past


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://127.0.0.1:1"}, None),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"HTTPS_PROXY": "127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"ALL_PROXY": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"ALL_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:2"}, "http://127.0.0.1:2"),
        ({"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:2"}, "http://127.0.0.1:2"),
        ({"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": ""}, None),
    ],
)
def test_a_proxy_is_named_for_https_or_for_all_and_in_small_letters_first(
    environ: dict[str, str], found: str | None
) -> None:
    named = proxy(environ, "platform.example", 443)
    assert (str(named.url) if named else None) == found


@pytest.mark.parametrize("named", ["nonsense://127.0.0.1:1", "http://127.0.0.1:x", "http://127.0.0.1:99999"])
def test_what_is_no_proxy_is_refused(named: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        proxy({"HTTPS_PROXY": named}, "platform.example", 443)
