"""OpenHands: an agent server that asks for a key, and a model whose answers take long."""

import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from tests.environment import python, venv
from tests.real.server import FIXTURES, TICKS, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth, left

KEY = "the-servers-session-key"
SETTINGS = {
    "OH_SESSION_API_KEYS_0": KEY,
    "OH_SECRET_KEY": "the-servers-secret-of-32-letters",
    "OH_ENABLE_VSCODE": "false",
    "OH_ENABLE_VNC": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "DO_NOT_TRACK": "1",
}
TERMINAL = [{"name": "terminal", "params": {}}]


def install(*packages: str) -> Path:
    """Make the environment, of a Python that OpenHands runs on.

    Raises:
        RuntimeError: this machine has none.
        subprocess.CalledProcessError: something can't be installed; its tool has said why on standard error.
    """
    return venv("real/openhands", *packages, whole=True, interpreter=python("3.12", "3.13"))


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both."""
    port, model = free_ports(2)
    address = f"http://127.0.0.1:{port}"
    server: list[str | Path] = [home / "bin" / "agent-server", "--host", "127.0.0.1", "--port", str(port)]
    answers: list[str | Path] = [home / "bin" / "python", FIXTURES / "openhands" / "model.py", str(model)]
    settings = {**SETTINGS, "HOME": str(folder)}
    async with (
        process(answers, folder / "model.log", {}),
        process(server, folder / "server.log", settings),
        httpx2.AsyncClient(base_url=address, headers={"X-Session-API-Key": KEY}, trust_env=False, timeout=30) as client,
    ):
        await ready(client, "/api/conversations/count")
        settings = {"OPENHANDS_API_URL": address, "OPENHANDS_SESSION_API_KEY": KEY}
        start = partial(_start, client, f"http://127.0.0.1:{model}/v1", home / "bin" / "python")
        yield Running(settings, start, wrong_key={"OPENHANDS_SESSION_API_KEY": "another-servers-key"})


async def _start(
    client: httpx2.AsyncClient, model: str, python: Path, kind: str, file: Path, seconds: float
) -> dict[str, str]:
    """Start a conversation.

    Args:
        client: reaches the server.
        model: the model's address.
        python: runs what the shell shall run.
        kind: "model": it waits for its model; "shell": it first runs a command, which leaves it; "tool": it runs a
            command; "asks": it waits for a person who allows a command.
        file: grows while the model or, of a "tool", the command works.
        seconds: how long that is.
    """
    grows = left(file) if kind == "shell" else file
    command = shlex.join([str(python), str(TICKS / "ticks.py"), str(grows), str(seconds)])
    task = {"file": str(file), "seconds": seconds, **({} if kind == "model" else {"command": command})}
    workspace = file.with_name(f"{file.name}-workspace")
    workspace.mkdir()
    llm = {"usage_id": "x", "model": "openai/slow", "base_url": model, "api_key": "none", "timeout": 600}
    text = {"type": "text", "text": f"WORK:{json.dumps(task)}"}
    body: dict[str, Any] = {
        "agent": {"kind": "Agent", "llm": {**llm, "num_retries": 0}, "tools": TERMINAL if "command" in task else []},
        "workspace": {"kind": "LocalWorkspace", "working_dir": str(workspace)},
        "initial_message": {"role": "user", "content": [text], "run": True},
        "autotitle": False,
    }
    if kind == "asks":
        body["confirmation_policy"] = {"kind": "AlwaysConfirm"}
    answer = await client.post("/api/conversations", json=body)
    return {"conversation_id": answer.raise_for_status().json()["id"]}


LEFT = "children processes"
"""What may go on after a conversation ended: what its agent had started."""
GOES_ON = f"current_step {LEFT}"
PAUSE, DELETE = "pause_openhands_conversation", "delete_openhands_conversation"
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, GOES_ON)
LOOK = Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON)
ERASE = Step(Ask.STRONGER, "stopped", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.ENDED)

PLATFORM = Platform(
    server=Server(("openhands-agent-server", "openhands-sdk", "openhands-tools"), install, running),
    instances=("openhands",),
    lists=(("list_openhands_conversations", {"status": "running"}),),
    look="get_openhands_conversation",
    cancel="interrupt_openhands_conversation",
    unknown={"conversation_id": "11111111-1111-4111-8111-111111111111"},
    malformed={"conversation_id": "nope"},
    stories=(
        Story(
            "three conversations, found and stopped by an agent that knows nothing",
            "model",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.ENDED),),
            beside=("model", "tool"),
        ),
        Story(
            "an agent that waits for its model",
            "model",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL._replace(leaves=Truth.ENDED),
                LOOK,
                AGAIN,
            ),
        ),
        Story(
            "an agent that waits for its model, paused first",
            "model",
            (
                *RUNS,
                CANCEL._replace(outcomes="stopping", tool=PAUSE, leaves=Truth.RUNS),
                Step(Ask.STRONGER, "stopped", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.ENDED),
                AGAIN,
            ),
        ),
        Story(
            "an agent that waits for its model, whose conversation is deleted",
            "model",
            (*RUNS, ERASE._replace(tool=DELETE), Step(Ask.CANCEL, "not_found")),
        ),
        Story(
            "an agent whose shell runs a command",
            "tool",
            (*RUNS, CANCEL, LOOK, ERASE._replace(tool=DELETE)),
            seconds=120,
        ),
        Story(
            "an agent that waits for its model, beside a command of its shell",
            "shell",
            (*RUNS, CANCEL, LOOK, ERASE._replace(tool=DELETE)),
            seconds=120,
        ),
        Story(
            "an agent that waits for a person",
            "asks",
            (
                Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON),
                CANCEL._replace(outcomes="stopping"),
                Step(Ask.STRONGER, "stopped", Must.NOT_SAY_YES, GOES_ON),
            ),
            begins=Truth.NEVER_BEGAN,
        ),
        Story(
            "an agent that ended by itself",
            "model",
            (Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON, arguments={"wait_seconds": 10}), AGAIN),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
    ),
)
