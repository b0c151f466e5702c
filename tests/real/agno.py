"""Agno: an AgentOS with one agent, whose model lets a file grow while it answers."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from tests.environment import venv
from tests.real import models
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready, until
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

KEY = "the-servers-key"
SLOTS = 6
"""Runs that it does side by side."""
FULL = 12
"""Seconds for which every slot is taken when a run shall wait: a few calls long, and less than a cancel waits."""
SETTINGS = {"OS_SECURITY_KEY": KEY, "AGNO_TELEMETRY": "false", "AGNO_BACKGROUND_MAX_CONCURRENCY": str(SLOTS)}


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both the server and the model. Whoever reads a stream goes on to do so until the end."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {KEY}"}
    command: list[str | Path] = [home / "bin" / "python", FIXTURES / "agno" / "agents.py", str(port)]
    async with (
        models.answering(folder) as model,
        process([*command, str(model)], folder / "server.log", SETTINGS),
        httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=30) as client,
        AsyncExitStack() as readers,
    ):
        await ready(client, "/sessions")
        settings = {"AGNO_API_URL": address, "AGNO_API_KEY": KEY}
        yield Running(settings, partial(_start, client, readers), wrong_key={"AGNO_API_KEY": "another-key"})


async def _start(
    client: httpx2.AsyncClient, readers: AsyncExitStack, kind: str, file: Path, seconds: float
) -> dict[str, str]:
    if kind == "waits":
        for slot in range(SLOTS):
            await _begin(client, "answers", file.with_name(f"{file.name}-waits-for-{slot}"), FULL)
        return await _begin(client, "answers", file, seconds)
    if kind == "streams":
        return await _begin_stream(client, readers, file, seconds)
    ids = await _begin(client, kind, file, seconds)
    if kind == "asks":
        await until(partial(_is, client, ids, "PAUSED"), "a run that asks")
    return ids


def _form(kind: str, file: Path, seconds: float) -> dict[str, str]:
    work = {"file": str(file), "seconds": seconds}
    tools = {"child": "in_child", "asks": "confirmed", "daemon": "in_daemon"}
    order: Mapping[str, Any] = {"tool": tools[kind], "arguments": work} if kind in tools else work
    session = {"session_id": file.name, "background": "true"}
    return {"message": json.dumps(order), "stream": str(kind == "streams").lower(), **session}


async def _begin(client: httpx2.AsyncClient, kind: str, file: Path, seconds: float) -> dict[str, str]:
    answer = await client.post("/agents/worker/runs", data=_form(kind, file, seconds))
    return _ids(file, answer.raise_for_status().json()["run_id"])


async def _begin_stream(
    client: httpx2.AsyncClient, readers: AsyncExitStack, file: Path, seconds: float
) -> dict[str, str]:
    form = _form("streams", file, seconds)
    stream = await readers.enter_async_context(client.stream("POST", "/agents/worker/runs", data=form))
    async for line in stream.raise_for_status().aiter_lines():
        if line.startswith("data:"):
            return _ids(file, json.loads(line.removeprefix("data:"))["run_id"])
    raise RuntimeError("Agno ended a stream before it had said anything")


def _ids(file: Path, run: str) -> dict[str, str]:
    return {"agent_id": "worker", "run_id": run, "session_id": file.name}


async def _is(client: httpx2.AsyncClient, ids: Mapping[str, str], status: str) -> bool:
    run = await client.get(f"/agents/{ids['agent_id']}/runs/{ids['run_id']}", params={"session_id": ids["session_id"]})
    return run.is_success and run.json()["status"] == status


GOES_ON = "current_step requests"
"""What may go on while the run is not over."""
LEFT = f"{GOES_ON} processes"
"""What may go on after a cancel: its record ends when the run's loop was left."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO, GOES_ON),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, LEFT)
LATE = Step(Ask.CANCEL, "stopping", Must.SAY_NO, GOES_ON, {"wait_seconds": 2}, leaves=Truth.RUNS)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, LEFT)
HAD_ENDED = (
    Step(Ask.LOOK, "observed", Must.SAY_YES, "processes"),
    Step(Ask.CANCEL, "already_finished", Must.SAY_YES, "processes"),
)

PLATFORM = Platform(
    server=Server(("agno",), partial(venv, "real/agno", whole=True), running),
    instances=("agno",),
    lists=(("list_agno_sessions", {}), "list_agno_runs"),
    look="get_agno_run",
    cancel="cancel_agno_run",
    unknown={"agent_id": "worker", "run_id": "89e117dd-cf3a-49d0-bbe0-71c31b5d1535", "session_id": "work-1"},
    malformed={"agent_id": "worker", "run_id": "a/b", "session_id": "work-1"},
    stories=(
        Story(
            "three runs whose models' answers are streamed",
            "streams",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, LEFT),),
            seconds=30,
            beside=("streams", "streams"),
        ),
        Story(
            "a run whose model's answer is streamed",
            "streams",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL,
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, LEFT, once=Truth.ENDED),
                AGAIN,
            ),
            seconds=20,
        ),
        Story(
            "a run whose model answers as a whole",
            "answers",
            (*RUNS, LATE, Step(Ask.CANCEL, "stopped already_finished", Must.NOT_SAY_YES, LEFT, once=Truth.ENDED)),
            seconds=14,
        ),
        Story(
            "a run whose tool waits for a child process",
            "child",
            (*RUNS, LATE, Step(Ask.CANCEL, "stopped already_finished", Must.NOT_SAY_YES, LEFT, once=Truth.ENDED)),
            seconds=14,
        ),
        Story(
            "a run that waits for a person",
            "asks",
            (
                Step(Ask.FIND_RUNNING, "observed"),
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON),
                Step(Ask.CANCEL, "stopping", Must.NOT_SAY_YES, GOES_ON, {"wait_seconds": 2}),
            ),
            begins=Truth.NEVER_BEGAN,
        ),
        Story(
            "a run that waits for its turn",
            "waits",
            (
                Step(Ask.FIND_RUNNING, "observed"),
                Step(Ask.CANCEL, "stopped", Must.SAY_YES),
                Step(Ask.CANCEL, "already_finished", Must.SAY_YES),
            ),
            begins=Truth.NEVER_BEGAN,
        ),
        Story("a run that ended by itself", "answers", HAD_ENDED, begins=Truth.ENDED, seconds=BRIEF),
        Story(
            "a run that ended by itself, and whose tool had left a process",
            "daemon",
            HAD_ENDED,
            begins=Truth.ENDED,
            seconds=40,
        ),
    ),
)
