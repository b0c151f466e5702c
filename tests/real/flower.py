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
from tests.real.server import FIXTURES, TICKS, Running, Server, free_ports, process, ready, until
from tests.real.story import BRIEF, HAD_ENDED, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

USER, PASSWORD = "operator", "the password"
SLOTS = 3
"""Tasks that the worker does side by side."""
FULL = 12
"""Seconds for which every slot is taken when a task shall be queued: a few calls long, and less than a cancel waits."""


def install(*packages: str) -> Path:
    """Make the environment, and have Redis.

    Raises:
        RuntimeError: Redis is missing, and this user may not install it.
        subprocess.CalledProcessError: something can't be installed; its tool has said why on standard error.
    """
    if not shutil.which("redis-server"):
        if os.geteuid():
            raise RuntimeError("redis-server is missing, and only root may install it: apt-get install redis-server")
        apt = shutil.which("apt-get") or "apt-get"
        subprocess.run([apt, "install", "--yes", "--quiet", "redis-server"], check=True, timeout=PATIENCE)  # noqa: S603
    return venv("real/flower", *packages, whole=True)


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """All three."""
    redis, port = free_ports(2)
    address = f"http://127.0.0.1:{port}"
    celery: list[str | Path] = [home / "bin" / "celery", "--app", "tasks"]
    settings = {"BROKER": f"redis://127.0.0.1:{redis}/0", "PYTHONPATH": f"{TICKS}{os.pathsep}{FIXTURES / 'flower'}"}
    only_here: list[str | Path] = ["--bind", "127.0.0.1", "--port", str(redis), "--save", "", "--dir", folder]
    flower = [*celery, "flower", "--address=127.0.0.1", f"--port={port}", f"--basic_auth={USER}:{PASSWORD}"]
    async with (
        process(["redis-server", *only_here], folder / "redis.log", {}),
        process([*celery, "worker", "--task-events", "--concurrency", str(SLOTS)], folder / "worker.log", settings),
        process(flower, folder / "flower.log", settings),
        httpx2.AsyncClient(base_url=address, auth=(USER, PASSWORD), trust_env=False) as client,
    ):
        await ready(client, "/api/tasks")
        await _one_task_through(client, folder / "first")
        settings = {"FLOWER_API_URL": address, "FLOWER_API_KEY": f"{USER}:{PASSWORD}"}
        yield Running(settings, partial(_start, client), wrong_key={"FLOWER_API_KEY": f"{USER}:another password"})


async def _one_task_through(client: httpx2.AsyncClient, file: Path) -> None:
    """Wait until a task has gone its whole way: only then the worker takes orders, and the monitor knows its tasks."""
    task = (await _send(client, "task", file, 0))["task_id"]

    async def known() -> bool:
        answer = await client.get(f"/api/task/info/{task}")
        return answer.is_success and answer.json()["state"] == "SUCCESS"

    await until(known, "the first task's success")


async def _start(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    if kind != "queued":
        return await _send(client, kind, file, seconds)
    for slot in range(SLOTS):
        await _send(client, "task", file.with_name(f"{file.name}-waits-for-{slot}"), FULL)
    return await _send(client, "task", file, seconds)


async def _send(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    answer = await client.post(f"/api/task/send-task/tasks.{kind}", json={"args": [str(file), seconds]})
    return {"task_id": answer.raise_for_status().json()["task-id"]}


GOES_ON = "current_step processes"
"""What may go on after a revoke: the record says that a signal was sent, and no more."""
WITH_CHILDREN = f"children {GOES_ON}"
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO, GOES_ON),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, GOES_ON)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON)

PLATFORM = Platform(
    server=Server(("flower", "celery"), install, running),
    instances=("flower",),
    lists=(("list_celery_tasks", {"state": "STARTED"}),),
    look="get_celery_task",
    cancel="revoke_celery_task",
    unknown={"task_id": "11111111-1111-4111-8111-111111111111"},
    malformed={"task_id": "a/b"},
    stories=(
        Story(
            "two tasks, found and stopped by an agent that knows nothing",
            "task",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, GOES_ON),),
            beside=("task",),
        ),
        Story(
            "a task that heeds SIGTERM",
            "task",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL,
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON),
                AGAIN,
            ),
        ),
        Story("a task that waits for a child process", "child", (*RUNS, CANCEL, AGAIN)),
        Story(
            "a task that ended by itself",
            "task",
            HAD_ENDED,
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "a queued task",
            "queued",
            (
                Step(Ask.LOOK, "observed"),
                Step(Ask.CANCEL, "stopped", Must.SAY_YES, arguments={"wait_seconds": 25}),
                Step(Ask.CANCEL, "already_finished", Must.SAY_YES),
            ),
            begins=Truth.NEVER_BEGAN,
        ),
        Story(
            "a task that sent off another one, which works",
            "parent",
            (
                *RUNS[:2],
                *(step._replace(may_go_on=WITH_CHILDREN) for step in (RUNS[2], CANCEL, AGAIN)),
            ),
        ),
        Story(
            "a task that sent off another one, which is stopped with it",
            "parent",
            (
                RUNS[0],
                CANCEL._replace(arguments={"cascade": True}, leaves=Truth.ENDED),
                AGAIN._replace(may_go_on=WITH_CHILDREN),
            ),
        ),
        Story("a task that is deaf to SIGTERM", "deaf", (*RUNS, CANCEL, AGAIN)),
        Story(
            "a task that is deaf to SIGTERM, and gets SIGKILL at once",
            "deaf",
            (RUNS[0], CANCEL._replace(arguments={"signal": "SIGKILL"}, leaves=Truth.ENDED)),
        ),
    ),
)
