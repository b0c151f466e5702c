"""Streamable HTTP: the SDK's application, stateless and within bounds; how it is served, and how it ends.

Any replica answers any request. A request takes one of a bounded number of places only once its body is here, so that
a slow client holds none.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import uvicorn
from mcp.server.auth.routes import create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from pullcord.config.surface import GRANTS, Surface
from pullcord.model.errors import SettingsError
from pullcord.model.url import is_loopback, url_faults
from pullcord.serving.access import Access, Issuer, TokenFile, Verifier, view
from pullcord.serving.admission import BODY_LIMIT, PATH, Gate, Load
from pullcord.serving.stdio import until_signal

HEALTH = "/healthz"
READY = "/readyz"

IDLE_SECONDS = 60
"""Seconds that a connection may stay without a request; at most twice as many, if it dribbles one."""
SPARE = 64
"""Connections that may be open besides two for each call: idle ones, and probes."""
GRACE = 7.0
"""Seconds that calls have to finish once the server is told to end."""
CUT_OFF = 2.0
"""Seconds that cutting the others off may take."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How callers reach the server, and how they are checked."""

    host: str = "127.0.0.1"
    port: int = 8642
    hosts: Sequence[str] = ()
    """Names under which callers reach it, besides this machine's own."""
    origins: Sequence[str] = ()
    """Web pages' origins that may call it. A request without Origin comes from no web page."""
    tokens: Path | None = None
    """A file of them."""
    issuer: str | None = None
    audience: str | None = None
    caller_keys: bool = False
    certificate: Path | None = None
    private_key: Path | None = None
    proxies: Sequence[str] = ()
    """Addresses and networks of proxies that end TLS."""
    calls: int = 256
    """Requests that are handled at once; one that waits for work to end is one of them."""
    queue: int = 256
    """Further requests that wait for a place."""

    @property
    def guarded(self) -> bool:
        """Whether callers need a token."""
        return self.tokens is not None or self.issuer is not None

    @property
    def url(self) -> str:
        """Where the server listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}{PATH}"

    def faults(self) -> list[str]:
        """What can't be served like this."""
        near = is_loopback(self.host)
        checks = {
            f"--host {self.host}: beyond this machine, callers must be checked. Give --tokens FILE (`pullcord token`"
            " makes its lines), or --issuer URL and --audience URI; or listen on 127.0.0.1": near or self.guarded,
            "--allowed-host: name the host by which callers reach this server; beyond this machine there is no"
            " default": near or bool(self.hosts) or self.audience is not None,
            "--issuer and --audience: give both, or none": (self.issuer is None) == (self.audience is None),
            "--tls-cert and --tls-key: give both, or none": (self.certificate is None) == (self.private_key is None),
            "--caller-keys: beyond this machine, keys travel by https only. Give --tls-cert and --tls-key, or the"
            " --trusted-proxy that ends TLS": near or not self.caller_keys or bool(self.certificate or self.proxies),
        }
        checks |= {
            f"{option} {number}: write {least} or more": number >= least
            for option, number, least in (("--max-calls", self.calls, 1), ("--max-queue", self.queue, 0))
        }
        urls = {"--issuer": self.issuer, "--audience": self.audience}
        return [
            *(fault for fault, fine in checks.items() if not fine),
            *(f"{option} {url}: {fault}" for option, url in urls.items() if url for fault in url_faults(url)),
            *(
                f"--trusted-proxy {each}: this is no address and no network"
                for each in self.proxies
                if not _is_network(each)
            ),
        ]

    def verifier(self) -> Access | None:
        """What knows callers' tokens; None where they have none.

        Raises:
            SettingsError: the token file can't be used.
        """
        ways: list[Verifier] = [TokenFile(self.tokens)] if self.tokens else []
        if self.issuer and self.audience:
            ways.append(Issuer(self.issuer, self.audience))
        return Access(*ways) if ways else None

    def view(self, scope: Surface) -> Callable[[Request], Surface] | None:
        """What the sender of a request may call; None: every caller the same."""
        if not self.guarded and not self.caller_keys:
            return None
        return view(scope, checked=self.guarded, brought=self.caller_keys)

    def security(self) -> TransportSecuritySettings:
        """What Host and Origin may be. A web page that had its own name point here would send its own."""
        names = [*_LOOPBACK, self.host, *self.hosts, *([urlsplit(self.audience).netloc] if self.audience else [])]
        whole = [each for name in names for each in ([name] if _has_port(name) else [name, f"{name}:*"])]
        return TransportSecuritySettings(allowed_hosts=whole, allowed_origins=list(self.origins))


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


def reaches(scope: Surface) -> bool:
    """Whether any platform can be reached with the settings that there are."""
    return any(settings.obstacle is None for settings in scope.settings.values())


