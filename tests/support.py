"""A server on a sandbox, both in memory, with time that only tests move."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from tests.sandbox.clock import Clock

from pullcord import manifest, settings
from pullcord.call import Desk
from pullcord.gateway import Gateway
from pullcord.sandbox import Sandbox
from pullcord.scope import Scope
from pullcord.server import make

BASE_URL = "http://127.0.0.1:1"
"""Loopback, so that the settings take it; the transport never looks."""


@dataclass
class Stage:
    """The sandbox, its clock, and a client of a server on it."""

    sandbox: Sandbox
    clock: Clock
    scope: Scope
    client: Client
    slept: list[float] = field(default_factory=list)

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a tool; its answer, which must be the same in both halves of the result."""
        result = await self.client.call_tool(name, dict(arguments or {}))
        answer: dict[str, Any] = result.structured_content or {}
        return answer


@asynccontextmanager
async def stage(
    mode: str = "auto",
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """Set the stage.

    Args:
        mode: the protocol era, "legacy" or "auto".
        transport: what answers instead of the sandbox.
        environ: settings on top of the sandbox's.
    """
    clock = Clock()
    sandbox = Sandbox(clock)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.pass_seconds(seconds)

    catalogue = manifest.load(manifest.shipped())
    scope = Scope.of(catalogue, settings.read(catalogue, {**sandbox.environment(BASE_URL), **(environ or {})}))
    gateway = Gateway(
        transport or httpx2.ASGITransport(app=sandbox.app), now=lambda: clock.now.timestamp(), sleep=sleep
    )
    async with gateway, Client(make(scope, Desk(gateway)), mode=mode, cache=None) as client:
        yield Stage(sandbox, clock, scope, client, slept)
