"""The application that serves MCP over Streamable HTTP: the SDK's own, stateless, behind the checks of callers.

Any replica answers any request. A request takes one of a bounded number of places only after its body has arrived, so
that a slow client holds none.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pullcord.config.surface import GRANTS, Surface
from pullcord.serving.access import checks
from pullcord.serving.admission import BODY_LIMIT, Admission, AdmissionMiddleware
from pullcord.serving.front import PATH, Front
from pullcord.serving.refusal import refusal
from pullcord.serving.tally import Tally, TallyMiddleware

HEALTH = "/healthz"
"""Answers 200 as long as the process lives."""
READY = "/readyz"
"""Answers 200 while a platform can be reached and calls are taken, and 503 otherwise."""

GRACE = 7.0
"""Seconds that calls have to finish once the server is told to end."""

_NAMES: Mapping[int, str] = {
    421: "This server may not be called by the name in the request's header Host. Nothing was sent. Whoever runs it"
    " allows names with --allowed-host.",
    403: "Web pages of the request's Origin may not call here. Nothing was sent. Whoever runs this server allows"
    " origins with --allowed-origin.",
}
"""What is said of a Host or Origin that is not allowed, by the HTTP status."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def reaches(surface: Surface) -> bool:
    """Whether any platform can be reached with the settings that there are."""
    return any(settings.obstacle is None for settings in surface.settings.values())


def application(
    server: Server[Any], front: Front, admission: Admission, *, ready: bool, tally: Tally | None = None
) -> Router:
    """The ASGI application.

    Args:
        server: answers MCP requests.
        front: who may reach it, and how.
        admission: the places for requests.
        ready: whether any platform can be reached.
        tally: counts calls and requests; None: nobody asks for numbers.

    Raises:
        SettingsError: the token file can't be used.
    """
    server.middleware.append(admission.handle)
    sessions = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=BODY_LIMIT)
    layers = [
        Middleware(NamesMiddleware, _security(front)),
        *checks(front),
        # Innermost: the token is checked by then, and a stranger takes no place.
        Middleware(AdmissionMiddleware, admission),
    ]
    if front.allowed_origins:
        layers.insert(0, _cors(front.allowed_origins))
    if tally:
        server.middleware.append(tally.handle)
        layers.insert(0, Middleware(TallyMiddleware, tally))
    mcp_app = StreamableHTTPASGIApp(sessions)
    # Without Starlette's layers: the server that calls this answers an exception with the same 500.
    return Router(
        [
            *(Route(path, mcp_app, middleware=layers) for path in (PATH, f"{PATH}/")),
            *_metadata(front),
            *probes(admission, ready=ready),
        ],
        redirect_slashes=False,  # a redirect would lead where the request's header Host says
        lifespan=lambda _: sessions.run(),
    )


def _cors(origins: Sequence[str]) -> Middleware:
    """Lets web pages of these origins, and no others, read the answers (CORS), whatever headers they send."""
    return Middleware(
        CORSMiddleware,
        allow_origins=_lower(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["WWW-Authenticate", "Retry-After"],
        allow_private_network=True,
    )


def _metadata(front: Front) -> list[Route]:
    """The route that names the issuer of tokens for this server (RFC 9728), which any web page may read."""
    if front.metadata_url is None:
        return []
    metadata = {
        "resource": front.resource,
        "authorization_servers": [front.issuer],
        "scopes_supported": list(GRANTS),
        "bearer_methods_supported": ["header"],
        "resource_name": "pullcord",
    }

    async def respond(_: Request) -> Response:
        return JSONResponse(metadata)

    any_origin = Middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["MCP-Protocol-Version"])
    return [Route(urlsplit(front.metadata_url).path, respond, middleware=[any_origin])]


def probes(admission: Admission, *, ready: bool) -> list[Route]:
    """The routes for probes: whether the process lives, and whether it takes calls.

    Args:
        admission: tells whether the server is ending.
        ready: whether any platform can be reached.
    """

    async def health(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readiness(_: Request) -> Response:
        is_ready = ready and not admission.draining
        return JSONResponse(
            {"ready": is_ready, "configured": ready, "draining": admission.draining}, 200 if is_ready else 503
        )

    return [Route(HEALTH, health), Route(READY, readiness)]


def _security(front: Front) -> TransportSecuritySettings:
    """The allowed values of Host and Origin, against web pages whose own host name points here (DNS rebinding)."""
    public_hosts = [urlsplit(front.resource).netloc] if front.resource else []
    names = _lower([*_LOOPBACK, front.host, *front.allowed_hosts, *public_hosts])
    hosts = [each for name in names for each in ([name] if _has_port(name) else [name, f"{name}:*"])]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=_lower(front.allowed_origins))


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


def _lower(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


class NamesMiddleware:
    """Refuses requests by another name of this server, or from another web page, than is allowed.

    Args:
        app: handles the others.
        settings: the allowed values of Host and Origin, in small letters: the SDK compares them by every character.
    """

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app = app
        self._checks = TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        headers = [(name, value.lower() if name in {b"host", b"origin"} else value) for name, value in scope["headers"]]
        answer = await self._checks.validate_request(Request({**scope, "headers": headers}))
        handle = refusal(answer.status_code, _NAMES[answer.status_code]) if answer else self._app
        await handle(scope, receive, send)


def places(front: Front, surface: Surface) -> Admission:
    """The places for requests.

    Args:
        front: how many there are.
        surface: which tools cancel.
    """
    cancels = [name for name, operation in surface.tools.items() if operation.cancel]
    return Admission(front.max_calls, front.max_queue, cancels=cancels)