def application(server: Server[Any], front: Front, load: Load, *, ready: bool) -> Starlette:
    """The ASGI application.

    Args:
        server: what speaks MCP.
        front: who may reach it, and how.
        load: what it is doing.
        ready: whether any platform can be reached.

    Raises:
        SettingsError: the token file can't be used.
    """
    verifier = front.verifier()
    auth = _auth(front)

    async def health(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readiness(_: Request) -> Response:
        able = ready and not load.draining
        return JSONResponse({"ready": able, "configured": ready, "draining": load.draining}, 200 if able else 503)

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=BODY_LIMIT,
        transport_security=front.security(),
        auth=auth if verifier else None,
        token_verifier=verifier,
        custom_starlette_routes=[Route(HEALTH, health), Route(READY, readiness)],
    )
    if auth.resource_server_url:
        # Before the SDK's own, which would name as supported only what every token must have.
        app.router.routes[:0] = create_protected_resource_routes(
            auth.resource_server_url, [auth.issuer_url], list(GRANTS), "pullcord"
        )
    secure = front.caller_keys and not is_loopback(front.host)
    # Innermost: whose token it is, is known by then, and a stranger takes no place.
    app.user_middleware.append(Middleware(Gate, load, secure=secure))
    return app


def _auth(front: Front) -> AuthSettings:
    """What the SDK's checks need. Where tokens are static there is no issuer, and nothing shows this one."""
    # As strings: a URL made before would get a slash at its end, and issuers are compared by every character.
    return AuthSettings.model_validate(
        {
            "issuer_url": front.issuer or front.url,
            "resource_server_url": front.audience,
            "validate_token_resource": False,  # the verifier checks the audience
        }
    )


class _Connection(H11Protocol):
    """Uvicorn's, but no connection stays open for long without a request: not even one that dribbles its headers."""

    _watching: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watching.cancel()
        super().connection_lost(exc)

    def _watch(self, before: RequestResponseCycle | None) -> None:
        self._watching = self.loop.call_later(self.timeout_keep_alive, self._look, before)

    def _look(self, before: RequestResponseCycle | None) -> None:
        if self.transport.is_closing():
            self.transport.abort()  # its client doesn't take what it was sent
            return
        over = before is None or before.response_complete
        if over and self.cycle is before:
            self.transport.close()
        self._watch(self.cycle)


@asynccontextmanager
async def listening(app: ASGIApp, front: Front, *, idle: int = IDLE_SECONDS) -> AsyncIterator[str]:
    """Serve an application for as long as the block runs; what is under way at its end is cut off.

    Args:
        app: what to serve.
        front: where, and with which certificate.
        idle: seconds that a connection may stay without a request.

    Yields:
        Where MCP is served.

    Raises:
        SettingsError: the certificate can't be used, or it can't listen there.
    """
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=bool(front.proxies),
        forwarded_allow_ips=list(front.proxies),
        limit_concurrency=2 * (front.calls + front.queue) + SPARE,
        timeout_keep_alive=idle,
        timeout_graceful_shutdown=1,
        ssl_certfile=front.certificate,
        ssl_keyfile=front.private_key,
    )
    try:
        config.load()
    except OSError as error:  # ssl's errors are such, too
        files = f"--tls-cert {front.certificate}, --tls-key {front.private_key}"
        raise SettingsError([f"{files}: can't be used: {error.strerror or error}"]) from None
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with _listener(front) as listener:
        # Not server.serve(): it takes over the process's signals, and dies by them.
        await server.startup(sockets=[listener])
        try:
            yield replace(front, port=listener.getsockname()[1]).url
        finally:
            with anyio.move_on_after(CUT_OFF, shield=True):
                await server.shutdown(sockets=[listener])


async def serve(
    server: Server[Any], front: Front, say: Callable[[str], None], *, ready: bool, ending: anyio.Event
) -> int:
    """Serve until SIGTERM or SIGINT; then finish what is being handled, as far as there is time.

    Args:
        server: what speaks MCP.
        front: where, for whom, and how much at once.
        say: told where callers reach it.
        ready: whether any platform can be reached.
        ending: set then: whoever watches work tells what it has seen.

    Returns:
        The exit status: 0, or 1 if calls had to be cut off.

    Raises:
        SettingsError: a file can't be used, or it can't listen there.
    """
    load = Load(front.calls, front.queue)
    async with listening(application(server, front, load, ready=ready), front) as url:
        say(f"serving MCP at {url}")
        await until_signal()
        load.draining = True
        ending.set()
        with anyio.move_on_after(GRACE) as grace:
            await load.idle()
    if grace.cancelled_caught:
        say(f"calls were cut off that were not done {GRACE:.0f} s after the signal to end")
    return int(grace.cancelled_caught)


def _listener(front: Front) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(front.host, front.port, type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(cast("tuple[str, int]", address[:2]), family=family).detach()
    except OSError as error:
        raise SettingsError([f"--host {front.host} --port {front.port}: {error.strerror}"]) from None
    # asyncio switches Nagle's algorithm off only where a socket names its protocol. On, it costs 40 ms each.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=bound)
