"""A2A: two agents, made with the protocol's Python SDK, at which a task can be started and cancelled over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx2
from tests.environment import venv
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

KEYS = {"": "the-first-agents-key", "billing ": "the-other-agents-key"}
"""Of each agent, by what stands before a kind of work that it shall do."""


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both agents; the second is an instance by the name of billing."""
    ports = free_ports(2)
    first, billing = (f"http://127.0.0.1:{port}" for port in ports)
    command = [home / "bin" / "python", FIXTURES / "a2a" / "agent.py"]
    one, other = KEYS.values()
    async with (
        process([*command, str(ports[0])], folder / "agent.log", {"TOKEN": one}),
        process([*command, str(ports[1])], folder / "billing.log", {"TOKEN": other}),
        _client(first, one) as agent,
        _client(billing, other) as second,
    ):
        clients = {"": agent, "billing ": second}
        for client in clients.values():
            await ready(client, "/tasks")
        settings = {
            "A2A_API_URL": first,
            "A2A_API_KEY": one,
            "A2A_BILLING_API_URL": billing,
            "A2A_BILLING_API_KEY": other,
        }
        yield Running(settings, partial(_start, clients), wrong_key={"A2A_API_KEY": "no-agents-key"})


def _client(address: str, key: str) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {key}", "A2A-Version": "1.0"}
    return httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False)


async def _start(clients: Mapping[str, httpx2.AsyncClient], kind: str, file: Path, seconds: float) -> dict[str, str]:
    agent, _, name = kind.rpartition(" ")
    text = json.dumps({"kind": name, "file": str(file), "seconds": seconds})
    message = {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": [{"text": text}]}
    answer = await clients[f"{agent} " if agent else ""].post(
        "/message:send", json={"message": message, "configuration": {"returnImmediately": True}}
    )
    return {"id": answer.raise_for_status().json()["task"]["id"]}


GOES_ON = "children current_step processes requests"
"""What may go on after a cancel: the record tells nothing of what the agent started."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO, "current_step"),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, GOES_ON)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON)
LOOK = Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON)

PLATFORM = Platform(
    server=Server(("a2a-sdk",), partial(venv, "real/a2a", whole=True), running),
    instances=("a2a", "a2a:billing"),
    lists=(("list_a2a_tasks", {"status": "TASK_STATE_WORKING"}),),
    look="get_a2a_task",
    cancel="cancel_a2a_task",
    unknown={"id": "85297c30-7bfc-4ba1-94fb-6bc832262e10"},
    malformed={"id": "a/b"},
    stories=(
        Story(
            "three tasks, found and stopped by an agent that knows nothing",
            "task",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, GOES_ON),),
            beside=("task", "slow"),
        ),
        Story(
            "a coroutine",
            "task",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL,
                LOOK,
                AGAIN,
            ),
        ),
        Story("a thread", "thread", (*RUNS, CANCEL, LOOK, AGAIN)),
        Story("a child process", "child", (*RUNS, CANCEL, LOOK, AGAIN)),
        Story(
            "a coroutine that goes on when it is cancelled, and then says that it is completed",
            "deaf",
            (
                *RUNS,
                CANCEL._replace(outcomes="stopped stopping"),
                LOOK,
                Step(Ask.LOOK, "observed", None, GOES_ON, once=Truth.ENDED),
                AGAIN,
            ),
            seconds=40,
        ),
        Story("a coroutine whose cancel takes 4 s", "slow", (*RUNS, CANCEL)),
        Story(
            "a coroutine whose cancel says that it is completed",
            "completes",
            (*RUNS, CANCEL._replace(outcomes="finished_first"), AGAIN),
        ),
        Story(
            "a coroutine of an agent that can't cancel, which ends it all the same",
            "refuses",
            (*RUNS, CANCEL._replace(outcomes="refused finished_first already_finished"), AGAIN),
        ),
        Story(
            "a task that waits for input",
            "asks",
            (Step(Ask.LOOK, "observed"), CANCEL, AGAIN),
            begins=Truth.ENDED,
        ),
        Story(
            "a coroutine that ended by itself",
            "task",
            (Step(Ask.LOOK, "observed", None, GOES_ON), Step(Ask.CANCEL, "already_finished", None, GOES_ON)),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
        Story(
            "a coroutine of another agent",
            "billing task",
            (*RUNS, Step(Ask.ELSEWHERE, "not_found"), CANCEL, AGAIN),
            instance="billing",
        ),
    ),
)
