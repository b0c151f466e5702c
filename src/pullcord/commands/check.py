"""pullcord check: what is configured, from where, and whether it works."""

import argparse
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict

import anyio

from pullcord.assembly.choice import surface, unnamed
from pullcord.commands import manifests
from pullcord.commands.options import choice
from pullcord.commands.terminal import has_colour, say
from pullcord.config.settings import platforms
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run as run_call
from pullcord.flow.engine import Engine
from pullcord.flow.step import Caller
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome
from pullcord.model.variables import variables
from pullcord.upstream.gateway import Gateway

WIDTH = 80
_GREEN, _YELLOW, _RED = 32, 33, 31
_UNTOLD: Mapping[str | None, str] = {None: "not asked", Outcome.RATE_LIMITED: "asked too often"}
"""What is said, by the outcome, of a platform that could not tell whether it works; of all others: no answer."""


class Live(TypedDict):
    """What a platform answered when it was asked for something harmless."""

    works: bool | None
    """Whether it answered as its manifest says, and accepted the key; None: nothing came that would tell."""
    operation: str | None
    """What it was asked for; None: the manifest has nothing that could be asked for without arguments."""
    outcome: str | None
    message: str


class Read(TypedDict):
    """A variable that a platform reads."""

    name: str
    source: str | None
    """What gives its value: NAME or NAME_FILE; None: it is not set."""
    empty_file: bool
    """Whether NAME_FILE is set, and names no file, or an empty one."""
    goes: str
    """Where its value goes."""


class Line(TypedDict):
    """One platform's settings."""

    platform: str
    title: str
    configured: bool
    """Whether a call can be sent."""
    obstacle: str | None
    """Why none can."""
    key: str
    base_url: str
    missing: list[str]
    faults: list[str]
    variables: list[Read]
    tools: list[str]
    live: NotRequired[Live | None]
    """None: no call can be sent, so it was not asked."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the report, and with --live what the platforms answer; the exit status."""
    if options.new:
        return manifests.write(options.new)
    offered = surface(choice(options), environ)
    notes = manifests.notes(options.manifest)
    lines, others = report(offered), report(unnamed(choice(options), environ))
    if options.live:
        lines = anyio.run(_live, lines, offered, environ)
    if options.json:
        print(json.dumps({"platforms": lines, "unnamed": others, "manifests": notes}, ensure_ascii=False, indent=2))
    else:
        told = [*manifests.told(notes), table(lines, colour=has_colour(environ)), *unoffered(others)]
        print("\n".join(told))
    if options.live and not any(line.get("live") for line in lines):
        say("nothing was asked: no platform has all that it needs; the first line of each says what to set")
    return 0 if (works(lines) if options.live else not any(line["faults"] for line in lines)) else 1


async def _live(lines: list[Line], offered: Surface, environ: Mapping[str, str]) -> list[Line]:
    async with Gateway(environ=environ) as gateway:
        return await live(lines, offered, gateway, say)


def report(scope: Surface) -> list[Line]:
    """Every platform's settings; keys are named, never shown."""
    lines: list[Line] = []
    for name, platform in platforms(scope.catalogue).items():
        settings = scope.settings[name]
        lines.append(
            {
                "platform": name,
                "title": platform.title,
                "configured": settings.obstacle is None,
                "obstacle": settings.obstacle,
                "key": f"{settings.key_source or 'none'} ({'set' if settings.key else 'not set'})",
                "base_url": settings.base_url,
                "missing": list(settings.missing),
                "faults": list(settings.faults),
                "variables": [
                    {
                        "name": each.name,
                        "source": settings.sources.get(each.name),
                        "empty_file": f"{each.name}_FILE" in settings.empty,
                        "goes": each.goes,
                    }
                    for each in variables(platform, scope.catalogue.values())
                ],
                "tools": [each.id for each in scope.tools.values() if each.platform.name == name],
            }
        )
    return lines


