"""Reads lines as JSON-RPC messages; a line that is none is answered with an error, like a body over HTTP."""

import json
import logging
from contextlib import suppress

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp import types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError
from pydantic_core import from_json

LINE_LIMIT = 4 * 1024 * 1024
"""Bytes of a line; as many as the SDK takes in a request over HTTP."""

_NO_JSON = (
    "The line is no JSON text: it must be UTF-8, without a byte order mark, and without half of a surrogate pair."
    " Nothing was done."
)
_NO_MESSAGE = "The line is not one JSON-RPC request, notification or response; batches are not taken. Nothing was done."
_TOO_LONG = f"The line is longer than {LINE_LIMIT} bytes. Nothing was done."

_log = logging.getLogger(__name__)


class LineError(ValueError):
    """A line that is no message.

    Args:
        code: of JSON-RPC.
        message: what is wrong with the line, for the client's author.
        request_id: of the line, as far as it can be read.
    """

    def __init__(self, code: int, message: str, request_id: types.RequestId | None = None) -> None:
        super().__init__(message)
        self.answer = types.JSONRPCError(
            jsonrpc="2.0", id=request_id, error=types.ErrorData(code=code, message=message)
        )


def message(line: bytes) -> SessionMessage:
    """The message of a line.

    Raises:
        LineError: it is none.
    """
    try:
        rpc_message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        raise _no_message(line) from None
    if isinstance(rpc_message, types.JSONRPCNotification) and "id" in from_json(line):  # a request whose id is no id
        raise LineError(types.INVALID_REQUEST, _NO_MESSAGE)
    return SessionMessage(rpc_message)


def too_long() -> LineError:
    """The error of a line that is too long, and was dropped."""
    return LineError(types.INVALID_REQUEST, _TOO_LONG)


class Answering(ObjectReceiveStream[SessionMessage]):
    """A stream of messages only: each error of the stream below is answered and logged.

    Args:
        read: gives messages, and errors in the place of lines that are none: ours, or those of the SDK's own reader.
        write: takes the answers to errors.
    """

    def __init__(
        self, read: ObjectReceiveStream[SessionMessage | Exception], write: ObjectSendStream[SessionMessage]
    ) -> None:
        self._read = read
        self._write = write

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            EndOfStream: there is none any more.
        """
        while isinstance(item := await self._read.receive(), Exception):
            if error := _line_error(item):
                _log.warning("a line was answered with an error: %s", error)
                with suppress(anyio.ClosedResourceError):  # the client reads no answers any more
                    await self._write.send(SessionMessage(error.answer))
        return item

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._read.aclose()


def _line_error(error: Exception) -> LineError | None:
    """The error of a line, also from an error of the SDK's reader. None: the line is blank."""
    if isinstance(error, LineError):
        return error
    details = error.errors(include_url=False) if isinstance(error, ValidationError) else []
    if [each["type"] for each in details] == ["json_invalid"]:
        text = str(details[0]["input"])
        return _no_json(text.encode()) if text.strip() else None
    # The error of a missing member holds the object that it is missing from.
    value = next((each["input"] for each in details if each["type"] == "missing" and not each["loc"][2:]), None)
    return LineError(types.INVALID_REQUEST, _NO_MESSAGE, _request_id(value))


def _no_message(line: bytes) -> LineError:
    try:
        value = from_json(line)
    except ValueError:
        return _no_json(line)
    return LineError(types.INVALID_REQUEST, _NO_MESSAGE, _request_id(value))


def _no_json(line: bytes) -> LineError:
    return LineError(types.PARSE_ERROR, _NO_JSON, _request_id(_lenient_value(line)))


def _lenient_value(line: bytes) -> object:
    """The value that a more lenient reader finds in a line that is no JSON text; None: none."""
    try:
        return json.loads(line.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None


def _request_id(value: object) -> types.RequestId | None:
    """The id of a request. A response's id is left out: it is the id of a request of this server."""
    request_id = value.get("id") if isinstance(value, dict) and "method" in value else None
    if isinstance(request_id, str):
        return request_id if request_id.isascii() else None
    return request_id if isinstance(request_id, int) and not isinstance(request_id, bool) else None
