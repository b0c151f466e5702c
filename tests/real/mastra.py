"""Mastra: its server, with workflows whose steps let a file grow, on a node of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx2
from tests.environment import npm
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

KEY = "the-servers-key"


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """The server; it keeps what it remembers where it runs."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/api"
    modules, program = home / "node_modules", folder / "server.mjs"
    program.write_bytes((FIXTURES / "mastra" / "server.mjs").read_bytes())
    (folder / "node_modules").symlink_to(modules)  # where it looks for what it imports
    command: list[str | Path] = [modules / "node" / "bin" / "node", program, str(port)]
    async with (
        process(command, folder / "server.log", {"KEY": KEY, "MASTRA_TELEMETRY_DISABLED": "1"}),
        httpx2.AsyncClient(
            base_url=address, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=30
        ) as client,
    ):
        await ready(client, "/workflows")
        settings = {"MASTRA_API_URL": address, "MASTRA_API_KEY": KEY}
        yield Running(settings, partial(_start, client), wrong_key={"MASTRA_API_KEY": "another-key"})


async def _start(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    runs = f"/workflows/{kind}"
    run = (await client.post(f"{runs}/create-run", json={})).raise_for_status().json()["runId"]
    work = {"inputData": {"file": str(file), "seconds": seconds}}
    (await client.post(f"{runs}/start", params={"runId": run}, json=work)).raise_for_status()
    return {"workflowId": kind, "runId": run}


STEP = "current_step"
"""What may go on while a step is busy."""
LEFT = "processes"
"""What may go on after a run: what its steps left."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO, STEP),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.SAY_YES, LEFT, leaves=Truth.ENDED)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.SAY_YES, LEFT)
NEVER_BEGAN = (Step(Ask.FIND_RUNNING, "observed"), CANCEL._replace(leaves=Truth.NEVER_BEGAN), AGAIN)
UNKNOWN = "00000000-0000-0000-0000-000000000000"

PLATFORM = Platform(
    server=Server(("@mastra/core", "@mastra/hono", "@mastra/libsql"), partial(npm, "real/mastra"), running),
    instances=("mastra",),
    lists=(("list_mastra_workflows", {}), "list_mastra_runs"),
    look="get_mastra_run",
    cancel="cancel_mastra_run",
    unknown={"workflowId": "task", "runId": UNKNOWN},
    malformed={"workflowId": "task", "runId": "a/b"},
    stories=(
        Story(
            "three runs: a step that heeds its signal, a nested one, and one that sleeps",
            "task",
            (Step(Ask.EVERYTHING, "stopped", Must.SAY_YES, LEFT, leaves=Truth.ENDED),),
            beside=("nested", "sleeper"),
        ),
        Story(
            "a step that heeds its signal",
            "task",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL,
                Step(Ask.LOOK, "observed", Must.SAY_YES, LEFT),
                AGAIN,
            ),
        ),
        Story(
            "a step that is deaf to its signal",
            "deaf",
            (
                *RUNS,
                Step(Ask.CANCEL, "stopping", Must.SAY_NO, f"{STEP} {LEFT}", {"wait_seconds": 3}, leaves=Truth.RUNS),
                Step(Ask.LOOK, "observed", Must.SAY_NO, f"{STEP} {LEFT}", {"wait_seconds": 0}),
                AGAIN._replace(once=Truth.ENDED),
            ),
            seconds=20,
        ),
        Story(
            "a step, where one before it had left a process",
            "daemon",
            (*RUNS, CANCEL, AGAIN),
            seconds=60,
        ),
        Story("a step of a nested workflow", "nested", (RUNS[2], CANCEL, AGAIN)),
        Story("a run that sleeps", "sleeper", NEVER_BEGAN, begins=Truth.NEVER_BEGAN),
        Story("a run that waits for a person", "asks", NEVER_BEGAN, begins=Truth.NEVER_BEGAN),
        Story(
            "a run that succeeded, whose record a cancel would spoil",
            "task",
            (
                Step(Ask.LOOK, "observed", Must.SAY_YES, LEFT),
                AGAIN,
                Step(Ask.LOOK, "observed", Must.SAY_YES, LEFT),
            ),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
    ),
)
