"""The proxy that an environment names for a host, by the names and rules of httpx2. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx2

PORTS = 2**16


def proxy(environ: Mapping[str, str], host: str, port: int) -> httpx2.Proxy | None:
    """The proxy for an https origin; None: the origin is reached directly.

    Args:
        environ: HTTPS_PROXY, or else ALL_PROXY, and NO_PROXY, in small letters or, if there are none, in capitals.
        host: a name or an address.
        port: 1 to 65535.

    Raises:
        ValueError: the address of the proxy can't be used.
    """
    address = _variable(environ, "https_proxy") or _variable(environ, "all_proxy")
    exceptions = [entry.strip() for entry in _variable(environ, "no_proxy").split(",") if entry.strip()]
    if not address or any(_covers(entry, host, port) for entry in exceptions):
        return None
    try:
        server = httpx2.Proxy(address if "://" in address else f"http://{address}")
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from None
    if (server.url.port or 0) >= PORTS:
        raise ValueError(f"there is no port {server.url.port}")
    return server


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, environ.get(name.upper(), ""))


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY covers a host, by the rules of httpx2.

    An entry is an address, a network, a name that covers itself and all names below it, or .name and *.name, which
    cover only those below; * covers every host. A port, or a scheme before it, narrows it.
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
