"""Restate: its server, and a service whose handlers it calls."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx2
from tests.environment import npm
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "RESTATE_DISABLE_TELEMETRY": "true",
    "RESTATE_LOG_DISABLE_ANSI_CODES": "true",
    "RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE": "256MB",
}


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both; work is started at another port of the server than the one that pullcord is told."""
    admin, ingress, node, service = free_ports(4)
    address = f"http://127.0.0.1:{admin}"
    settings = {
        **SETTINGS,
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
    }
    modules = home / "node_modules"
    server = modules / ".bin" / "restate-server"
    (folder / "service.mjs").write_bytes((FIXTURES / "restate" / "service.mjs").read_bytes())
    (folder / "node_modules").symlink_to(modules)  # where the service looks for what it imports
    async with (
        process([server, "--base-dir", folder / "data", "--listen-mode", "tcp"], folder / "server.log", settings),
        process([modules / "node" / "bin" / "node", folder / "service.mjs", str(service)], folder / "service.log", {}),
        httpx2.AsyncClient(base_url=address, trust_env=False) as client,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ingress}", trust_env=False) as starter,
    ):
        await ready(client, "/health")
        await ready(starter, "/restate/health")
        deployment = {"uri": f"http://127.0.0.1:{service}"}
        (await client.post("/deployments", json=deployment)).raise_for_status()
        yield Running({"RESTATE_API_URL": address}, partial(_start, starter))


async def _start(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    answer = await client.post(f"/worker/{kind}/send", json={"file": str(file), "seconds": seconds})
    return {"invocation_id": answer.raise_for_status().json()["invocationId"]}


SERVER = Server(("@restatedev/restate-server", "@restatedev/restate-sdk"), partial(npm, "real/restate"), running)
