"""MCP over Streamable HTTP: the SDK's application, stateless, for those who may call it; served until a signal.

Any replica answers any request. A request takes one of a bounded number of places only once its body is here, so that
a slow client holds none.
"""

import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pullcord.config.surface import GRANTS, Surface
from pullcord.serving.access import checks
from pullcord.serving.admission import BODY_LIMIT, Admission, AdmissionMiddleware
from pullcord.serving.connections import Bounds, bounds, open_files
from pullcord.serving.front import PATH, Front
from pullcord.serving.listening import listening
from pullcord.serving.signals import ending_signals

HEALTH = "/healthz"
"""Answers 200 as long as the process lives."""
READY = "/readyz"
"""Answers 200 while a platform can be reached and calls are taken, and 503 otherwise."""

GRACE = 7.0
"""Seconds that calls have to finish once the server is told to end."""

PROBES = Bounds(total=32, share=32, idle=5.0)
"""What connections to the probes' own port may take up."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def reaches(surface: Surface) -> bool:
    """Whether any platform can be reached with the settings that there are."""
    return any(settings.obstacle is None for settings in surface.settings.values())


def application(server: Server[Any], front: Front, admission: Admission, *, ready: bool) -> Starlette:
    """The ASGI application.

    Args:
        server: what speaks MCP.
        front: who may reach it, and how.
        admission: how many may at once.
        ready: whether any platform can be reached.

    Raises:
        SettingsError: the token file can't be used.
    """
    server.middleware.append(admission.handle)
    sessions = StreamableHTTPSessionManager(
        server, stateless=True, security_settings=_security(front), max_request_body_size=BODY_LIMIT
    )
    layers = [
        Middleware(SmallLettersMiddleware),
        *checks(front),
        # Innermost: whose token it is, is known by then, and a stranger takes no place.
        Middleware(AdmissionMiddleware, admission),
    ]
    if front.allowed_origins:
        layers.insert(0, _readable(front.allowed_origins))
    served = StreamableHTTPASGIApp(sessions)
    app = Starlette(
        routes=[
            *(Route(path, served, middleware=layers) for path in (PATH, f"{PATH}/")),
            *_metadata(front),
            *probes(admission, ready=ready),
        ],
        lifespan=lambda _: sessions.run(),
    )
    app.router.redirect_slashes = False  # a redirect would lead where the request's header Host says
    return app


def _readable(origins: Sequence[str]) -> Middleware:
    """Lets pages of these origins, and no others, read what they are answered (CORS); whatever headers they send."""
    return Middleware(
        CORSMiddleware,
        allow_origins=_small(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["WWW-Authenticate", "Retry-After"],
        allow_private_network=True,
    )


def _metadata(front: Front) -> list[Route]:
    """Who makes tokens for this server, for clients and for any page to read: RFC 9728."""
    if front.metadata_url is None:
        return []
    metadata = {
        "resource": front.resource,
        "authorization_servers": [front.issuer],
        "scopes_supported": list(GRANTS),
        "bearer_methods_supported": ["header"],
        "resource_name": "pullcord",
    }

    async def tell(_: Request) -> Response:
        return JSONResponse(metadata)

    anybody = Middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["MCP-Protocol-Version"])
    return [Route(urlsplit(front.metadata_url).path, tell, middleware=[anybody])]


def probes(admission: Admission, *, ready: bool) -> list[Route]:
    """What probes ask: whether the process lives, and whether it takes calls.

    Args:
        admission: tells whether it is ending.
        ready: whether any platform can be reached.
    """

    async def health(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readiness(_: Request) -> Response:
        able = ready and not admission.draining
        return JSONResponse({"ready": able, "configured": ready, "draining": admission.draining}, 200 if able else 503)

    return [Route(HEALTH, health), Route(READY, readiness)]


def _security(front: Front) -> TransportSecuritySettings:
    """What Host and Origin may be. A web page that had its own name point here would send its own."""
    public = [urlsplit(front.resource).netloc] if front.resource else []
    names = _small([*_LOOPBACK, front.host, *front.allowed_hosts, *public])
    whole = [each for name in names for each in ([name] if _has_port(name) else [name, f"{name}:*"])]
    return TransportSecuritySettings(allowed_hosts=whole, allowed_origins=_small(front.allowed_origins))


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


def _small(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


class SmallLettersMiddleware:
    """Writes a request's Host and Origin in small letters, since the SDK compares them by every character.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        headers = [(name, value.lower() if name in {b"host", b"origin"} else value) for name, value in scope["headers"]]
        await self._app({**scope, "headers": headers}, receive, send)


async def serve(
    server: Server[Any], front: Front, say: Callable[[str], object], *, ready: bool, ending: anyio.Event
) -> int:
    """Serve until a signal to end; then finish what is being handled, as far as there is time.

    A second signal ends what only waits; a cancel that is on its way to a platform is still finished and recorded.

    Args:
        server: what speaks MCP.
        front: where, for whom, and how much at once.
        say: told where callers reach it.
        ready: whether any platform can be reached.
        ending: set at the first signal: whoever watches work tells what it has seen.

    Returns:
        The exit status: 0, or 1 if calls had to be cut off.

    Raises:
        SettingsError: a file can't be used, or it can't listen there.
    """
    admission = Admission(front.max_calls, front.max_queue)
    within = bounds(front.max_calls, front.max_queue)
    with ending_signals() as signals:
        async with AsyncExitStack() as stack:
            if front.probes is not None:
                app = Starlette(routes=probes(admission, ready=ready))
                beside = listening(app, Front(host=front.host, port=front.probes), PROBES)
                probed = await stack.enter_async_context(beside)
            served = listening(application(server, front, admission, ready=ready), front, within)
            origin = await stack.enter_async_context(served)
            say(f"serving MCP at {origin}{PATH}")
            say(
                f"at most {within.total} connections at once, {within.share} of them from one address"
                + (f"; this process may open {limit} files" if (limit := open_files()) else "")
            )
            if front.probes is not None:
                say(f"answering probes at {probed}{HEALTH} and {probed}{READY}")
            await anext(signals)
            ending.set()
            done = await _drain(admission, signals)
    if not done:
        say(f"calls were cut off that were not done {GRACE:.0f} s after the signal to end, or at a second one")
    return int(not done)


async def _drain(admission: Admission, signals: AsyncIterator[signal.Signals]) -> bool:
    """Finish what is being handled; whether all of it was."""
    admission.drain()
    hurried = False
    with anyio.move_on_after(GRACE) as grace:
        async with anyio.create_task_group() as tasks:

            async def hurry() -> None:
                nonlocal hurried
                async for _ in signals:
                    hurried = admission.drop() or hurried

            tasks.start_soon(hurry)
            await admission.idle()
            tasks.cancel_scope.cancel()
    return not grace.cancelled_caught and not hurried
