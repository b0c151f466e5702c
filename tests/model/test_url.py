"""Base URLs: what may be one, and to whom a key may go over plain http."""

import pytest

from pullcord.model.url import is_loopback, url_faults


@pytest.mark.parametrize(
    "url",
    [
        "https://platform.example",
        "https://platform.example:8443/api/v1/",
        "https://[2001:db8::1]/api",
        "http://127.0.0.1:2024",
        "http://[::1]:1/x",
        "http://localhost",
    ],
)
def test_https_anywhere_and_http_to_this_machine_are_taken(url: str) -> None:
    assert url_faults(url) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://platform.example", "may hold a scheme, a host, a port and a path only"),
        ("https://platform.example/api?x=1", "may hold a scheme, a host, a port and a path only"),
        ("https://platform.example/../x", "may hold a scheme, a host, a port and a path only"),
        ("https://[:::]/x", "this is no URL"),
        ("https://platform.example:99999", "this is no URL"),
        ("http://platform.example", "must be https, or http to this machine (127.0.0.1): a key is sent there"),
    ],
)
def test_anything_else_is_told_in_one_sentence(url: str, said: str) -> None:
    (fault,) = url_faults(url)
    assert said in fault


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("http://flower", True),
        ("http://a.svc.cluster.local", True),
        ("http://svc.cluster.local", False),
        ("http://evilsvc.cluster.local", False),
        ("http://other", False),
    ],
)
def test_plain_http_goes_to_the_hosts_that_the_operator_names(url: str, *, taken: bool) -> None:
    faults = url_faults(url, ["flower", "*.svc.cluster.local"])
    assert (faults == []) is taken
    assert all("or to a host that PULLCORD_PLAIN_HTTP names" in fault for fault in faults)


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("x", False)],
)
def test_this_machine_is_known_by_name_and_address(host: str, *, here: bool) -> None:
    assert is_loopback(host) is here
