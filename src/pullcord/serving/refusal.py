"""The answer to a request over HTTP that is refused."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

REFUSED = -32000
"""The error's code, from the range that JSON-RPC leaves to servers."""


def refusal(status: int, message: str, *, retry_after: int | None = None, **headers: str) -> Response:
    """A JSON-RPC error, after which the connection closes: the rest of the request is not read.

    Args:
        status: the HTTP status.
        message: what happened, whether anything was sent, and what to do.
        retry_after: seconds after which the request may come again; None: it is not said.
        headers: further headers of the answer.
    """
    error: dict[str, Any] = _error(message)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
        error["error"]["data"] = {"retry_after_seconds": retry_after}
    return JSONResponse(error, status, {"Connection": "close", **headers})


def challenge(status: int, message: str, parameters: Mapping[str, str]) -> Response:
    """A JSON-RPC error that asks for a token in the form of RFC 6750, section 3.

    Args:
        status: the HTTP status.
        message: what happened, whether anything was sent, and what to do.
        parameters: of the challenge, printable ASCII without quotes and backslashes.
    """
    words = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
    return JSONResponse(_error(message), status, {"WWW-Authenticate": f"Bearer {words}"})


def _error(message: str) -> dict[str, Any]:
    """A JSON-RPC error: clients show its message, while of an answer without one they show only the status."""
    return {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": message}}
