"""Prefect: its server, which asks for a user and a password, and two runners, one of which is killed while it works."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from tests.environment import venv
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready, until
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth, truth

LOGIN = "operator:the password"
CLOCK = 45
"""Seconds after which the server gives up waiting for a runner; it is 300 unless it is told otherwise."""
GRACE = 40
"""Seconds that surely outlast those after which a runner kills what is deaf."""
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_API_AUTH_STRING": LOGIN,
    "PREFECT_API_AUTH_STRING": LOGIN,
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": str(CLOCK),
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
}


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """All three. A shell stands around the second runner, since a program that ends by itself ends the run."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/api"
    settings = {**SETTINGS, "PREFECT_HOME": str(folder / "home"), "PREFECT_API_URL": address}
    server: list[str | Path] = [home / "bin" / "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    runner: list[str | Path] = [home / "bin" / "python", FIXTURES / "prefect" / "flows.py"]
    shell = ["/bin/sh", "-c", '"$@"; sleep 3600', "sh"]
    user, password = LOGIN.split(":")
    async with (
        process(server, folder / "server.log", settings),
        httpx2.AsyncClient(base_url=address, auth=(user, password), trust_env=False, timeout=30) as client,
    ):
        await ready(client, "/health")
        async with (
            process([*runner, "first", folder / "first.pid"], folder / "first.log", settings),
            process([*shell, *runner, "doomed", folder / "doomed.pid"], folder / "doomed.log", settings),
        ):
            for name in ("first", "doomed"):
                await ready(client, f"/deployments/name/work/{name}")
            settings = {"PREFECT_API_URL": address, "PREFECT_API_AUTH_STRING": LOGIN}
            wrong_key = {"PREFECT_API_AUTH_STRING": "operator:another password"}
            yield Running(settings, partial(_start, client), wrong_key)


async def _start(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    flow, _, how = kind.partition(" ")
    run: dict[str, Any] = {"parameters": {"file": str(file), "seconds": seconds}}
    if how == "later":
        time = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        run["state"] = {"type": "SCHEDULED", "state_details": {"scheduled_time": time}}
    runner = "doomed" if how == "doomed" else "first"
    deployment = (await client.get(f"/deployments/name/{flow}/{runner}")).raise_for_status().json()["id"]
    answer = await client.post(f"/deployments/{deployment}/create_flow_run", json=run)
    name = str(answer.raise_for_status().json()["id"])
    if how == "doomed":
        await _begin(file)
        os.kill(int((file.parent / "doomed.pid").read_text(encoding="utf-8")), signal.SIGKILL)
    elif how == "marked":
        await _begin(file)
        marked = {"state": {"type": "CANCELLED"}}
        (await client.post(f"/flow_runs/{name}/set_state", json=marked)).raise_for_status()
    return {"id": name}


async def _begin(file: Path) -> None:
    async def begun() -> bool:
        return await truth(file) is Truth.RUNS

    await until(begun, "a flow that works")


LEFT = "children processes"
"""What may go on after a runner ended a flow run: what had left it."""
GOES_ON = f"current_step {LEFT}"
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.SAY_YES, LEFT, arguments={"wait_seconds": GRACE}, leaves=Truth.ENDED)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.SAY_YES, LEFT)
CANCELLED = (*RUNS, CANCEL, AGAIN)

PLATFORM = Platform(
    server=Server(("prefect",), partial(venv, "real/prefect", whole=True), running),
    instances=("prefect",),
    lists=(("list_prefect_flow_runs", {}),),
    look="get_prefect_flow_run",
    cancel="cancel_prefect_flow_run",
    unknown={"id": "11111111-1111-4111-8111-111111111111"},
    malformed={"id": "nope"},
    stories=(
        Story(
            "three flow runs, found and stopped by an agent that knows nothing",
            "work",
            (Step(Ask.EVERYTHING, "stopped observed", Must.SAY_YES, LEFT, leaves=Truth.ENDED),),
            beside=("deaf", "work later"),
        ),
        Story(
            "a flow that heeds SIGTERM",
            "work",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL,
                Step(Ask.LOOK, "observed", Must.SAY_YES, LEFT),
                AGAIN,
            ),
        ),
        Story("a flow that swallows whatever is raised in it", "deaf", CANCELLED),
        Story("a flow that started a daemon", "daemon", CANCELLED, seconds=120),
        Story("a flow that runs another one, which works", "outer", CANCELLED),
        Story(
            "a flow that is scheduled for later",
            "work later",
            (
                Step(Ask.FIND, "observed"),
                Step(Ask.CANCEL, "stopped", Must.SAY_YES),
                Step(Ask.CANCEL, "already_finished", Must.SAY_YES),
            ),
            begins=Truth.NEVER_BEGAN,
        ),
        Story(
            "a flow that ended by itself",
            "work",
            (
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON, arguments={"wait_seconds": GRACE}),
                Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON),
            ),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "a flow that somebody marked CANCELLED",
            "work marked",
            (
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.RUNS),
                Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.RUNS),
            ),
            seconds=60,
        ),
        Story(
            "a flow whose runner was killed",
            "work doomed",
            (
                *RUNS,
                Step(Ask.CANCEL, "stopping", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.RUNS),
                Step(
                    Ask.LOOK,
                    "observed",
                    Must.NOT_SAY_YES,
                    GOES_ON,
                    arguments={"wait_seconds": CLOCK},
                    leaves=Truth.RUNS,
                ),
                Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.RUNS),
            ),
            seconds=120,
        ),
    ),
)