async def live(
    lines: list[Line], scope: Surface, gateway: Gateway, say: Callable[[str], object], pause: float = 1.0
) -> list[Line]:
    """The report, and what each configured platform answers when it is asked for something harmless.

    Args:
        lines: the report.
        scope: what it reports on.
        gateway: sends.
        say: told what is waited for, again and again.
        pause: seconds before it is told; each further pause is twice as long.
    """
    answers: dict[str, Live | None] = {line["platform"]: None for line in lines}
    waiting = {line["platform"]: line["title"] for line in lines if line["configured"]}

    async def ask(name: str) -> None:
        answers[name] = await _ask(name, scope, gateway)
        del waiting[name]

    async def report_waiting() -> None:
        seconds = pause
        await anyio.sleep(seconds)
        while waiting:
            say(f"waiting for {' and '.join(waiting.values())}")
            seconds *= 2
            await anyio.sleep(seconds)

    async with anyio.create_task_group() as reporter:
        reporter.start_soon(report_waiting)
        async with anyio.create_task_group() as questions:
            for name in waiting:
                questions.start_soon(ask, name)
        reporter.cancel_scope.cancel()
    return [{**line, "live": answers[line["platform"]]} for line in lines]


async def _ask(name: str, scope: Surface, gateway: Gateway) -> Live:
    operation = next(
        (each for each in scope.catalogue.values() if each.platform.name == name and _harmless(each)), None
    )
    if operation is None:
        message = "None of its observe operations can be called without arguments."
        return {"works": None, "operation": None, "outcome": None, "message": message}
    answer = await run_call(Call(scope, operation, {}), Engine(gateway), Caller("pullcord check", _unreported))
    # Without evidence no answer came; and who is asked too often has not said whether it works.
    telling = answer.evidence is not None and answer.outcome is not Outcome.RATE_LIMITED
    return {
        "works": answer.outcome is Outcome.OBSERVED if telling else None,
        "operation": operation.id,
        "outcome": str(answer.outcome),
        "message": answer.message,
    }


def _harmless(operation: Operation) -> bool:
    return operation.cancel is None and not any(parameter.required for parameter in operation.arguments)


async def _unreported(*_: object) -> None:
    """Only watching reports, and nothing is watched here."""


def works(lines: list[Line]) -> bool:
    """Whether at least one platform could be asked, and all that could work; with no fault in any settings."""
    verdicts = [answer["works"] for line in lines if (answer := line.get("live"))]
    return bool(verdicts) and all(verdicts) and not any(line["faults"] for line in lines)


def table(lines: list[Line], *, colour: bool = False) -> str:
    """The report as a person reads it, in 80 columns."""
    return "\n".join(part for line in lines for part in _block(line, colour=colour))


def unoffered(lines: list[Line]) -> list[str]:
    """The platforms that nobody named, as a person reads of them: what naming each would add, and what it needs."""
    if not lines:
        return []
    return [
        "Not offered, since nobody named them by --platform or in PULLCORD_PLATFORMS:",
        *(
            textwrap.fill(
                f"{line['platform']} ({_state(line)[0]}) would add {', '.join(line['tools'])}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * 9,
                break_on_hyphens=False,
            )
            for line in lines
        ),
    ]


def _block(line: Line, *, colour: bool) -> list[str]:
    state, shade = _state(line)
    rows = [
        *(("fault", fault) for fault in line["faults"]),
        ("URL", line["base_url"]),
        *(("reads", f"{each['name']} ({_given(each)}) goes into {each['goes']}") for each in line["variables"]),
        ("tools", ", ".join(line["tools"]) or "none"),
        *([("live", _told(answer))] if (answer := line.get("live")) else []),
    ]
    return [
        f"{line['title']}: " + (f"\x1b[{shade}m{state}\x1b[0m" if colour else state),
        *(
            textwrap.fill(
                what,
                WIDTH,
                initial_indent=f"  {name:<7}",
                subsequent_indent=" " * 9,
                break_long_words=False,  # a URL can only be copied whole
                break_on_hyphens=False,
            )
            for name, what in rows
        ),
    ]


def _state(line: Line) -> tuple[str, int]:
    """What a platform's first line says, and its colour."""
    answer = line.get("live")
    if line["faults"]:
        return "its settings can't be used", _RED
    if not line["configured"]:
        return f"set {' and '.join(line['missing'])}", _YELLOW
    if answer is None:
        return "ready", _GREEN
    if answer["works"] is None:
        return _UNTOLD.get(answer["outcome"], "no answer"), _YELLOW
    return ("works", _GREEN) if answer["works"] else ("does not work", _RED)


def _given(variable: Read) -> str:
    """What gives a variable its value."""
    source = variable["source"]
    if variable["empty_file"]:
        return f"not set: nothing in the file of {variable['name']}_FILE"
    return "not set" if source is None else "set" if source == variable["name"] else f"from {source}"


def _told(answer: Live) -> str:
    if answer["works"]:
        return f"{answer['operation']}: it answers, and accepts the key"
    return ": ".join(each for each in (answer["operation"], answer["outcome"], answer["message"]) if each)
