"""One request and its answer: what a connection carried, or how it failed, as a record of ours. It repeats nothing.

This room and the connections are imported by the first call: a start does without what speaks HTTP.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn

import httpcore2

from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream.connections import Connect, Connections, EnvironmentFaultError, dialler
from pullcord.upstream.request import Named, Request

BODY_LIMIT = 1024 * 1024
"""Bytes of a reply that are read."""
SECRET = 8
"""Characters of the shortest key that is hidden in replies: a shorter one is no secret, and may be part of any word."""

# The first that fits. Nothing was sent where the connection never stood; all else may have reached the platform.
_FAILURES: Mapping[type[Exception], Reply] = {
    httpcore2.ConnectTimeout: Reply.unsent("connecting took too long"),
    httpcore2.PoolTimeout: Reply.unsent("too many calls are under way"),
    httpcore2.ProxyError: Reply.unsent("the proxy refused the connection"),
    httpcore2.UnsupportedProtocol: Reply.unsent("the base URL is neither http nor https"),
    httpcore2.ConnectError: Reply.unsent("the connection could not be made"),
    httpcore2.ConnectionNotAvailable: Reply.unsent("the connection could not be made"),
    httpcore2.TimeoutException: Reply.lost("no answer came in time"),
    httpcore2.RemoteProtocolError: Reply.lost("the answer was no HTTP, or broke off"),
    httpcore2.ProtocolError: Reply.lost("the connection broke"),
    httpcore2.NetworkError: Reply.lost("the connection broke"),
    OSError: Reply.lost("the connection broke"),  # as TLS raises
}
_RAISED = tuple(_FAILURES)


class Exchange:
    """Exchanges requests for answers, as many at once as there are connections.

    Args:
        dial: makes a connection; None: real ones.
        connect: seconds for one connection, and for the wait for one that is free.
        connections: how many may be in use at once.
    """

    def __init__(self, dial: Connect | None, connect: float, connections: int) -> None:
        self._connections = Connections(dial or dialler(), connections, connect)
        self._extensions = {"timeout": {"connect": connect}}  # all else ends with the whole call's time

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def send(self, request: Request) -> Reply:
        """Send a request, once. Its secrets are hidden in the answer."""
        try:
            url = httpcore2.URL(request.url)
            origin = url.origin
        except (KeyError, ValueError):  # KeyError: as it says of a scheme that it doesn't know
            return Reply.unsent("the base URL is neither http nor https")
        try:
            async with self._connections.one(origin, kept=request.kept) as connection:
                async with connection.stream(
                    request.method,
                    url,
                    headers=list(request.headers.items()),
                    content=request.content,
                    extensions=self._extensions,
                ) as response:
                    reply = await _read(response, request.secrets)
                if reply.succeeded and _is_foreign(reply, request.named):
                    await connection.aclose()
                    return reply._replace(body=None, unreadable="it is about other work than was asked for")
                return reply
        except EnvironmentFaultError as error:
            return Reply.unsent(str(error))
        except _RAISED as error:
            return next(failure for kind, failure in _FAILURES.items() if isinstance(error, kind))


def _is_foreign(reply: Reply, named: Named) -> bool:
    """Whether an answer names other work than was asked about. Ids are compared whatever their case."""
    found = ((look_up(reply.body, pointer), asked) for pointer, asked in named)
    return any(isinstance(answered, str) and answered.lower() != asked.lower() for answered, asked in found)


async def _read(response: httpcore2.Response, secrets: Sequence[str]) -> Reply:
    headers = _headers(response, secrets)
    body: Json = None
    unreadable = None
    try:
        body = _parse(await _bounded(response, headers), secrets)
    except ValueError as error:
        unreadable = str(error)
    except _RAISED:
        unreadable = "it broke off"
    return Reply(response.status, headers, body, unreadable)


def _headers(response: httpcore2.Response, secrets: Sequence[str]) -> dict[str, str]:
    """By their names in small letters; what was sent more than once is joined (RFC 9110, sections 5.3 and 5.5)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), str(_without(secrets, raw_value.decode("latin-1")))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _bounded(response: httpcore2.Response, headers: Mapping[str, str]) -> bytes:
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ValueError("it is compressed, although pullcord asked for plain text")
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > BODY_LIMIT:
            raise ValueError("it is larger than 1 MiB")
    return bytes(content)


def _parse(content: bytes, secrets: Sequence[str]) -> Json:
    """JSON or nothing, without the key.

    Raises:
        ValueError: in words that can be shown.
    """
    if not content.strip():
        return None
    try:
        value = json.loads(content, parse_constant=_no_constant)
        # Nothing but an escape, or an encoding with zeros, hides the key in the bytes.
        hidden = b"\\" in content or b"\0" in content
        return _without(secrets, value) if hidden or any(each.encode() in content for each in secrets) else value
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None


def _without(secrets: Sequence[str], given: Json) -> Json:
    """A value in which a platform that quotes the key has not quoted it."""
    match given:
        case str():
            for secret in secrets:
                given = given.replace(secret, "[key]") if len(secret) >= SECRET else given
        case list():
            return [_without(secrets, item) for item in given]
        case dict():
            return {str(_without(secrets, name)): _without(secrets, value) for name, value in given.items()}
    return given


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
