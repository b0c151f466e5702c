"""A server on a sandbox, both in memory, with time that only tests move."""

import copy
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx2
import jsonschema
from mcp import Client, types
from mcp.shared.dispatcher import ProgressFnT
from tests.sandbox.clock import Clock
from tests.transport import Over, mock

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.manifest import loading
from pullcord.manifest.index import index, manifest
from pullcord.model.operation import Catalogue
from pullcord.model.outcome import MEANINGS, Outcome
from pullcord.model.pointer import tokens
from pullcord.model.running import callables
from pullcord.sandbox import CONFIDENTIAL, Sandbox
from pullcord.serving.server import make
from pullcord.serving.tools import tool
from pullcord.upstream.connections import Transport
from pullcord.upstream.gateway import Gateway

Answer: TypeAlias = dict[str, Any]
"""An envelope."""

BASE_URL = "http://127.0.0.1:1"
"""Loopback, so that the settings take it; the transport never looks."""

KEYS = [
    "operation_id",
    "platform",
    "outcome",
    "message",
    "work_stopped",
    "may_go_on",
    "state",
    "evidence",
    "target",
    "resource",
    "parts",
    "problem",
    "allowed_actions",
]
"""Every member of an envelope, in order."""


@functools.cache
def shipped() -> Catalogue:
    """The shipped manifests that nobody needs to name, read once."""
    return loading.load(manifest(name) for name, each in index().items() if each.listed_always)


@functools.cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(tool(callables(shipped())[name]).output_schema or {})


def sound(scope: Surface, name: str, result: types.CallToolResult) -> Answer:
    """The answer in a tool's result, held to what every answer must be."""
    answer: Answer = result.structured_content or {}
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    assert json.loads(block.text) == answer
    assert list(answer) == KEYS
    assert result.is_error is MEANINGS[Outcome(answer["outcome"])].is_error
    _validator(name).validate(answer)
    assert CONFIDENTIAL not in block.text
    for action in actions(answer):
        if "tool" in action:
            assert action["tool"] == action.get("operation_id", action["tool"])
            assert scope.checks[action["tool"]](action["arguments"]) == []
    return answer


def actions(answer: Answer) -> list[dict[str, Any]]:
    """Every action of an answer, those of a list's items too."""
    items = (answer["resource"] or {}).get("items") or []
    return [*answer["allowed_actions"], *(action for item in items for action in item["allowed_actions"])]


def action(answer: Answer, rel: str) -> dict[str, Any]:
    """The one action of an answer with a rel."""
    (found,) = [each for each in answer["allowed_actions"] if each["rel"] == rel]
    return dict(found)


def texts(value: object) -> Iterator[str]:
    """Every text in a value, names of members too."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for name, member in value.items():
                yield name
                yield from texts(member)


@dataclass
class Stage:
    """The sandbox, its clock, and a client of a server on it."""

    sandbox: Sandbox
    clock: Clock
    scope: Surface
    client: Client
    slept: list[float] = field(default_factory=list)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        progress: ProgressFnT | None = None,
    ) -> Answer:
        """Call a tool; its answer, which must be the same in both halves of the result."""
        result = await self.client.call_tool(name, dict(arguments or {}), progress_callback=progress)
        return sound(self.scope, name, result)

    async def follow(self, answer: Answer, rel: str) -> Answer:
        """Call the one action of an answer with a rel."""
        step = action(answer, rel)
        return await self.call(step["tool"], step["arguments"])

    @property
    def arrived(self) -> list[str]:
        """What reached the sandbox: method and path of each request."""
        return [f"{request.method} {request.path}" for request in self.sandbox.requests]


@asynccontextmanager
async def stage(
    mode: str = "auto",
    *,
    transport: Transport | None = None,
    environ: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    sleep: Callable[[float], Awaitable[None]] | None = None,
    desk: Callable[[Gateway], Engine] = Engine,
) -> AsyncIterator[Stage]:
    """Set the stage.

    Args:
        mode: the protocol era, "legacy" or "auto".
        transport: what answers instead of the sandbox.
        environ: settings on top of the sandbox's.
        only: where given, no other operation is a tool.
        sleep: waits instead of moving the clock.
        desk: what every call goes through, made of the gateway.
    """
    clock = Clock()
    sandbox = Sandbox(clock)
    slept: list[float] = []

    def now() -> float:
        return clock.now.timestamp()

    async def passing(seconds: float) -> None:
        slept.append(seconds)
        await clock.sleep(seconds)

    catalogue = shipped()
    given = {**sandbox.environment(BASE_URL), **(environ or {})}
    scope = Surface.of(catalogue, settings.read(catalogue, given), only, settings.protected(given))
    gateway = Gateway(transport or Over(httpx2.ASGITransport(app=sandbox.app)), now=now, sleep=sleep or passing)
    async with gateway, Client(make(scope, desk(gateway)), mode=mode, cache=None) as client:
        yield Stage(sandbox, clock, scope, client, slept)


class Content(httpx2.AsyncByteStream):
    """A body that arrives in chunks, and perhaps breaks off. httpx2 hands out one that it was given whole only once."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.taken += len(chunk)
            yield chunk
        if self.error:
            raise self.error


PROBLEM: Mapping[str, Any] = {"title": "No", "detail": "Not this.", "error": {"code": "no", "message": "Not this."}}
"""A refusal in the shape of each platform of the sandbox."""


def respond(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """An answer: JSON as its platform sends it, or the very bytes without a media type.

    Args:
        status: of HTTP.
        body: None: nothing, but for an error a problem as each platform tells one.
        headers: in place of the media type, or beside it.
    """
    given = PROBLEM if body is None and status >= 400 else body
    if given is None or isinstance(given, bytes):
        return httpx2.Response(status, stream=Content(given or b""), headers=dict(headers or {}))
    media = "application/problem+json" if status >= 400 else "application/json"
    sent = {"content-type": media, **{name.lower(): value for name, value in (headers or {}).items()}}
    return httpx2.Response(status, stream=Content(json.dumps(given).encode()), headers=sent)


def about(name: str, arguments: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body that names the work of a call, where its operation says that answers do.

    Args:
        name: of the operation.
        arguments: of the call.
        body: what else it says.
    """
    whole = copy.deepcopy(dict(body))
    for pointer, argument in shipped()[name].answers:
        *parents, last = tokens(pointer)
        place = whole
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = arguments[argument]
    return whole


def answering(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Over:
    """A platform that always answers so."""
    return mock(lambda _: respond(status, body, headers))
