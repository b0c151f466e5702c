"""Platforms for a Cord, a server and an application, which reach them over real HTTP on loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import anyio
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.serving.site import Held

from pullcord.model.value import Json
from pullcord.sandbox import Sandbox, running
from pullcord.serving.front import Front
from pullcord.serving.listening import listening


@dataclass
class Reached:
    """The sandbox, and the variables that reach it."""

    sandbox: Sandbox
    environ: dict[str, str]

    @property
    def sent(self) -> list[str]:
        """What reached it that was no look."""
        return [request.path for request in self.sandbox.requests if request.method == "POST"]


@asynccontextmanager
async def reached(wind_down: float = 0.3) -> AsyncIterator[Reached]:
    """A sandbox.

    Args:
        wind_down: seconds that a cooperative cancel takes.
    """
    sandbox = Sandbox(wind_down=wind_down)
    async with running(sandbox) as base_url:
        yield Reached(sandbox, sandbox.environment(base_url))


class Holding(NamedTuple):
    """A platform that answers when it is told to, and a cancel that reaches it."""

    environ: dict[str, str]
    platform: Held
    tool: str = "cancel_task"
    arguments: Mapping[str, Json] = MappingProxyType(
        {"session_id": f"session_{'0' * 32}", "task_id": f"task_{'0' * 32}"}
    )


@asynccontextmanager
async def holding() -> AsyncIterator[Holding]:
    """A platform that answers when it is told to."""
    platform = Held()
    async with listening(Starlette(routes=[Mount("/", platform)]), Front(port=0)) as origin:
        yield Holding({"EVERRUNS_API_KEY": "evr_pat_0", "EVERRUNS_API_URL": origin}, platform)


async def until_sent(on: Reached) -> None:
    """Wait until something reached the sandbox that was no look."""
    with anyio.fail_after(30):
        while not on.sent:  # noqa: ASYNC110 - the sandbox has no event
            await anyio.sleep(0.01)
