"""python -m tests.costs: what tools and answers cost an agent, in tokens (o200k_base), measured on the sandbox.

Prints a table; the exit status is 1 where something costs more than it may.
"""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import anyio
from mcp import types
from tests.environment import venv
from tests.support import shipped, stage

from pullcord.commands.agent import Agent
from pullcord.manifest import loading
from pullcord.model.operation import Operation
from pullcord.model.running import callables
from pullcord.sandbox import Sandbox
from pullcord.serving.tools import tool

TOKENIZER = ("bpe-openai==0.1.4", "typing-extensions==4.16.0")
"""It brings its vocabulary with it: nothing is downloaded when it counts."""
COUNT = """
import json, sys
from bpe_openai import get_encoding
print(json.dumps([len(get_encoding("o200k_base").encode(text)) for text in json.load(sys.stdin)]))
"""

ALL_TOOLS = 25_000
"""Tokens that the definitions of all shipped platforms may cost together."""
FIND = 1_800
"""find_running with 20 items."""
LIST = 1_500
"""A list of 13."""
SINGLE = 350
"""Any other answer."""
CASCADE = 1_200
"""A session stopped with all that it started."""
TWO_CALLS = 1_500
"""The look at what runs on a platform, and the stop of one piece of it."""
WHOLE = 9_000
"""An agent that knows nothing, until all of the sandbox has stopped."""
WHOLE_CALLS = 20
"""Its calls."""
STOPPED = {"everruns": "Crawl the old site", "evershell": "Rewrite the tests", "xpander": "Reconcile the ledger"}
"""What is stopped on each platform, by name."""

_SEEDED = Sandbox()
EVERRUNS, EVERSHELL, XPANDER = _SEEDED.everruns.ids, _SEEDED.evershell.ids, _SEEDED.xpander.ids
_SESSION = {"session_id": EVERRUNS.active_session}
_TASK = {**_SESSION, "task_id": EVERRUNS.background_task}
_BUSY = {"workspace_id": EVERSHELL.busy_workspace}
SINGLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("stopped", "cancel_task", _TASK),
    ("stopping", "cancel_task", {**_TASK, "wait_seconds": 0}),
    ("its work goes on in a child session", "cancel_task", {**_SESSION, "task_id": EVERRUNS.subagent_task}),
    ("stopped", "cancel_turn", _SESSION),
    ("nothing running", "cancel_turn", {"session_id": EVERRUNS.idle_session}),
    ("not found", "cancel_turn", {"session_id": f"session_{'0' * 32}"}),
    ("malformed", "cancel_turn", {"session_id": "7"}),
    ("stopped", "cancel_workspace_task", _BUSY),
    ("another task runs", "cancel_workspace_task", {**_BUSY, "expect_task_id": EVERSHELL.finished_task}),
    ("stopped", "stop_task", {"task_id": XPANDER.executing_task}),
    ("with sub-executions", "stop_task", {"task_id": XPANDER.parent_task}),
    ("already finished", "stop_task", {"task_id": XPANDER.completed_task}),
    ("running", "get_task", _TASK),
    ("active", "get_session", _SESSION),
    ("running", "get_workspace_task", {**_BUSY, "task_id": EVERSHELL.busy_task}),
    ("executing", "get_execution", {"task_id": XPANDER.executing_task}),
)
"""Answers about one piece of work: what comes of it, the tool, and its arguments."""


class Cost(NamedTuple):
    """Something that an agent reads."""

    what: str
    texts: Sequence[str]
    most: int | None = None
    """Tokens that it may cost; None: as many as it takes."""


def definitions(operations: Iterable[Operation]) -> str:
    """What tools/list answers, as it goes over the wire."""
    listed = types.ListToolsResult(tools=[tool(operation) for operation in operations])
    return listed.model_dump_json(by_alias=True, exclude_none=True)


