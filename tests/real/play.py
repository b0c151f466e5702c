"""Plays a story: starts the work, asks pullcord over MCP, looks at the work itself, and judges each answer."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import anyio
from mcp import Client, MCPError, StdioServerParameters
from tests.real.judge import faults
from tests.real.server import Running, until
from tests.real.story import ABOUT_THE_WORK, Ask, Call, Platform, Step, Story
from tests.real.transcript import Row
from tests.real.witness import Truth, left, truth

import pullcord
from pullcord.commands.agent import FIND_RUNNING, Agent

Answer: TypeAlias = dict[str, Any]
Caller: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[Answer]]
"""Calls a tool of pullcord."""

PATIENCE = 90
"""Seconds for one answer, which may have waited for the end of the work."""


class Served(NamedTuple):
    """A server of pullcord."""

    call: Caller
    tools: Sequence[Mapping[str, Any]]
    """Those that it lists."""


class Callers(NamedTuple):
    """Two servers of pullcord for one platform."""

    right: Served
    wrong: Served
    """Its key is refused."""


class Way(NamedTuple):
    """How work is found."""

    begin: Call
    """A list."""
    further: Sequence[str]
    """Tools of lists, each offered by an item of the list before it."""


class Played(NamedTuple):
    """What came of a story."""

    rows: list[Row]
    faults: list[str]
    """Sentences; none if the story held."""


@asynccontextmanager
async def serving(instances: tuple[str, ...], settings: Mapping[str, str]) -> AsyncIterator[Served]:
    """`pullcord serve` over stdio, with platforms named and settings given."""
    named = [word for instance in instances for word in ("--platform", instance)]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "pullcord", "serve", *named],
        env={"PYTHONPATH": str(Path(pullcord.__file__).parents[1]), **settings},
    )
    async with Client(server) as client:

        async def call(tool: str, arguments: Mapping[str, Any]) -> Answer:
            with anyio.fail_after(PATIENCE):
                result = await client.call_tool(tool, dict(arguments))
            if result.structured_content is None:
                raise LookupError(f"{tool} has no answer: {result.content}")
            answer: Answer = result.structured_content
            return answer

        listed = (await client.list_tools()).tools
        yield Served(call, [tool.model_dump(mode="json", by_alias=True) for tool in listed])


@dataclass
class Scene:
    """A story while it is played."""

    story: Story
    platform: Platform
    ids: Mapping[str, str]
    """The arguments that name the work."""
    known: Answer = field(default_factory=dict)
    """The last answer about the work, whose actions the next step follows."""
    beside: list[Mapping[str, str]] = field(default_factory=list)
    """The arguments that name what was started beside it."""

    def tool(self, name: str) -> str:
        """A tool of the platform, as the instance that has the work calls it."""
        return f"{self.story.instance}_{name}" if self.story.instance else name

    def call(self, step: Step) -> Call:
        """The call of a step other than finding: as it was offered, else put together from the ids.

        Raises:
            LookupError: a stronger stop was not offered.
        """
        if step.tool:
            return self.tool(step.tool), {**self.ids, **step.arguments}
        look, cancel = self.tool(self.platform.look), self.tool(self.platform.cancel)
        calls: Mapping[Ask, Call | None] = {
            Ask.LOOK: offered(self.known, "tool", look) or (look, self.ids),
            Ask.CANCEL: offered(self.known, "tool", cancel) or (cancel, self.ids),
            Ask.STRONGER: offered(self.known, "rel", "terminate"),
            Ask.ELSEWHERE: (self.platform.cancel, self.ids),
            Ask.UNKNOWN: (cancel, self.platform.unknown),
            Ask.MALFORMED: (cancel, self.platform.malformed),
            Ask.WRONG_KEY: (cancel, self.ids),
        }
        call = calls[step.ask]
        if call is None:
            raise LookupError("no stronger stop is offered")
        tool, arguments = call
        return tool, {**arguments, **step.arguments}


async def played(story: Story, platform: Platform, running: Running, callers: Callers, file: Path) -> Played:
    """Play a story, as far as it goes.

    Args:
        story: which one.
        platform: the one that it is about.
        running: the platform's server.
        callers: call tools of pullcord.
        file: the one that the work shall let grow.
    """
    result = Played([], [])
    try:
        scene = Scene(story, platform, await running.start(story.kind, file, story.seconds))
        for number, kind in enumerate(story.beside):
            scene.beside.append(
                await running.start(kind, file.with_name(f"{file.name}-beside-{number}"), story.seconds)
            )
        await _become(story.begins, file)
        for step in story.steps:
            if step.once:
                await _become(step.once, file)
            row, answer = await _asked(step, scene, callers, file)
            result.rows.append(row)
            result.faults.extend(
                f"{story.work}: {step.ask}: {fault}" for fault in faults(step, answer, row.true, row.left)
            )
            sys.stderr.write(f"  {row.work}: {row.ask}: {row.outcome}, stopped: {row.work_stopped}, true: {row.true}\n")
    except (LookupError, MCPError, TimeoutError) as error:
        result.faults.append(f"{story.work}: it can't go on: {error}")
    return result


async def _become(true: Truth, file: Path) -> None:
    async def holds() -> bool:
        return await truth(file) is true

    await until(holds, f"work that {true}")


async def _asked(step: Step, scene: Scene, callers: Callers, file: Path) -> tuple[Row, Answer]:
    caller = (callers.wrong if step.ask is Ask.WRONG_KEY else callers.right).call
    if step.ask in BEGIN:
        (tool, arguments), answer = await find(caller, scene, step.ask)
    elif step.ask is Ask.EVERYTHING:
        tool, arguments, answer = FIND_RUNNING, {}, await stop_everything(callers.right, scene)
    else:
        tool, arguments = scene.call(step)
        answer = await caller(tool, arguments)
    about_the_work = step.ask in ABOUT_THE_WORK
    if about_the_work or step.ask in BEGIN:
        scene.known = answer
    names = {value: f"<{name}>" for name, value in scene.ids.items()}
    row = Row(
        work=scene.story.work,
        ask=step.ask,
        tool=tool,
        arguments={name: names.get(value, value) for name, value in arguments.items()},
        outcome=answer["outcome"],
        work_stopped=answer["work_stopped"],
        may_go_on=tuple(answer["may_go_on"]),
        state=answer["state"],
        true=await truth(file) if about_the_work else None,
        left=await truth(left(file)) if about_the_work and left(file).exists() else None,
    )
    return row, answer


def _listed(scene: Scene) -> Way:
    (first, arguments), *further = scene.platform.lists
    return Way((scene.tool(first), arguments), further)


BEGIN: Mapping[Ask, Callable[[Scene], Way]] = {
    Ask.FIND: _listed,
    Ask.FIND_RUNNING: lambda _: Way(("find_running", {}), []),
}
"""How work is found."""


async def find(caller: Caller, scene: Scene, ask: Ask) -> tuple[Call, Answer]:
    """Find work as an agent does: in lists, of which an item may lead to the next one.

    Args:
        caller: calls a tool.
        scene: has the work.
        ask: how, one of BEGIN.

    Returns:
        The call of the list that offers to cancel the work, and its answer with the item's actions in place of its own.

    Raises:
        LookupError: a list doesn't have it, or its item offers nothing to go on with.
    """
    call, further = BEGIN[ask](scene)
    for follow in (*further, scene.platform.cancel):
        answer = await caller(*call)
        items = (answer["resource"] or {}).get("items", [])
        item = next((item for item in items if _is_of(scene.ids, item)), None)
        if item is None:
            raise LookupError(f"{call[0]} does not list the work: {answer['message']}")
        found = call, {**answer, "allowed_actions": item["allowed_actions"]}
        following = offered(item, "tool", scene.tool(follow))
        if following is None:
            raise LookupError(f"an item of {call[0]} does not offer {follow}")
        call = following
    return found


async def stop_everything(served: Served, scene: Scene) -> Answer:
    """Have everything stopped by the agent that knows no platform, and follows actions only.

    Args:
        served: the server that it uses.
        scene: has the work.

    Returns:
        The last answer about the work.

    Raises:
        LookupError: it left something, by the platform's record, or did not find the work.
    """
    agent = Agent(served.tools, served.call, anyio.sleep, lambda _: None)
    if not await agent.run():
        told = "; ".join(str(work.answer["message"]) for work in agent.works if not work.ended)
        raise LookupError(f"the agent that follows actions alone left something: {told}")
    answers = [
        next((work.answer for work in agent.works if ids.items() <= work.cancel["arguments"].items()), None)
        for ids in (scene.ids, *scene.beside)
    ]
    if answers[0] is None or None in answers:
        raise LookupError(f"the agent that follows actions alone did not find {answers.count(None)} of {len(answers)}")
    return dict(answers[0])


def offered(answer: Answer, key: str, value: str) -> Call | None:
    """The call that an answer, or an item of a list, offers.

    Args:
        answer: has the actions.
        key: the member of an action to go by: `tool` or `rel`.
        value: what it shall be.
    """
    for action in answer.get("allowed_actions", []):
        if action.get(key) == value and "tool" in action:
            return action["tool"], action["arguments"]
    return None


def _is_of(ids: Mapping[str, str], item: Mapping[str, Any]) -> bool:
    """Whether an item of a list is the work, or where it is done: what it offers names that, and nothing else."""
    given = {pair for action in item["allowed_actions"] for pair in action["arguments"].items() if pair[0] in ids}
    return bool(given) and given <= ids.items()
