"""opencode: its headless server, and a model that lets a file grow while it answers, or has a tool called."""

import json
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
from tests.environment import npm
from tests.real import models
from tests.real.server import TICKS, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth, left

USER, PASSWORD = "opencode", "the-servers-password"
SETTINGS = {
    "OPENCODE_SERVER_PASSWORD": PASSWORD,
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
}
HOMES = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"}
"""Where it keeps what is its own, below a folder: it shall have nothing of this machine's user."""
AUTHOR = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
REPOSITORY = (["init", "--quiet"], [*AUTHOR, "commit", "--quiet", "--allow-empty", "--message=Begin"])
"""What git is told to make a directory a project of its own."""


def _config(port: int) -> Mapping[str, Any]:
    """Which model it has, and that it asks nobody whether it may use a tool."""
    options = {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "none"}
    slow = {"name": "Slow", "limit": {"context": 100_000, "output": 10_000}}
    model = {"npm": "@ai-sdk/openai-compatible", "name": "Fixture", "options": options, "models": {"slow": slow}}
    allowed = {"bash": "allow", "task": "allow"}
    named = {"model": "fixture/slow", "small_model": "fixture/slow", "provider": {"fixture": model}}
    return {"autoupdate": False, "share": "disabled", "permission": allowed, **named}


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both; the server works in one directory, and some sessions are of another project."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    program = home / "node_modules" / "opencode-linux-x64" / "bin" / "opencode"
    directory, elsewhere, own = folder / "directory", folder / "elsewhere", folder / "home"
    homes = {name: str(own / place) for name, place in HOMES.items()}
    async with models.answering(folder) as model:
        for each in (directory, elsewhere):
            each.mkdir()
            (each / "opencode.json").write_text(json.dumps(_config(model)), encoding="utf-8")
        for words in REPOSITORY:
            await anyio.run_process(["git", "-C", str(elsewhere), *words])
        options = ["serve", "--hostname", "127.0.0.1", "--port", str(port), "--print-logs"]
        settings = {**SETTINGS, **homes, "OPENCODE_CONFIG": str(directory / "opencode.json")}
        async with (
            process([program, *options], folder / "server.log", settings),
            httpx2.AsyncClient(base_url=address, auth=(USER, PASSWORD), trust_env=False, timeout=30) as client,
        ):
            await ready(client, "/session")
            reached = {"OPENCODE_SERVER_URL": address, "OPENCODE_SERVER_AUTH": f"{USER}:{PASSWORD}"}
            wrong = {"OPENCODE_SERVER_AUTH": f"{USER}:another-password"}
            yield Running(reached, partial(_start, client, directory, elsewhere), wrong_key=wrong)


async def _start(
    client: httpx2.AsyncClient, directory: Path, elsewhere: Path, kind: str, file: Path, seconds: float
) -> dict[str, str]:
    word, _, place = kind.partition(" ")
    where = {"directory": str(elsewhere if place else directory)}
    session = (await client.post("/session", json={}, params=where)).raise_for_status().json()["id"]
    if word != "nothing":
        prompt = {"parts": [{"type": "text", "text": json.dumps(_order(word, file, seconds))}]}
        (await client.post(f"/session/{session}/prompt_async", json=prompt, params=where)).raise_for_status()
    return {"sessionID": session}


def _order(kind: str, file: Path, seconds: float) -> Mapping[str, Any]:
    work = {"file": str(file), "seconds": seconds}
    command = shlex.join([sys.executable, str(TICKS / "ticks.py"), str(file), str(seconds)])
    daemon = shlex.join(["setsid", "--fork", sys.executable, str(TICKS / "ticks.py"), str(left(file)), str(seconds)])
    about = {"description": "work"}
    orders: Mapping[str, Mapping[str, Any]] = {
        "answer": work,
        "command": {"tool": "bash", "arguments": {**about, "command": command}},
        "daemon": {"tool": "bash", "arguments": {**about, "command": f"{daemon} >daemon.log 2>&1; {command}"}},
        "subagent": {
            "tool": "task",
            "arguments": {**about, "prompt": json.dumps(work), "subagent_type": "general"},
        },
    }
    return orders[kind]


LEFT = "processes requests"
"""What may go on after a turn: what its commands left in the background, and the request for the session's title."""
OPEN = f"current_step {LEFT}"
"""What may go on while a message is open."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, OPEN),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.SAY_YES, LEFT, leaves=Truth.ENDED)
AGAIN = Step(Ask.CANCEL, "nothing_running", Must.SAY_YES, LEFT)
ANOTHER = {"expect_message_id": "msg_of_another_turn"}

PLATFORM = Platform(
    server=Server(("opencode-linux-x64",), partial(npm, "real/opencode"), running),
    instances=("opencode",),
    lists=(("list_opencode_sessions", {}), "list_busy_opencode_sessions"),
    look="get_opencode_turn",
    cancel="abort_opencode_session",
    unknown={"sessionID": "ses_000000000000aaaaaaaaaaaaaa"},
    malformed={"sessionID": "bogus"},
    stories=(
        Story(
            "three sessions, of two projects",
            "answer",
            (Step(Ask.EVERYTHING, "stopped", Must.SAY_YES, LEFT, leaves=Truth.ENDED),),
            beside=("command", "answer elsewhere"),
        ),
        Story(
            "a model's answer",
            "answer",
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
            "a model's answer, where that to another turn was expected, and then this one",
            "answer",
            (
                RUNS[0],
                Step(Ask.CANCEL, "target_changed", arguments=ANOTHER, leaves=Truth.RUNS),
                CANCEL,
                Step(Ask.CANCEL, "target_changed", arguments=ANOTHER),
            ),
        ),
        Story("a model's answer in another project", "answer elsewhere", (*RUNS, CANCEL, AGAIN)),
        Story("a command", "command", (*RUNS, CANCEL, AGAIN)),
        Story(
            "a command that had started a process in a session of its own",
            "daemon",
            (*RUNS, CANCEL, AGAIN),
            seconds=60,
        ),
        Story("a subagent", "subagent", (RUNS[2], CANCEL, AGAIN)),
        Story(
            "a turn that ended by itself",
            "answer",
            (Step(Ask.LOOK, "observed", Must.SAY_YES, LEFT), AGAIN),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "a session that never ran",
            "nothing",
            (Step(Ask.LOOK, "observed", Must.SAY_YES), AGAIN),
            begins=Truth.NEVER_BEGAN,
        ),
    ),
)