async def call(*calls: tuple[str, dict[str, Any]]) -> list[str]:
    """The answers to calls, one after the other on a new sandbox."""
    async with stage() as staged:
        results = [await staged.client.call_tool(name, arguments) for name, arguments in calls]
    return [block.text for result in results for block in result.content if isinstance(block, types.TextContent)]


async def whole() -> list[str]:
    """What an agent reads that knows no platform and stops everything."""
    async with stage() as staged:
        listed = (await staged.client.list_tools()).tools
        texts: list[str] = []

        async def answer(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            result = await staged.client.call_tool(name, dict(arguments))
            texts.extend(block.text for block in result.content if isinstance(block, types.TextContent))
            return result.structured_content or {}

        async def passing(seconds: float) -> None:
            staged.clock.pass_seconds(seconds)

        tools = [each.model_dump(mode="json", by_alias=True) for each in listed]
        await Agent(tools, answer, passing, lambda _: None).run()
    return texts


async def costs() -> AsyncIterator[Cost]:
    """All that is measured."""
    cancels = [each for each in shipped().values() if each.cancel]
    yield Cost("tools/list: the cancels", [definitions(cancels)])
    platforms = len({each.platform.name for each in shipped().values()})
    tools = [each for each in callables(shipped()).values() if each.tool]
    yield Cost(f"tools/list: {len(tools)} tools of {platforms} platforms", [definitions(tools)])
    everything = loading.load(loading.shipped())
    platforms = len({each.platform.name for each in everything.values()})
    tools = [each for each in callables(everything).values() if each.tool]
    yield Cost(f"tools/list: {len(tools)} tools of all {platforms} platforms", [definitions(tools)], ALL_TOOLS)
    (found,) = await call(("find_running", {}))
    yield Cost(f"find_running: {_items(found)} items", [found], FIND)
    (listed,) = await call(("list_executions", {}))
    yield Cost(f"list_executions: {_items(listed)} items", [listed], LIST)
    yield Cost(
        "cancel_turn: a session, with cascade", await call(("cancel_turn", {**_SESSION, "cascade": True})), CASCADE
    )
    for platform, name in STOPPED.items():
        look: tuple[str, dict[str, Any]] = ("find_running", {"platform": platform})
        items = json.loads((await call(look))[0])["resource"]["items"]
        (step,) = next(item["allowed_actions"] for item in items if item["name"] == name)
        both = await call(look, (step["tool"], step["arguments"]))
        yield Cost(f"find_running on {platform}, then {step['tool']}: {_outcome(both[1])}", both, TWO_CALLS)
    yield Cost("the demo's agent stops the whole sandbox", await whole(), WHOLE)
    for what, name, arguments in SINGLES:
        yield Cost(f"{name}: {what}", await call((name, arguments)), SINGLE)


def _items(answer: str) -> int:
    return len(json.loads(answer)["resource"]["items"])


def _outcome(answer: str) -> str:
    return str(json.loads(answer)["outcome"]).replace("_", " ")


def count(texts: Sequence[str]) -> list[int]:
    """The tokens of each text."""
    program = venv("costs", *TOKENIZER, whole=True) / "bin" / "python"
    counted = subprocess.run(  # noqa: S603 - the environment that was just made
        [program, "-c", COUNT], input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=60
    )
    return [int(number) for number in json.loads(counted.stdout)]


async def _main() -> int:
    measured = [each async for each in costs()]
    numbers = iter(count([text for each in measured for text in each.texts]))
    sys.stdout.write("| what | calls | tokens | at most |\n| --- | ---: | ---: | ---: |\n")
    over = 0
    for each in measured:
        tokens = sum(next(numbers) for _ in each.texts)
        over += each.most is not None and tokens > each.most
        most = "" if each.most is None else f"{each.most:,}"
        sys.stdout.write(f"| {each.what} | {len(each.texts)} | {tokens:,} | {most} |\n")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(anyio.run(_main))
