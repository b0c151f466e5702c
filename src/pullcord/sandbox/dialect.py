"""Makes a Starlette app of a platform's handlers, with every error in the platform's own words.

This module knows HTTP and no platform.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler: TypeAlias = Callable[[Request], Response]
"""Answers a request."""
Row: TypeAlias = tuple[str, str, Handler]
"""A route: the HTTP method, the path template, and the handler."""

# Longer numbers are no page, and int() refuses some of them.
_NUMBER = re.compile(r"[0-9]{1,9}")


def number(text: str) -> int | None:
    """The whole number that a query names; None: it is no number."""
    return int(text) if _NUMBER.fullmatch(text) else None


def credential(authorization: str) -> str:
    """The key in the value of `Authorization`, with or without a scheme."""
    return authorization.rpartition(" ")[2]


def present(members: Mapping[str, object]) -> dict[str, object]:
    """The members that are not null, as some platforms leave null out of their records."""
    return {name: value for name, value in members.items() if value is not None}


def speaking(
    rows: Sequence[Row],
    admit: Callable[[Request], None],
    refusal: Callable[[Request, HTTPException], Response],
) -> Starlette:
    """An app of routes.

    Args:
        rows: the routes.
        admit: called before every handler; raises HTTPException to refuse the caller.
        refusal: writes an error in the platform's words, also the 404 and 405 of the router.
    """

    async def refuse(request: Request, error: Exception) -> Response:
        return refusal(request, cast("HTTPException", error))

    app = Starlette(
        routes=[Route(path, _endpoint(admit, handler), methods=[method]) for method, path, handler in rows],
        exception_handlers={HTTPException: refuse},
    )
    # A path that is nearly right is wrong here: a redirected cancel would hide the client's mistake.
    app.router.redirect_slashes = False
    return app


def _endpoint(admit: Callable[[Request], None], handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    # Starlette runs a plain function in a thread, which costs more than the answer itself.
    async def respond(request: Request) -> Response:
        admit(request)
        return handler(request)

    return respond
