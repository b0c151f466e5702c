"""The three platforms as one ASGI app, and the record of every request that reached them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pullcord.sandbox import everruns, evershell, xpander
from pullcord.sandbox.dialect import credential
from pullcord.sandbox.world import Clock, utc_now

MOUNTS: Mapping[str, str] = {"everruns": "/everruns/api", "evershell": "/evershell", "xpander": "/xpander"}
"""The path before each platform's own paths."""
KEY_NAMES: Mapping[str, str] = {
    "": "none",
    everruns.KEY: "everruns",
    everruns.RATE_LIMITED_KEY: "everruns rate-limited",
    evershell.KEY: "evershell",
    evershell.READ_ONLY_KEY: "evershell read-only",
    xpander.KEY: "xpander",
    xpander.RATE_LIMITED_KEY: "xpander rate-limited",
}
"""The name by which a record tells a key, since it never holds the key itself."""
REQUESTS_KEPT = 10_000
"""The newest requests that are recorded."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached the sandbox, and the status that answered it."""

    platform: str
    """The platform that it reached; empty: none."""
    method: str
    path: str
    """The path below the platform's mount, percent-encoded as it was sent."""
    query: str
    """The query, as it was sent."""
    status: int
    """The status of the answer."""
    key: str
    """The key that came with it, by a name of `KEY_NAMES`; `unknown` for any other."""
    request_id: str
    """`X-Request-ID`, or empty."""
    reason: str
    """`Everruns-Change-Reason` as it was sent, or empty."""
    traceparent: str
    """`traceparent`, or empty."""


class Sandbox:
    """Three agent platforms in memory, seeded with work.

    Args:
        clock: tells the time; work ends by this clock alone.
        wind_down: seconds that a cooperative cancel takes.
    """

    def __init__(self, clock: Clock = utc_now, wind_down: float = 1.0) -> None:
        self.everruns = everruns.Everruns(clock, wind_down)
        self.evershell = evershell.EverShell(clock, wind_down)
        self.xpander = xpander.Xpander(clock, wind_down)
        self.requests: deque[Arrival] = deque(maxlen=REQUESTS_KEPT)
        apps = (self.everruns.app, self.evershell.app, self.xpander.app)
        mounts = [Mount(path, app) for path, app in zip(MOUNTS.values(), apps, strict=True)]
        app = Starlette(routes=mounts)
        app.router.redirect_slashes = False
        self.app: ASGIApp = _Recorded(app, self.requests)

    def environment(self, base_url: str) -> dict[str, str]:
        """The variables that make pullcord use this sandbox, by name; base_url is where it is served."""
        base_url = base_url.rstrip("/")
        return {
            "EVERRUNS_API_KEY": everruns.KEY,
            "EVERRUNS_API_URL": base_url + MOUNTS["everruns"],
            "EVERSHELL_API_KEY": evershell.KEY,
            "EVERSHELL_API_URL": base_url + MOUNTS["evershell"],
            "XPANDER_API_KEY": xpander.KEY,
            "XPANDER_API_URL": base_url + MOUNTS["xpander"],
        }


class _Recorded:
    """Records every request, whether or not a platform knows its path."""

    def __init__(self, app: ASGIApp, requests: deque[Arrival]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.append(_arrival(scope, message["status"]))
            await send(message)

        await self._app(scope, receive, send_recorded)


def _arrival(scope: Scope, status: int) -> Arrival:
    headers: dict[bytes, bytes] = dict(scope["headers"])

    def header(name: bytes) -> str:
        return headers.get(name, b"").decode("latin-1")

    path = scope["raw_path"].decode("latin-1")
    platform = next((name for name, mount in MOUNTS.items() if path.startswith(f"{mount}/")), "")
    return Arrival(
        platform=platform,
        method=scope["method"],
        path=path.removeprefix(MOUNTS.get(platform, "")),
        query=scope["query_string"].decode("latin-1"),
        status=status,
        key=KEY_NAMES.get(header(b"x-api-key") or credential(header(b"authorization")), "unknown"),
        request_id=header(b"x-request-id"),
        reason=header(b"everruns-change-reason"),
        traceparent=header(b"traceparent"),
    )
