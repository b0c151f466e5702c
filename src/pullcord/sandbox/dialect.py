"""How a platform's handlers become a Starlette app that puts every error into the platform's own words.

This module knows HTTP and no platform.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    Answer = Callable[[Request], Response]
    Row = tuple[str, str, Answer]

# Longer numbers are no page, and int() refuses some of them.
_NUMBER = re.compile(r"[0-9]{1,9}")


def number(text: str) -> int | None:
    """Read a whole number of a query, or nothing."""
    return int(text) if _NUMBER.fullmatch(text) else None


def credential(authorization: str) -> str:
    """Take the key out of an ``Authorization`` value, with or without a scheme."""
    return authorization.rpartition(" ")[2]


def present(members: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is null, as some platforms do in their records."""
    return {name: value for name, value in members.items() if value is not None}


def speaking(
    rows: Sequence[Row],
    admit: Callable[[Request], None],
    refusal: Callable[[Request, HTTPException], Response],
) -> Starlette:
    """Make an app of (method, path, handler) rows.

    Args:
        rows: The routes.
        admit: Called before every handler; raises to turn the caller away.
        refusal: Puts an error into the platform's words, the router's own 404 and 405 as well.
    """

    async def refuse(request: Request, error: Exception) -> Response:
        return refusal(request, cast("HTTPException", error))

    app = Starlette(
        routes=[Route(path, _endpoint(admit, answer), methods=[method]) for method, path, answer in rows],
        exception_handlers={HTTPException: refuse},
    )
    # A path that is nearly right is wrong here: a redirected cancel would hide the client's mistake.
    app.router.redirect_slashes = False
    return app


def _endpoint(admit: Callable[[Request], None], answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    # Starlette runs a plain function in a thread, which costs more than the answer itself.
    async def respond(request: Request) -> Response:
        admit(request)
        return answer(request)

    return respond
