"""How callers reach the server over HTTP, and the faults of that."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from pullcord.model.url import is_loopback, url_faults

MAX_CALLS = MAX_QUEUE = 256
PATH = "/mcp"
"""Where MCP is served."""

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How callers reach the server, how they are checked, and how many at once: the options of `serve --http`."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 8642
    """0: a free one."""
    allowed_hosts: Sequence[str] = ()
    """Values of the header Host besides this machine's own names; a name without a port allows every port."""
    allowed_origins: Sequence[str] = ()
    """Origins of web pages that may call. A request without Origin comes from no web page."""
    token_file: Path | None = None
    """The file of tokens that the operator handed out, as `tokens.TokenFile` reads it."""
    issuer: str | None = None
    """The URL of an OAuth issuer whose access tokens are accepted, too."""
    audiences: Sequence[str] = ()
    """Audiences of those tokens, of which one is needed; empty: the resource."""
    resource: str | None = None
    """This server's public URL, by which clients find the issuer."""
    caller_keys: bool = False
    """Whether each request brings its own platform keys."""
    certificate: Path | None = None
    private_key: Path | None = None
    trusted_proxies: Sequence[str] = ()
    """Addresses and networks of proxies that end TLS."""
    max_calls: int = MAX_CALLS
    """Requests that are handled at once; one that only watches work is none of them."""
    max_queue: int = MAX_QUEUE
    """Further requests that wait for a place."""
    probes: int | None = None
    """A port of their own for probes, by http; 0: a free one."""
    embedded: bool = False
    """Whether another program listens: then each request tells whence it comes."""
    transport: Callable[[str], httpx2.AsyncBaseTransport] | None = None
    """Makes the transport to an address of the issuer; None: it is reached directly."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def guarded(self) -> bool:
        """Whether callers need a token."""
        return self.token_file is not None or self.issuer is not None

    @property
    def origin(self) -> str:
        """The origin of the server's addresses: scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"

    @property
    def metadata_url(self) -> str | None:
        """The address where clients find the issuer of tokens (RFC 9728, section 3.1); None: there is none."""
        if self.resource is None:
            return None
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path.rstrip('/')}"

    def faults(self) -> list[str]:
        """Why the server can't start so, a line for each reason, with the option to change; empty if it can."""
        is_secure = bool(self.certificate or self.trusted_proxies)
        conditions = {
            f"--host {self.host}: beyond this machine, callers must be checked. Give --tokens FILE (`pullcord token`"
            " makes its lines), or --issuer URL and --resource URL; or listen on 127.0.0.1": self.is_local
            or self.guarded,
            f"--host {self.host}: beyond this machine, tokens and keys travel by https only. Give --tls-cert and"
            " --tls-key, or the --trusted-proxy that ends TLS": self.is_local or is_secure,
            "--allowed-host: name the host by which callers reach this server; beyond this machine there is no"
            " default": self.is_local or bool(self.allowed_hosts) or self.resource is not None,
            "--issuer and --resource: give both, or none": (self.issuer is None) == (self.resource is None),
            "--audience: only with --issuer": not self.audiences or self.issuer is not None,
            "--tls-cert and --tls-key: give both, or none": (self.certificate is None) == (self.private_key is None),
        }
        conditions |= {
            f"{option} {number}: write {least} or more": number >= least
            for option, number, least in (("--max-calls", self.max_calls, 1), ("--max-queue", self.max_queue, 0))
        }
        conditions |= {
            f"--allowed-origin {each}: this is no origin; write https://host or https://host:port": bool(
                _ORIGIN.fullmatch(each)
            )
            for each in self.allowed_origins
        }
        conditions |= {
            f"--trusted-proxy {each}: this is no address and no network": _is_network(each)
            for each in self.trusted_proxies
        }
        urls = {"--issuer": self.issuer, "--resource": self.resource}
        return [
            *(fault for fault, holds in conditions.items() if not holds),
            *(f"{option} {url}: {fault}" for option, url in urls.items() if url for fault in url_faults(url)),
        ]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
