"""The ASGI application for a program that serves HTTP: MCP, behind the same checks of callers as `serve --http`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Unpack

import anyio
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from pullcord.assembly.options import ApplicationOptions, check, opened
from pullcord.serving import access, application
from pullcord.serving.elicitation import Elicitation, state_key
from pullcord.serving.front import MAX_CALLS, MAX_QUEUE, Front
from pullcord.serving.server import make
from pullcord.upstream.way import transport


class Application:
    """An ASGI application, to run by itself or to mount in another one. MCP is at /mcp below where it is mounted.

    Args:
        options: which platforms, how, and who may call; see `ApplicationOptions`.
    """

    def __init__(self, options: ApplicationOptions) -> None:
        self._options = options
        self._app: ASGIApp | None = None
        self._alone = Starlette(lifespan=self.lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the lifespan of an application that runs by itself.

        Raises:
            RuntimeError: a request came outside of the lifespan.
        """
        if scope["type"] == "lifespan":
            await self._alone(scope, receive, send)
        elif self._app is None:
            raise RuntimeError("pullcord's application has not begun: enter its lifespan in that of the host")
        else:
            await self._app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _host: object = None) -> AsyncIterator[None]:
        """Take requests for as long as the block runs; a host that mounts the application enters it in its own.

        At the end calls that wait for work to end answer at once, and a cancel on the wire is finished.

        Raises:
            SettingsError: the settings can't be used; it holds every fault.
        """
        options, environ = self._options, self._options.get("environ") or {}
        front = _front(options)
        confirm = options.get("confirm", False)
        async with opened(options, brought=front.caller_keys, confirm=confirm, faults=front.faults()) as reach:
            elicitation = Elicitation(state_key(environ), consents=reach.engine.consents) if confirm else None
            view = access.view(reach.surface, front)
            server = make(
                reach.surface,
                reach.engine,
                sandbox=options.get("sandbox", False),
                panel=options.get("panel", True),
                elicitation=elicitation,
                view=view,
            )
            admission = application.places(front, reach.surface)
            app = application.application(server, front, admission, ready=application.reaches(reach.surface))
            async with app.lifespan_context(app):
                self._app = app
                try:
                    yield
                finally:
                    admission.drain()
                    reach.engine.gateway.ending.set()
                    with anyio.move_on_after(application.GRACE, shield=True):
                        await admission.idle()
                    admission.drop()
                    self._app = None


def asgi(**options: Unpack[ApplicationOptions]) -> Application:
    """An ASGI application that serves MCP over Streamable HTTP; its settings are read when its lifespan begins.

    Requests from beyond this machine need a token and https, and what web pages send is checked by its Host and Origin,
    as in `pullcord serve --http`.

    Args:
        options: which platforms, how, and who may call; see `ApplicationOptions`.

    Raises:
        TypeError: there is no such option.
    """
    check("asgi", options, ApplicationOptions)
    return Application(options)


def _front(options: ApplicationOptions) -> Front:
    """Who may call."""
    tokens = options.get("tokens")
    return Front(
        token_file=Path(tokens) if tokens else None,
        issuer=options.get("issuer"),
        resource=options.get("resource"),
        audiences=options.get("audiences", ()),
        caller_keys=options.get("caller_keys", False),
        allowed_hosts=options.get("allowed_hosts", ()),
        allowed_origins=options.get("allowed_origins", ()),
        max_calls=options.get("max_calls", MAX_CALLS),
        max_queue=options.get("max_queue", MAX_QUEUE),
        embedded=True,
        transport=partial(transport, options.get("environ") or {}),
    )
