"""What a base URL may be, and what this machine is called. Pure."""

import ipaddress
import re
from urllib.parse import urlsplit

_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?")
"""Nothing that a path could be lost in, and no way up."""


def url_faults(url: str) -> list[str]:
    """Why a base URL can't be used, in plain words; empty if it can."""
    if not _URL.fullmatch(url) or "/." in url:
        return ["the URL may hold a scheme, a host, a port and a path only; write https://host/path"]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return ["this is no URL; write https://host/path"]
    if parts.scheme == "http" and not is_loopback(host):
        return ["the URL must be https, or http to this machine (127.0.0.1): a key is sent there"]
    return []


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
