"""One request and its answer: what came back, or why nothing did, as a `Reply`. Nothing is repeated here.

The first call imports this module and the connections: a start needs no HTTP.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from pullcord.model.operation import Operation
from pullcord.model.projection import project
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import problem, shape
from pullcord.upstream.connections import Answer, Body, LostError, Transport, UnsentError
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


class Exchange:
    """Exchanges requests for answers.

    Args:
        transport: carries the requests.
        connect: seconds to open a connection, and to wait for a free one.
    """

    def __init__(self, transport: Transport, connect: float) -> None:
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
        reason = None
        try:
            answer = await self._transport.send(request, limit)
            try:
                reply, length = await _read(answer, request.secrets)
                if reply.succeeded and (reason := shape.mistaken(operation, request.arguments, reply)):
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
                await answer.body.aclose(reusable=reason is None)
        except UnsentError as error:
            return Reply.unsent(str(error))
        except LostError as error:
            return Reply.lost(str(error))


async def _read(answer: Answer, parts: Sequence[str]) -> tuple[Reply, int]:
    """The reply, and the bytes of its body.

    Args:
        answer: to be read.
        parts: of the request, that must be hidden in the reply.
    """
    secrets = [part for part in parts if len(part) >= SECRET]
    headers = _headers(answer.headers, secrets)
    content = b""
    body: Json = None
    unreadable = None
    try:
        content = await _bounded(answer.body, headers)
        body = _text(content, secrets) if shape.media_type(headers) == shape.TEXT else _parse(content, secrets)
    except ValueError as error:
        unreadable = str(error)
    except LostError:
        unreadable = "it broke off"
    return Reply(answer.status, headers, body, unreadable), len(content)


def _headers(raw: Iterable[tuple[bytes, bytes]], secrets: Sequence[str]) -> dict[str, str]:
    """The headers by lower-case name; several of one name are joined (RFC 9110, sections 5.3 and 5.5)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), _hidden(secrets, raw_value.decode("latin-1"))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _bounded(body: Body, headers: Mapping[str, str]) -> bytes:
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ValueError("it is compressed, although pullcord asked for plain text")
    content = bytearray()
    async for chunk in body:
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
        text = content.decode(json.detect_encoding(content), "surrogatepass")
        value = _DECODER.decode(text)
        # Nothing but an escape hides a secret in the text.
        return _without(secrets, value) if "\\" in text or _hidden(secrets, text) != text else value
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
