"""A2A: two agents, made with the protocol's Python SDK, at which a task can be started and cancelled over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx2
from tests.environment import venv
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready

KEYS = {"": "the first agent's key", "billing ": "the other agent's key"}
"""Of each agent, by what stands before a kind of work that it shall do."""


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both agents; the second is an instance by the name of billing."""
    ports = free_ports(2)
    first, billing = (f"http://127.0.0.1:{port}" for port in ports)
    command = [home / "bin" / "python", FIXTURES / "a2a" / "agent.py"]
    one, other = KEYS.values()
    async with (
        process([*command, str(ports[0])], folder / "agent.log", {"TOKEN": one}),
        process([*command, str(ports[1])], folder / "billing.log", {"TOKEN": other}),
        _client(first, one) as agent,
        _client(billing, other) as second,
    ):
        clients = {"": agent, "billing ": second}
        for client in clients.values():
            await ready(client, "/tasks")
        settings = {"A2A_API_URL": first, "A2A_API_KEY": one, "A2A_BILLING_API_URL": billing, "A2A_BILLING_API_KEY": other}
        yield Running(settings, partial(_start, clients))


def _client(address: str, key: str) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {key}", "A2A-Version": "1.0"}
    return httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False)


async def _start(clients: Mapping[str, httpx2.AsyncClient], kind: str, file: Path, seconds: float) -> dict[str, str]:
    agent, _, name = kind.rpartition(" ")
    text = json.dumps({"kind": name, "file": str(file), "seconds": seconds})
    message = {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": [{"text": text}]}
    answer = await clients[f"{agent} " if agent else ""].post(
        "/message:send", json={"message": message, "configuration": {"returnImmediately": True}}
    )
    return {"id": answer.raise_for_status().json()["task"]["id"]}


SERVER = Server(("a2a-sdk",), partial(venv, "real/a2a", whole=True), running)
