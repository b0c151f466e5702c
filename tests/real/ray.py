"""Ray: one node of a cluster that asks for a token, to which jobs are submitted."""

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from tests.environment import venv
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

KEY = "the-clusters-token-of-32-letters"
MANY = 64
"""More processors than this cluster has."""
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": KEY}


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """The node. The names of its sockets hold its folder's, which must be short."""
    port, clients, dashboard, agent = free_ports(4)
    address = f"http://127.0.0.1:{dashboard}"
    with TemporaryDirectory(prefix="ray-") as short:
        command: list[str | Path] = [home / "bin" / "ray", "start", "--head", "--block", "--node-ip-address=127.0.0.1"]
        ports = [f"--port={port}", f"--ray-client-server-port={clients}", "--min-worker-port=0", "--max-worker-port=0"]
        seen = ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"]
        size = ["--num-cpus=2", "--object-store-memory=100000000", "--disable-usage-stats", f"--temp-dir={short}"]
        async with (
            process([*command, *ports, *seen, *size], folder / "node.log", SETTINGS),
            httpx2.AsyncClient(
                base_url=address, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=30
            ) as client,
        ):
            await ready(client, "/api/jobs/")
            settings = {"RAY_API_URL": address, "RAY_AUTH_TOKEN": KEY}
            start = partial(_start, client, home / "bin" / "python")
            yield Running(settings, start, wrong_key={"RAY_AUTH_TOKEN": "another-clusters-token-of-others"})


async def _start(client: httpx2.AsyncClient, python: Path, kind: str, file: Path, seconds: float) -> dict[str, str]:
    word, _, waits = kind.partition(" ")
    command = [str(python), str(FIXTURES / "ray" / "job.py"), word, str(file), str(seconds)]
    needs = {"entrypoint_num_cpus": MANY} if waits else {}
    answer = await client.post("/api/jobs/", json={"entrypoint": shlex.join(command), **needs})
    return {"submission_id": answer.raise_for_status().json()["submission_id"]}


LEFT = "children processes"
"""What may go on after a job was stopped: what had left it."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.SAY_YES, LEFT, leaves=Truth.ENDED)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.SAY_YES, LEFT)
STOPPED = (*RUNS, CANCEL, AGAIN)

PLATFORM = Platform(
    server=Server(("ray",), partial(venv, "real/ray", whole=True), running),
    instances=("ray",),
    lists=(("list_ray_jobs", {}),),
    look="get_ray_job",
    cancel="stop_ray_job",
    unknown={"submission_id": "raysubmit_nope"},
    malformed={"submission_id": "a/b"},
    stories=(
        Story(
            "four jobs, found and stopped by an agent that knows nothing",
            "work",
            (Step(Ask.EVERYTHING, "stopped observed", Must.SAY_YES, LEFT, leaves=Truth.ENDED),),
            beside=("deaf", "session", "task"),
        ),
        Story(
            "an entrypoint that heeds SIGTERM",
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
        Story("an entrypoint that ignores SIGTERM", "deaf", STOPPED),
        Story("a child process in a session of its own", "session", STOPPED),
        Story("an entrypoint that started a daemon", "daemon", STOPPED, seconds=120),
        Story("a task that the cluster runs", "task", STOPPED),
        Story("an entrypoint that started a detached actor", "actor", STOPPED, seconds=120),
        Story(
            "an entrypoint that ended by itself",
            "work",
            (Step(Ask.LOOK, "observed", Must.SAY_YES, LEFT), AGAIN),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "an entrypoint that waits for processors that the cluster doesn't have",
            "work waits",
            (
                Step(Ask.FIND, "observed"),
                Step(Ask.CANCEL, "stopping", Must.NOT_SAY_YES, "current_step"),
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES),
            ),
            begins=Truth.NEVER_BEGAN,
        ),
    ),
)
