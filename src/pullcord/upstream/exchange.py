"""One request and its answer: what came back, or why nothing did, as a `Reply`. Nothing is repeated here.

The first call imports this module and the connections: a start needs no HTTP.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn, cast

import httpx2

from pullcord.model.operation import Operation
from pullcord.model.projection import project
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import problem, shape
from pullcord.upstream.connections import CANCEL, UnsentError
from pullcord.upstream.request import Request

BODY_LIMIT = 1024 * 1024
"""Bytes of a reply's body, at most."""
VALUES_LIMIT = 50_000
"""Values of a reply that are read, about: each takes 60 to 250 bytes, and a reply is held for as long as its call."""
SMALL = 4096
"""Bytes of the largest body that is kept whole: choosing the parts that are read takes longer than it saves there."""
SECRET = 8
"""Characters of the shortest key that is hidden in replies: a shorter one is no secret, and may be part of any word."""

_BEFORE_VALUES = (b",", b"[", b"{")
"""One of these stands before each value in another. Texts may hold them, too, so that values are counted too high."""

# The first kind that fits. Without a connection nothing was sent; everything else may have reached the platform.
_FAILURES: Mapping[type[Exception], Reply] = {
    httpx2.ConnectTimeout: Reply.unsent("connecting took too long"),
    httpx2.PoolTimeout: Reply.unsent("too many calls are under way"),
    httpx2.ConnectError: Reply.unsent("the connection could not be made"),
    httpx2.ProxyError: Reply.unsent("the proxy refused the connection"),
    httpx2.UnsupportedProtocol: Reply.unsent("the base URL is neither http nor https"),
    httpx2.LocalProtocolError: Reply.unsent("the request can't be written as HTTP"),
    httpx2.TimeoutException: Reply.lost("no answer came in time"),
    httpx2.RemoteProtocolError: Reply.lost("the answer was no HTTP, or broke off"),
    httpx2.TransportError: Reply.lost("the connection broke"),
}


class Exchange:
    """Exchanges requests for answers.

    Args:
        transport: carries the requests.
        connect: seconds to open a connection, and to wait for a free one.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, connect: float) -> None:
        self._transport = transport
        self._connect = connect

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def send(self, operation: Operation, request: Request, seconds: float) -> Reply:
        """Send a request once, and read its answer, in which its secrets are hidden.

        Args:
            operation: the one that is called: it tells which answers are the platform's own word.
            request: as request.build makes it.
            seconds: for this request, at whose end the caller gives it up.
        """
        # A place, a connection and TLS may take a third each, and so fail before the time is up: then nothing was sent.
        limit = min(self._connect, seconds / 3)
        headers = request.headers if request.kept else {**request.headers, "Connection": "close"}
        try:
            http_request = httpx2.Request(
                request.method,
                request.url,
                headers=headers,
                stream=httpx2.ByteStream(request.content),
                extensions={
                    "timeout": {"connect": limit, "pool": limit},
                    **({CANCEL: True} if operation.cancel else {}),
                },
            )
        except (httpx2.InvalidURL, UnicodeError):
            return Reply.unsent("the base URL, or a value in the request, can't be sent")
        try:
            response = await self._transport.handle_async_request(http_request)
            stream = cast("httpx2.AsyncByteStream", response.stream)  # as every asynchronous transport gives it
            try:
                reply, length = await _read(response, stream, request.secrets)
                if reply.succeeded and (reason := shape.mistaken(operation, request.arguments, reply)):
                    await _close_connection(response)
                    reply = reply._replace(body=None, unreadable=reason)
                is_genuine = shape.is_in_shape(operation, reply)
                # Of what somebody in between wrote only the headers tell when to come again.
                source = reply if is_genuine else reply._replace(body=None)
                return reply._replace(
                    body=reply.body if length <= SMALL else project(reply.body, operation.kept()),
                    genuine=is_genuine,
                    retry_after=problem.retry_after(operation.platform, source),
                )
            finally:
                await stream.aclose()
        except UnsentError as error:
            return Reply.unsent(str(error))
        except httpx2.TransportError as error:
            return next(failure for kind, failure in _FAILURES.items() if isinstance(error, kind))


async def _close_connection(response: httpx2.Response) -> None:
    """Close the connection of an answer, so that no further request uses it."""
    if "network_stream" in response.extensions:
        await response.extensions["network_stream"].aclose()


async def _read(
    response: httpx2.Response, stream: httpx2.AsyncByteStream, parts: Sequence[str]
) -> tuple[Reply, int]:
    """The reply, and the bytes of its body.

    Args:
        response: the answer.
        stream: its body.
        parts: of the request, that must be hidden in the reply.
    """
    secrets = [part for part in parts if len(part) >= SECRET]
    headers = _headers(response.headers.raw, secrets)
    content = b""
    body: Json = None
    unreadable = None
    try:
        content = await _bounded(stream, headers)
        body = _text(content, secrets) if shape.media_type(headers) == shape.TEXT else _parse(content, secrets)
    except ValueError as error:
        unreadable = str(error)
    except httpx2.TransportError:
        unreadable = "it broke off"
    return Reply(response.status_code, headers, body, unreadable), len(content)


def _headers(raw: Iterable[tuple[bytes, bytes]], secrets: Sequence[str]) -> dict[str, str]:
    """The headers by lower-case name; several of one name are joined (RFC 9110, sections 5.3 and 5.5)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), _hidden(secrets, raw_value.decode("latin-1"))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _bounded(stream: httpx2.AsyncByteStream, headers: Mapping[str, str]) -> bytes:
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ValueError("it is compressed, although pullcord asked for plain text")
    content = bytearray()
    async for chunk in stream:
        content += chunk
        if len(content) > BODY_LIMIT:
            raise ValueError("it is larger than 1 MiB")
    return bytes(content)


def _text(content: bytes, secrets: Sequence[str]) -> Json:
    """The body as a text without the key; None: it is empty."""
    return _hidden(secrets, content.decode(errors="replace")) if content.strip() else None


def _parse(content: bytes, secrets: Sequence[str]) -> Json:
    """The body as a JSON value without the key; None: it is empty.

    Raises:
        ValueError: it is no JSON; the message may be shown.
    """
    if not content.strip():
        return None
    if len(content) > VALUES_LIMIT and sum(map(content.count, _BEFORE_VALUES)) > VALUES_LIMIT:
        raise ValueError(f"it holds more than {VALUES_LIMIT:,} values")
    try:
        value = _DECODER.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
        # Nothing but an escape, or an encoding with zeros, hides the key in the bytes.
        may_hide = b"\\" in content or b"\0" in content
        return _without(secrets, value) if may_hide or any(each.encode() in content for each in secrets) else value
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None


def _without(secrets: Sequence[str], value: Json) -> Json:
    """A value in which each secret that the platform quotes is replaced by [key]."""
    match value:
        case str():
            return _hidden(secrets, value)
        case list():
            return [_without(secrets, item) for item in value]
        case dict():
            return {_hidden(secrets, name): _without(secrets, member) for name, member in value.items()}
    return value


def _hidden(secrets: Sequence[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "[key]")
    return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
"""As json.loads decodes, which makes a new one for each text where constants are refused."""
