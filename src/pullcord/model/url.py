"""What a base URL may be, and what this machine is called. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

PLAIN_HTTP = "PULLCORD_PLAIN_HTTP"
"""The variable in which an operator names hosts that are reached over plain http."""
_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?")
"""Without a query and a fragment, which would swallow the path behind them, and without "..", which leads upwards."""


def url_faults(url: str, plain: Sequence[str] | None = None) -> list[str]:
    """Why a base URL can't be used, in plain words; empty if it can.

    Args:
        url: the base URL.
        plain: hosts beyond this machine that may be reached over plain http, in small letters: names, addresses, and
            *.name for all below a name; None: they can't be named here, so the fault does not propose it.
    """
    if not _URL.fullmatch(url) or "/." in url:
        return ["the URL may hold a scheme, a host, a port and a path only; write https://host/path"]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return ["this is no URL; write https://host/path"]
    if parts.scheme == "http" and not is_loopback(host) and not any(_covers(each, host) for each in plain or ()):
        remedy = "" if plain is None else f" or to a host that {PLAIN_HTTP} names"
        return [f"the URL must be https, or http to this machine (127.0.0.1){remedy}: a key is sent there"]
    return []


def _covers(pattern: str, host: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
