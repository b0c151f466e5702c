"""pullcord demo: an agent stops work over a real MCP connection to a server on the embedded sandbox.

Nothing here names a tool or a platform: work is found by its title, and each call is an action that was offered.
"""

import argparse
import sys
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import anyio
from mcp import Client, MCPError, StdioServerParameters

from pullcord.commands.agent import Action, Agent, Answer, Step, actions
from pullcord.commands.terminal import has_colour

MARGIN = " " * 16


class Scene(NamedTuple):
    """A piece of the sandbox's work, and what it shows."""

    work: str
    """Its title."""
    moral: str
    beside: Mapping[str, Any] = {}
    """Arguments of its cancel, beside those that name it."""


SCENES = (
    Scene("Crawl the old site", "A background task takes a while to stop: asked to is not stopped."),
    Scene("Rewrite links", "A subagent works in a child session, which the cancel of its task does not reach."),
    Scene("Rewrite the tests", "One call can wait until the work has really ended.", {"wait_seconds": 20}),
    Scene("Reconcile the ledger", "Another platform, another way to stop, and the same next steps."),
)

_COLOURS: Mapping[str, int] = {"yes": 32, "no": 33, "unknown": 33}
"""The codes of the colours: green for work that has ended, yellow for work that may run."""


def run(_: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Tell the story at the terminal; the exit status."""
    return anyio.run(partial(tell, partial(print, flush=True), colour=has_colour(environ)))


async def tell(say: Callable[[str], object], *, colour: bool = False, limit: float = 120) -> int:
    """Start a server on its sandbox, and tell the story.

    Args:
        say: writes a line.
        colour: whether it may hold colours.
        limit: seconds for all of it, which takes less than 30.

    Returns:
        The exit status: 0 if everything really happened.

    Raises:
        BrokenPipeError: the reader of the lines has gone.
    """
    is_heard = True
    server = StdioServerParameters(command=sys.executable, args=["-m", "pullcord", "serve", "--sandbox"])
    try:
        with anyio.move_on_after(limit):
            async with Client(server) as client:
                return await Story(client, say, anyio.sleep, colour=colour).tell()
    except* MCPError:
        pass
    except* BrokenPipeError:
        is_heard = False
    if not is_heard:
        raise BrokenPipeError
    title = _bold("Failed", colour=colour)
    say(f"{title}: the server did not start, went away, or took more than {limit:g} s; its own words are above.")
    return 1


class Story:
    """What happens on the sandbox, as it is told.

    Args:
        client: of a server on it.
        say: writes a line.
        sleep: waits for seconds.
        colour: whether lines may hold colours.
    """

    def __init__(
        self,
        client: Client,
        say: Callable[[str], object],
        sleep: Callable[[float], Awaitable[None]],
        *,
        colour: bool,
    ) -> None:
        self._client, self._say, self._sleep, self._colour = client, say, sleep, colour

    async def tell(self) -> int:
        """Tell all of it; the exit status."""
        tools = [tool.model_dump(mode="json", by_alias=True) for tool in (await self._client.list_tools()).tools]
        faults: list[str] = []
        self._head("What runs?", "This look at all platforms is the only call that no answer offers.")
        cancels = await _running(Agent(tools, self._call, self._sleep, self._count))
        agent = Agent(tools, self._call, self._sleep, self._narrate)
        for number, scene in enumerate(SCENES, 1):
            self._head(f"{number}. {scene.work}", scene.moral)
            if cancel := cancels.get(scene.work):
                await agent.ask({**cancel, "arguments": {**cancel["arguments"], **scene.beside}})
                await agent.confirm()
            else:
                faults.append(f"nothing that runs is called {scene.work!r}")
        self._head("Everything else", "An agent that knows no platform asks what runs, and follows actions.")
        rest = Agent(tools, self._call, self._sleep, self._note)
        if not await rest.run():
            faults.append("something still runs, or may run")
        works = [*agent.works, *rest.works]
        faults += [f"{work.cancel['tool']}: {work.answer['message']}" for work in works if not work.ended]
        names = {work.cancel["tool"] for work in works if work.ended}
        stops = [tool["name"] for tool in tools if tool["annotations"]["destructiveHint"]]
        faults += [f"{name} stopped nothing" for name in stops if name not in names]
        if faults:
            self._head("Failed", *faults)
            return 1
        proofs = sum(work.proved for work in works)
        self._head(
            "All that can be stopped has stopped",
            f"{len(works)} pieces of work were asked to stop, with {len(names)} tools. Each is over by its platform's"
            f" record. Of {proofs} a sign of the work itself says that it has stopped; of the others the record is all"
            " that their platforms give. The last look at the lists found nothing more to stop: what it still shows"
            " waits, and its platform has no cancel for it as it is.",
        )
        return 0

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> Answer:
        result = await self._client.call_tool(name, dict(arguments), progress_callback=self._progress)
        return result.structured_content or {}

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        self._say(f"{MARGIN}{progress:.0f} of {total or 0:.0f} s: {message}")

    def _head(self, title: str, *paragraphs: str) -> None:
        self._say(f"\n{_bold(title, colour=self._colour)}")
        for paragraph in paragraphs:
            self._say(textwrap.fill(paragraph, 80, initial_indent="   ", subsequent_indent="   "))
        self._say("")

    def _count(self, step: Step) -> None:
        """Write a line for a part of a list."""
        if step.answer:
            items = (step.answer["resource"] or {}).get("items", [])
            running = sum(any(actions(item, "cancel")) for item in items)
            self._say(f"   {step.action['tool']:<22} {len(items):>3} items, {running} of them can be stopped")

    def _narrate(self, step: Step) -> None:
        """Write a call in full, and its answer."""
        if step.answer:
            word = _word(step.answer)
            line = f"{word}: {step.answer['message']}"
            text = textwrap.fill(line, 80, initial_indent=MARGIN, subsequent_indent=MARGIN)
            self._say(text.replace(word, self._paint(word, step.answer), 1))
        else:
            self._say(f"   {step.action['rel']:<12} {step.action['tool']}")
            for name, value in step.action["arguments"].items():
                self._say(f"{MARGIN}{name}: {value}")

    def _note(self, step: Step) -> None:
        """Write a line for a call, with the last of its ids."""
        if step.answer:
            ids = [value for value in step.action["arguments"].values() if isinstance(value, str)]
            name = ids[-1][-24:] if ids else ""
            word = self._paint(_word(step.answer), step.answer)
            self._say(f"   {step.action['rel']:<12} {step.action['tool']:<22} {name:<24} {word}")

    def _paint(self, text: str, answer: Answer) -> str:
        return f"\x1b[{_COLOURS[answer['work_stopped']]}m{text}\x1b[0m" if self._colour else text


def _bold(text: str, *, colour: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if colour else text


def _word(answer: Answer) -> str:
    """The answer in a word or two: the outcome of a cancel, the state or number of items of a look."""
    if answer["outcome"] != "observed":
        return str(answer["outcome"])
    items = (answer["resource"] or {}).get("items")
    return str(answer["state"]) if items is None else f"{len(items)} items"


async def _running(agent: Agent) -> dict[str, Action]:
    """The cancels of everything that runs, by its name."""
    items, _ = await agent.find()
    return {str(item.get("name")): cancel for item in items for cancel in actions(item, "cancel")}
