"""LangGraph: its development server, which needs no account, with graphs of one node."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from shutil import copytree

import httpx2
from tests.environment import venv
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, HAD_ENDED, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

SETTINGS = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
"""It shall talk to nobody."""


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """The server; it keeps what it remembers beside its graphs, so it is given a copy of them."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    copytree(FIXTURES / "langgraph", folder, dirs_exist_ok=True)
    command: list[str | Path] = [home / "bin" / "langgraph", "dev", "--port", str(port)]
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


GOES_ON = "current_step processes"
"""What may go on after a cancel: the record tells nothing of a node's thread and of its processes."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO, GOES_ON),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, GOES_ON)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON)

PLATFORM = Platform(
    server=Server(
        ("langgraph-api", "langgraph-runtime-inmem", "langgraph"), partial(venv, "real/langgraph", whole=True), running
    ),
    instances=("langgraph",),
    lists=(("search_langgraph_threads", {"status": "busy"}), "list_langgraph_runs"),
    look="get_langgraph_run",
    cancel="cancel_langgraph_run",
    unknown={
        "thread_id": "11111111-1111-4111-8111-111111111111",
        "run_id": "11111111-1111-4111-8111-111111111112",
    },
    malformed={"thread_id": "11111111-1111-4111-8111-111111111111", "run_id": "nope"},
    stories=(
        Story(
            "three runs, found and stopped by an agent that knows nothing",
            "task",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, GOES_ON),),
            beside=("task", "child"),
        ),
        Story(
            "a node that awaits",
            "task",
            (
                *RUNS,
                *MISTAKES,
                CANCEL,
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON),
                AGAIN,
            ),
        ),
        Story("a node that never yields", "sync", (*RUNS, CANCEL, AGAIN), seconds=60),
        Story("a node that waits for a child process", "child", (*RUNS, CANCEL, AGAIN)),
        Story(
            "a node that cleans up for 8 s",
            "cleanup",
            (
                *RUNS,
                CANCEL._replace(outcomes="stopping", arguments={"wait_seconds": 2}),
                CANCEL._replace(outcomes="stopping stopped already_finished"),
            ),
        ),
        Story(
            "a node that goes on when it is cancelled",
            "deaf",
            (*RUNS, CANCEL._replace(outcomes="stopping"), AGAIN._replace(outcomes="stopping already_finished")),
        ),
        Story(
            "a node that ended by itself",
            "task",
            HAD_ENDED,
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "a node that waits for a person",
            "asks",
            (Step(Ask.LOOK, "observed"), Step(Ask.CANCEL, "already_finished", None, GOES_ON)),
            begins=Truth.ENDED,
        ),
    ),
)
