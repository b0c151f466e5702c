"""Restate: its server, and a service whose handlers it calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx2
from tests.environment import npm
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, HAD_ENDED, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

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
    handler, _, delayed = kind.partition(" ")
    delay = {"delay": "10m"} if delayed else {}
    work = {"file": str(file), "seconds": seconds}
    answer = await client.post(f"/worker/{handler}/send", json=work, params=delay)
    return {"invocation_id": answer.raise_for_status().json()["invocationId"]}


GOES_ON = "children current_step"
"""What may go on after a cancel: the record tells nothing of the handler's own code, and of what it sent off."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO, GOES_ON),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, GOES_ON)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON)

PLATFORM = Platform(
    server=Server(("@restatedev/restate-server", "@restatedev/restate-sdk"), partial(npm, "real/restate"), running),
    instances=("restate",),
    lists=(("list_restate_invocations", {}),),
    look="get_restate_invocation",
    cancel="cancel_restate_invocation",
    unknown={"invocation_id": "inv_1e3SUtnKPRcK6sNuqzDCUKs0fjtUWtj0J0"},
    malformed={"invocation_id": "bogus"},
    stories=(
        Story(
            "three invocations, found and stopped by an agent that knows nothing",
            "task",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, GOES_ON),),
            beside=("task", "parent"),
        ),
        Story(
            "a handler that awaits Restate",
            "task",
            (
                *RUNS,
                *MISTAKES,
                CANCEL,
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON),
                AGAIN,
            ),
        ),
        Story(
            "a handler that swallows its cancellation",
            "deaf",
            (
                *RUNS,
                CANCEL._replace(outcomes="stopping", must=Must.SAY_NO),
                Step(Ask.STRONGER, "stopped", Must.NOT_SAY_YES, GOES_ON),
                AGAIN,
            ),
        ),
        Story("a handler that works inside `ctx.run`", "busy", (*RUNS, CANCEL, AGAIN)),
        Story("a handler that awaits another one, which works", "parent", (*RUNS, CANCEL, AGAIN)),
        Story("a handler that sent off another one, which works", "detached", (*RUNS, CANCEL, AGAIN)),
        Story(
            "a handler that sent off another one, which is stopped with it",
            "detached",
            (RUNS[0], CANCEL._replace(arguments={"cascade": True}, leaves=Truth.ENDED), AGAIN),
        ),
        Story(
            "a handler that ended by itself",
            "task",
            HAD_ENDED,
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "a delayed invocation",
            "task delayed",
            (Step(Ask.FIND, "observed"), Step(Ask.CANCEL, "stopped", Must.SAY_YES)),
            begins=Truth.NEVER_BEGAN,
        ),
    ),
)
