"""The clients, and how one is driven: by lines of JSON to a driver that runs in the client's own environment."""

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream
from tests.environment import CACHE, npm, venv

import pullcord

Ask: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[list[str]]]
"""Calls a tool; every form in which a host on this client may show the answer to its model."""

SOURCE = str(Path(pullcord.__file__).parents[1])
SERVER = [
    "/usr/bin/env",  # a client starts its servers with hardly any environment
    f"PYTHONPATH={SOURCE}",
    sys.executable,
    "-m",
    "pullcord",
    "serve",
    "--sandbox",
]
DRIVERS = Path(__file__).parent / "drivers"
RECIPES = Path(__file__).parent / "recipes"
"""Drivers that have pullcord in their own process, each with the piece of code that docs/frameworks.md shows."""
PATIENCE = 300
"""Seconds for one answer of a driver; the first starts the client and the server."""


class Client(NamedTuple):
    """A client that others wrote."""

    title: str
    packages: tuple[str, ...]
    """What its environment is made of; the first is the client itself, and tells the version."""
    driver: str
    shown: str
    """Which part of a result its model is shown."""
    era: tuple[str, ...] = ()
    folder: Path = DRIVERS
    over: tuple[str, ...] = ()
    """Packages that are put over what the others ask for."""

    @property
    def version(self) -> str:
        """The version that is driven."""
        return self.packages[0].replace("==", "@").rpartition("@")[2]

    @property
    def log(self) -> Path:
        """What it and its server wrote to standard error."""
        return CACHE / f"{self.home.replace('/', '-')}.log"

    @property
    def home(self) -> str:
        """The name of its environment."""
        package = re.split(r"[=\[]", self.packages[0])[0]
        return Path(self.driver).stem if self.folder == DRIVERS else f"{self.folder.name}/{package}"


BOTH = "text or structured, as the host chooses"
INSPECTOR = ("@modelcontextprotocol/inspector@2.12.0",)
CLIENTS: Mapping[str, Client] = {
    "typescript-1": Client(
        "TypeScript SDK 1.x client", ("@modelcontextprotocol/sdk@1.32.2",), "typescript_1.mjs", BOTH
    ),
    "typescript-2": Client(
        "TypeScript SDK 2.x client", ("@modelcontextprotocol/client@2.4.0",), "typescript_2.mjs", BOTH
    ),
    "inspector-legacy": Client(
        "MCP Inspector, `--strict`, before 2026", INSPECTOR, "inspector.py", "both", era=("legacy",)
    ),
    "inspector-modern": Client(
        "MCP Inspector, `--strict`, 2026-07-28", INSPECTOR, "inspector.py", "both", era=("modern",)
    ),
    "fastmcp": Client("FastMCP client", ("fastmcp==4.1.2",), "fastmcp_client.py", BOTH),
    "langchain": Client(
        "langchain-mcp-adapters", ("langchain-mcp-adapters==0.3.2",), "langchain_subprocess.py", "text", folder=RECIPES
    ),
    "openai-agents": Client(
        "openai-agents",
        ("openai-agents==0.24.0",),
        "openai_agents.py",
        "text; structured with `use_structured_content`",
    ),
    "pydantic-ai": Client(
        "pydantic-ai", ("pydantic-ai-slim[mcp]==2.68.0",), "pydantic_agent.py", "structured; an error as text"
    ),
    # It turns each tool's schema into one of Gemini's own, and fails on what that doesn't know.
    "google-genai": Client(
        "google-genai, Gemini's SDK", ("google-genai==3.6.1", "mcp==2.3.0"), "google_genai.py", "both"
    ),
    "agent-framework": Client(
        "agent-framework-core",
        ("agent-framework-core==1.23.0", "mcp==2.3.0", "tenacity==9.2.1"),
        "agent_framework_agent.py",
        "structured; errors only with `include_detailed_errors`",
    ),
}


class Driven(NamedTuple):
    """A client that runs."""

    tools: list[str]
    ask: Ask


@asynccontextmanager
async def driven(client: Client) -> AsyncIterator[Driven]:
    """A client with a server of its own on the sandbox."""
    driver, home = client.folder / client.driver, installed(client)
    own = home / "bin" / "python"
    program = "node" if driver.suffix == ".mjs" else str(own) if own.exists() else sys.executable
    command = [program, str(driver), *client.era, *SERVER]
    with client.log.open("wb") as log, anyio.fail_after(PATIENCE * 4):
        async with await anyio.open_process(command, cwd=home, stderr=log, env=environment(client)) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("a process without pipes")
            told = BufferedByteReceiveStream(process.stdout)
            asked = process.stdin

            async def line() -> dict[str, Any]:
                with anyio.fail_after(PATIENCE):
                    answer: dict[str, Any] = json.loads(await told.receive_until(b"\n", 16 * 1024 * 1024))
                    return answer

            async def ask(tool: str, arguments: Mapping[str, Any]) -> list[str]:
                await asked.send(json.dumps({"tool": tool, "arguments": dict(arguments)}).encode() + b"\n")
                shown: list[str] = (await line())["shown"]
                return shown

            yield Driven((await line())["tools"], ask)
            await asked.aclose()
            with anyio.move_on_after(PATIENCE):
                await process.wait()


def installed(client: Client) -> Path:
    """The folder of a client's environment."""
    is_python = not client.packages[0].startswith("@")
    return venv(client.home, *client.packages, over=client.over) if is_python else npm(client.home, *client.packages)


def environment(client: Client) -> dict[str, str]:
    """This process's environment, without what would steer a client's Python; a recipe's leads to pullcord."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    return {**kept, "PYTHONPATH": os.pathsep.join([SOURCE, str(DRIVERS)])} if client.folder == RECIPES else kept
