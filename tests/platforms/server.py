"""A platform's server as a table of answers that a real one gave, and pullcord's answer to one call with it."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import httpx2
from mcp import Client
from tests.sandbox.clock import Clock
from tests.support import Content
from tests.transport import mock

from pullcord.assembly.choice import Choice, surface
from pullcord.flow.engine import Engine
from pullcord.serving.server import make
from pullcord.upstream.gateway import Gateway

ADDRESS = "http://127.0.0.1:1"


class Reply(NamedTuple):
    """What the server answers."""

    status: int
    body: dict[str, Any] | list[Any] | str | None = None
    """JSON, a text, or nothing."""
    media: str = ""
    """The media type, where it is another than the body's."""


Answers: TypeAlias = Mapping[str, Sequence[Reply]]
"""By METHOD PATH, or METHOD PATH TEXT where the request must hold a text: in order, the last again and again."""


class Came(NamedTuple):
    """What came of a call."""

    answer: dict[str, Any]
    asked: list[str]
    """Each request that reached the server: METHOD PATH?QUERY."""
    sent: list[httpx2.Request]

    @property
    def said(self) -> tuple[str, str, str]:
        """The outcome, what is known of the work, and what may go on, in alphabetical order."""
        return self.answer["outcome"], self.answer["work_stopped"], " ".join(sorted(self.answer["may_go_on"]))

    @property
    def offered(self) -> dict[str, dict[str, Any]]:
        """The arguments of the actions that can be called, by relation and tool."""
        actions = self.answer["allowed_actions"]
        return {f"{each['rel']} {each['tool']}": each["arguments"] for each in actions if "tool" in each}


async def call(
    platform: str,
    tool: str,
    arguments: Mapping[str, Any],
    answers: Answers,
    key: str = "",
    settings: Mapping[str, str] | None = None,
) -> Came:
    """Call a tool of a platform that is named, with no time passing but what pullcord waits.

    Args:
        platform: its name.
        tool: to call.
        arguments: for it.
        answers: of the platform's server.
        key: the platform's, if it is told one.
        settings: further variables, where a key's has another name.
    """
    clock = Clock()
    left = {place: _endless(each) for place, each in answers.items()}
    came = Came({}, [], [])

    def respond(request: httpx2.Request) -> httpx2.Response:
        content = request.read().decode()
        place = f"{request.method} {request.url.path}"
        came.asked.append(f"{place}?{request.url.query.decode()}".rstrip("?"))
        came.sent.append(request)
        found = [
            each
            for each in left
            if each == place or (each.startswith(f"{place} ") and each[len(place) + 1 :] in content)
        ]
        return _response(next(left[max(found, key=len)]))

    def now() -> float:
        return clock.now.timestamp()

    async def pass_time(seconds: float) -> None:
        clock.pass_seconds(seconds)

    environ = {f"{platform.upper()}_API_URL": ADDRESS, **(settings or {})}
    if key:
        environ[f"{platform.upper()}_API_KEY"] = key
    scope = surface(Choice(platforms=[platform]), environ)
    gateway = Gateway(mock(respond), now=now, sleep=pass_time)
    async with gateway, Client(make(scope, Engine(gateway)), cache=None) as client:
        result = await client.call_tool(tool, dict(arguments))
    return came._replace(answer=result.structured_content or {})


def _endless(replies: Sequence[Reply]) -> Iterator[Reply]:
    return itertools.chain(replies, itertools.repeat(replies[-1]))


def _response(reply: Reply) -> httpx2.Response:
    given = json.dumps(reply.body) if isinstance(reply.body, dict | list) else str(reply.body or "")
    kind = "application/json" if isinstance(reply.body, dict | list) else "text/plain" if reply.body else ""
    headers = {"content-type": reply.media or kind} if reply.media or kind else {}
    return httpx2.Response(reply.status, stream=Content(given.encode()), headers=headers)
