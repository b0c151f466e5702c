"""LangGraph: its development server, which needs no account, with graphs of one node."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from shutil import copytree

import httpx2
from tests.environment import venv
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready

SETTINGS = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
"""It shall talk to nobody."""


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """The server; it keeps what it remembers beside its graphs, so it is given a copy of them."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    copytree(FIXTURES / "langgraph", folder, dirs_exist_ok=True)
    command = [home / "bin" / "langgraph", "dev", "--port", str(port)]
    options = ["--host", "127.0.0.1", "--no-browser", "--no-reload", "--n-jobs-per-worker", "20"]
    async with (
        process([*command, *options], folder / "server.log", SETTINGS),
        httpx2.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        await ready(client, "/ok")
        yield Running({"LANGGRAPH_API_URL": address}, partial(_start, client))


async def _start(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    thread = (await client.post("/threads", json={})).raise_for_status().json()["thread_id"]
    run = {"assistant_id": kind, "input": {"file": str(file), "seconds": seconds}}
    answer = await client.post(f"/threads/{thread}/runs", json=run)
    return {"thread_id": thread, "run_id": answer.raise_for_status().json()["run_id"]}


SERVER = Server(
    ("langgraph-api", "langgraph-runtime-inmem", "langgraph"), partial(venv, "real/langgraph", whole=True), running
)
