"""A server on a sandbox behind Streamable HTTP, all of it in this process."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as HttpScope
from tests.sandbox.clock import Clock
from tests.support import BASE_URL, shipped
from tests.transport import Over

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.sandbox import Sandbox
from pullcord.serving import access, tokens
from pullcord.serving.admission import Admission
from pullcord.serving.application import application, places, reaches
from pullcord.serving.front import Front
from pullcord.serving.issuer import Issuer
from pullcord.serving.server import make
from pullcord.serving.tokens import TokenFile, TokenRefusedError
from pullcord.upstream.gateway import Gateway

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
ERAS = [LEGACY, MODERN]


def message(method: str, params: Mapping[str, Any], version: str = MODERN) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of an MCP request, as any client may write it."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version}
    meta: dict[str, Any] = {}
    if version == MODERN:
        headers |= {"Mcp-Method": method, **({"Mcp-Name": params["name"]} if "name" in params else {})}
        meta = {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    return headers, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}


def said(response: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC message of an answer, plain or as an event."""
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        text = next(line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {"))
    parsed: dict[str, Any] = json.loads(text)
    return parsed


class Held:
    """A platform that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.answer = anyio.Event()
        self.count = 0

    async def __call__(self, scope: HttpScope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.count += 1
        self.asked.set()
        await self.answer.wait()
        _, _, named = scope["path"].partition("/sessions/")
        session, _, task = named.removesuffix("/cancel").partition("/tasks/")
        work = {"id": task or session, "session_id": session, "state": "running", "kind": "background_tool"}
        media = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": media})
        await send({"type": "http.response.body", "body": json.dumps({**work, "task": work}).encode()})


@dataclass
class Site:
    """A server, and what it stands on."""

    sandbox: Sandbox
    clock: Clock
    admission: Admission
    gateway: Gateway
    app: Router
    http: httpx2.AsyncClient

    async def post(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        version: str = MODERN,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send an MCP request."""
        needed, body = message(method, params or {}, version)
        return await self.http.post("/mcp", json=body, headers={**needed, **(headers or {})})

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        version: str = MODERN,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Call a tool; its answer."""
        params = {"name": name, "arguments": dict(arguments or {})}
        answer: dict[str, Any] = said(await self.post("tools/call", params, version=version, headers=headers))
        structured: dict[str, Any] = answer["result"]["structuredContent"]
        return structured

    async def tools(self, headers: Mapping[str, str] | None = None, version: str = MODERN) -> list[str]:
        """The names of the listed tools."""
        answer = said(await self.post("tools/list", version=version, headers=headers))
        return [each["name"] for each in answer["result"]["tools"]]

    @asynccontextmanager
    async def client(self, mode: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Client]:
        """The SDK's own client."""
        transport = httpx2.ASGITransport(app=self.app)
        async with (
            httpx2.AsyncClient(transport=transport, headers=dict(headers or {}), base_url=self.http.base_url) as http,
            Client(
                streamable_http_client(f"{self.http.base_url}/mcp", http_client=http), mode=mode, cache=None
            ) as mine,
        ):
            yield mine

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """The application, for a server of its own: its lifespan has begun."""
        assert scope["type"] == "http"
        await self.app(scope, receive, send)


@asynccontextmanager
async def site(
    front: Front | None = None,
    *,
    admission: Admission | None = None,
    environ: Mapping[str, str] | None = None,
    platform: ASGIApp | None = None,
    journal: Path | None = None,
    base_url: str = "http://127.0.0.1:8642",
) -> AsyncIterator[Site]:
    """Set a site up.

    Args:
        front: how callers reach it.
        admission: how much it may do at once.
        environ: the settings; the sandbox's, unless given.
        platform: what answers instead of the sandbox.
        journal: a file.
        base_url: the address that they name.
    """
    clock = Clock()
    sandbox = Sandbox(clock)
    front = front or Front()

    def now() -> float:
        return clock.now.timestamp()

    async def passing(seconds: float) -> None:
        clock.pass_seconds(seconds)

    given = sandbox.environment(BASE_URL) if environ is None else environ
    scope = Surface.of(shipped(), settings.read(shipped(), given, brought=front.caller_keys))
    admission = admission or places(front, scope)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            Gateway(Over(httpx2.ASGITransport(app=platform or sandbox.app)), now=now, sleep=passing)
        )
        engine = Engine(gateway, Journal(str(journal)) if journal else None)
        server = make(scope, engine, view=access.view(scope, front))
        app = application(server, front, admission, ready=reaches(scope))
        await stack.enter_async_context(app.lifespan_context(app))
        http = await stack.enter_async_context(
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=base_url)
        )
        yield Site(sandbox, clock, admission, gateway, app, http)


def minted(path: Path, **grants: str) -> dict[str, dict[str, str]]:
    """Write a token file; the headers with which each name calls.

    Args:
        path: the file.
        grants: names, and their scopes.
    """
    made = {name: tokens.mint(name, scopes.split()) for name, scopes in grants.items()}
    path.write_text("".join(f"{line}\n" for _, line in made.values()))
    return {name: {"Authorization": f"Bearer {token}"} for name, (token, _) in made.items()}


def bare(headers: Mapping[str, str]) -> str:
    """The token itself, of such headers."""
    return headers["Authorization"].removeprefix("Bearer ")


def task_of(sandbox: Sandbox) -> dict[str, str]:
    """The arguments that name a new task."""
    return {"session_id": sandbox.everruns.ids.active_session, "task_id": sandbox.everruns.add_task()}


def unwatched(sandbox: Sandbox) -> dict[str, Any]:
    """The arguments of a cancel of a new task that is not watched afterwards."""
    return {**task_of(sandbox), "wait_seconds": 0}


def keyless(sandbox: Sandbox) -> dict[str, str]:
    """The sandbox's settings without its keys."""
    given = sandbox.environment("http://127.0.0.1:1")
    return {name: value for name, value in given.items() if not name.endswith("_KEY")}


async def refused(way: TokenFile | Issuer, token: str) -> str:
    """Why a token lets nobody in."""
    with pytest.raises(TokenRefusedError) as caught:
        await way.verify(token)
    return str(caught.value)
