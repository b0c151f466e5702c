"""Which proxy an environment names for a host, by the names and rules that httpx2 reads. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx2

PORTS = 2**16


def proxy(environ: Mapping[str, str], host: str, port: int) -> httpx2.Proxy | None:
    """The proxy for an https origin; None: it is reached directly.

    Args:
        environ: HTTPS_PROXY, or else ALL_PROXY, and NO_PROXY, in small letters or, if there are none, in capitals.
        host: a name or an address.
        port: 1 to 65535.

    Raises:
        ValueError: what is named is no proxy that could be spoken to.
    """
    address = _named(environ, "https_proxy") or _named(environ, "all_proxy")
    excepted = [entry.strip() for entry in _named(environ, "no_proxy").split(",") if entry.strip()]
    if not address or any(_means(entry, host, port) for entry in excepted):
        return None
    try:
        found = httpx2.Proxy(address if "://" in address else f"http://{address}")
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from None
    if (found.url.port or 0) >= PORTS:
        raise ValueError(f"there is no port {found.url.port}")
    return found


def _named(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, environ.get(name.upper(), ""))


def _means(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means a host, as httpx2 reads it.

    It is an address, a network, a name with all under it, or (.name, *.name) only what is under it; * is every host. A
    port or a scheme before it narrows it.
    """
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of them is a name
        pass
    try:
        parts = urlsplit(entry if "://" in entry else f"//{entry}")
        fits = parts.scheme in {"", "https", "all"} and parts.port in {None, port}
    except ValueError:
        return False
    name = (parts.hostname or "").removeprefix("*")
    return fits and (name in {"", host} or host.endswith(f".{name.removeprefix('.')}"))
