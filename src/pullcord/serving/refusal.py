"""The answer to a request over HTTP that is not let in."""

from typing import Any

from starlette.responses import JSONResponse, Response

REFUSED = -32000
"""The code, of JSON-RPC's range for a server's own errors."""


def refusal(status: int, message: str, *, retry_after: int | None = None, **headers: str) -> Response:
    """A JSON-RPC error: clients show its message, where of a bare status they show the number.

    Args:
        status: of HTTP.
        message: what happened, whether anything was sent, and what to do.
        retry_after: seconds after which the request may come again.
        headers: further ones.
    """
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": message}}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
        body["error"]["data"] = {"retry_after_seconds": retry_after}
    # What is still to come of the request is not read.
    return JSONResponse(body, status, {"Connection": "close", **headers})
