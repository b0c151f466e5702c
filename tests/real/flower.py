"""Celery with Flower: a worker, its monitor with a user and a password, and Redis from Debian between them."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx2
from tests.environment import PATIENCE, venv
from tests.real.server import FIXTURES, TICKS, Running, Server, free_ports, process, ready

USER, PASSWORD = "operator", "the password"
SLOTS = 2
"""Tasks that the worker does side by side."""


def install(*packages: str) -> Path:
    """Make the environment, and have Redis.

    Raises:
        RuntimeError: Redis is missing, and this user may not install it.
        subprocess.CalledProcessError: something can't be installed; its tool has said why on standard error.
    """
    if not shutil.which("redis-server"):
        if os.geteuid():
            raise RuntimeError("redis-server is missing, and only root may install it: apt-get install redis-server")
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "redis-server"], check=True, timeout=PATIENCE)
    return venv("real/flower", *packages, whole=True)


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """All three."""
    redis, port = free_ports(2)
    address = f"http://127.0.0.1:{port}"
    celery = [home / "bin" / "celery", "--app", "tasks"]
    settings = {"BROKER": f"redis://127.0.0.1:{redis}/0", "PYTHONPATH": f"{TICKS}{os.pathsep}{FIXTURES / 'flower'}"}
    only_here = ["--bind", "127.0.0.1", "--port", str(redis), "--save", "", "--dir", folder]
    flower = [*celery, "flower", "--address=127.0.0.1", f"--port={port}", f"--basic_auth={USER}:{PASSWORD}"]
    async with (
        process(["redis-server", *only_here], folder / "redis.log", {}),
        process([*celery, "worker", "--task-events", "--concurrency", str(SLOTS)], folder / "worker.log", settings),
        process(flower, folder / "flower.log", settings),
        httpx2.AsyncClient(base_url=address, auth=(USER, PASSWORD), trust_env=False) as client,
    ):
        await ready(client, "/api/tasks")
        yield Running({"FLOWER_API_URL": address, "FLOWER_API_KEY": f"{USER}:{PASSWORD}"}, partial(_start, client))


async def _start(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    answer = await client.post(f"/api/task/send-task/tasks.{kind}", json={"args": [str(file), seconds]})
    return {"task_id": answer.raise_for_status().json()["task-id"]}


SERVER = Server(("celery", "flower", "redis"), install, running)
