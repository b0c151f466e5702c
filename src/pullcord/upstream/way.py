"""The way to an origin: the certificates and the proxy that the environment names, by the names that httpx2 reads."""

import functools
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2

from pullcord.upstream.proxy import proxy

NO_PROXY = "the proxy that this machine's environment names can't be used"
"""Why nothing is sent."""
_HTTPS_PORT = 443


class WayError(ValueError):
    """The environment names a way that can't be used. Its message says why, in words that an agent may read."""


def way(environ: Mapping[str, str], host: str, port: int) -> tuple[ssl.SSLContext, httpx2.Proxy | None]:
    """The TLS context for an https origin, and the proxy by which it is reached; None: it is reached directly.

    Args:
        environ: names the certificates and the proxy.
        host: a name or an address.
        port: 1 to 65535.

    Raises:
        WayError: they can't be used.
    """
    try:
        certificates = trusted(environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR"))
    except OSError:
        raise WayError("the certificates that this machine's environment names can't be read") from None
    try:
        return certificates, proxy(environ, host, port)
    except ValueError:
        raise WayError(NO_PROXY) from None


def transport(environ: Mapping[str, str], url: str) -> httpx2.AsyncHTTPTransport:
    """A transport of httpx2 to an address; by a proxy only if it is https.

    Args:
        environ: names the certificates and the proxy.
        url: the address.

    Raises:
        WayError: they can't be used.
    """
    parts = urlsplit(url)
    if parts.scheme == "http":
        return httpx2.AsyncHTTPTransport(verify=trusted(None, None))
    certificates, server = way(environ, parts.hostname or "", parts.port or _HTTPS_PORT)
    try:
        return httpx2.AsyncHTTPTransport(verify=certificates, proxy=server)
    except ImportError:  # as for SOCKS without its package
        raise WayError(NO_PROXY) from None


@functools.cache
def trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The TLS context with the trusted authorities; making it takes a quarter of a second.

    Args:
        file: of certificates; None or empty: none is named.
        folder: of certificates, heeded where no file is named. Without both: the authorities that this machine trusts.

    Raises:
        OSError: they can't be read.
    """
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    return httpx2.create_ssl_context(trust_env=False)
