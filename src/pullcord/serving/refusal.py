"""The answer to a request over HTTP that is refused."""

from typing import Any

from starlette.responses import JSONResponse, Response

REFUSED = -32000
"""The error's code, from the range that JSON-RPC leaves to servers."""


def refusal(status: int, message: str, *, retry_after: int | None = None, **headers: str) -> Response:
    """A JSON-RPC error: clients show its message, while of an answer without one they show only the status.

    Args:
        status: the HTTP status.
        message: what happened, whether anything was sent, and what to do.
        retry_after: seconds after which the request may come again; None: it is not said.
        headers: further headers of the answer.
    """
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": message}}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
        body["error"]["data"] = {"retry_after_seconds": retry_after}
    # The rest of the request is not read.
    return JSONResponse(body, status, {"Connection": "close", **headers})
