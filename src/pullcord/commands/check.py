"""pullcord check: what is configured, from where, and whether it works."""

import argparse
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict

import anyio

from pullcord.assembly.choice import surface, unnamed
from pullcord.commands import authoring
from pullcord.commands.options import choice
from pullcord.commands.terminal import has_colour, say
from pullcord.config.settings import platforms
from pullcord.config.surface import Surface
from pullcord.flow import call as flow_call
from pullcord.flow.attempt import Call
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome
from pullcord.model.variables import variables
from pullcord.upstream.gateway import Gateway

WIDTH = 80
_GREEN, _YELLOW, _RED = 32, 33, 31
_UNDECIDED: Mapping[str | None, str] = {None: "not asked", Outcome.RATE_LIMITED: "asked too often"}
"""The text, by the outcome, for a platform of which it is unknown whether it works; for other outcomes: no answer."""


class Live(TypedDict):
    """What a platform answered to a harmless request."""

    works: bool | None
    """Whether it answered as its manifest says, and accepted the key; None: that is unknown."""
    operation: str | None
    """The operation that was called; None: the manifest has none that can be called without arguments."""
    outcome: str | None
    message: str


class VariableLine(TypedDict):
    """A variable that a platform reads."""

    name: str
    source: str | None
    """What gives its value: NAME or NAME_FILE; None: it is not set."""
    empty_file: bool
    """Whether NAME_FILE is set, and its file is missing or empty."""
    goes: str
    """Where its value is sent."""


class Line(TypedDict):
    """One platform's settings."""

    platform: str
    title: str
    configured: bool
    """Whether a call can be sent."""
    obstacle: str | None
    """Why no call can be sent."""
    key: str
    base_url: str
    missing: list[str]
    faults: list[str]
    variables: list[VariableLine]
    tools: list[str]
    live: NotRequired[Live | None]
    """Its answer; None: no call can be sent."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the report, and with --live what the platforms answer.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status: 0 if there is no fault, and with --live every platform that could answer works.
    """
    if options.new:
        return authoring.write(options.new)
    offer = surface(choice(options), environ)
    notes, own = authoring.notes(options.manifest), authoring.platforms(options.manifest)
    # Whoever checks a manifest asks about that: it comes first, and what is not offered is left out.
    lines = sorted(report(offer), key=lambda line: line["platform"] not in own)
    rest = report(unnamed(choice(options), environ))
    if options.live:
        lines = anyio.run(_live, lines, offer, environ)
    if options.json:
        print(json.dumps({"platforms": lines, "unnamed": rest, "manifests": notes}, ensure_ascii=False, indent=2))
    else:
        others = [] if options.manifest else unoffered(rest)
        texts = [*authoring.lines(notes), table(lines, colour=has_colour(environ)), *others]
        print("\n".join(texts))
    if options.live and not any(line.get("live") for line in lines):
        say("nothing was asked: no platform has all that it needs; the first line of each says what to set")
    return 0 if (works(lines) if options.live else not any(line["faults"] for line in lines)) else 1


async def _live(lines: list[Line], offer: Surface, environ: Mapping[str, str]) -> list[Line]:
    async with Gateway(environ=environ) as gateway:
        return await live(lines, offer, gateway, say)


def report(offer: Surface) -> list[Line]:
    """The settings of every platform; of a key only its variable, never the key."""
    lines: list[Line] = []
    for name, platform in platforms(offer.catalogue).items():
        settings = offer.settings[name]
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
                    for each in variables(platform, offer.catalogue.values())
                ],
                "tools": [each.id for each in offer.tools.values() if each.platform.name == name],
            }
        )
    return lines


async def live(
    lines: list[Line], offer: Surface, gateway: Gateway, say: Callable[[str], object], pause: float = 1.0
) -> list[Line]:
    """The report, and what each configured platform answers to a harmless request.

    Args:
        lines: the report.
        offer: the surface that it reports on.
        gateway: sends the requests.
        say: called with a sentence about the platforms that have not answered yet.
        pause: seconds before the first such sentence; each further pause is twice as long.
    """
    answers: dict[str, Live | None] = {line["platform"]: None for line in lines}
    titles = {line["platform"]: line["title"] for line in lines if line["configured"]}

    async def ask(name: str) -> None:
        answers[name] = await _ask(name, offer, gateway)
        del titles[name]

    waiting = anyio.CancelScope()

    async def report_waiting() -> None:
        seconds = pause
        with waiting:
            await anyio.sleep(seconds)
            while titles:
                say(f"waiting for {' and '.join(titles.values())}")
                seconds *= 2
                await anyio.sleep(seconds)

    if titles:
        async with anyio.create_task_group() as reporter:
            reporter.start_soon(report_waiting)
            async with anyio.create_task_group() as questions:
                for name in titles:
                    questions.start_soon(ask, name)
            waiting.cancel()
    return [{**line, "live": answers[line["platform"]]} for line in lines]


async def _ask(name: str, offer: Surface, gateway: Gateway) -> Live:
    operation = next(
        (each for each in offer.catalogue.values() if each.platform.name == name and _harmless(each)), None
    )
    if operation is None:
        message = "None of its observe operations can be called without arguments."
        return {"works": None, "operation": None, "outcome": None, "message": message}
    answer = await flow_call.answer(Call(offer, operation, {}), Engine(gateway), Caller("pullcord check"))
    # Without evidence no answer came; and a rate limit does not tell whether the platform works.
    is_telling = answer.evidence is not None and answer.outcome is not Outcome.RATE_LIMITED
    return {
        "works": answer.outcome is Outcome.OBSERVED if is_telling else None,
        "operation": operation.id,
        "outcome": str(answer.outcome),
        "message": answer.message,
    }


def _harmless(operation: Operation) -> bool:
    return operation.cancel is None and not any(parameter.required for parameter in operation.arguments)


def works(lines: list[Line]) -> bool:
    """Whether at least one platform answered, all that answered work, and no settings have a fault."""
    verdicts = [answer["works"] for line in lines if (answer := line.get("live"))]
    return bool(verdicts) and all(verdicts) and not any(line["faults"] for line in lines)


def table(lines: list[Line], *, colour: bool = False) -> str:
    """The report as a person reads it, in 80 columns.

    Args:
        lines: a line for each platform.
        colour: whether the text may hold colours.
    """
    return "\n".join(part for line in lines for part in _block(line, colour=colour))


def unoffered(lines: list[Line]) -> list[str]:
    """The platforms that are not named, as text for a person: what naming each would add, and what it needs."""
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
    state, colour_code = _state(line)
    rows = [
        *(("fault", fault) for fault in line["faults"]),
        ("URL", line["base_url"]),
        *(("reads", f"{each['name']} ({_source_text(each)}) goes into {each['goes']}") for each in line["variables"]),
        ("tools", ", ".join(line["tools"]) or "none"),
        *([("live", _live_text(answer))] if (answer := line.get("live")) else []),
    ]
    return [
        f"{line['title']}: " + (f"\x1b[{colour_code}m{state}\x1b[0m" if colour else state),
        *(
            textwrap.fill(
                text,
                WIDTH,
                initial_indent=f"  {name:<7}",
                subsequent_indent=" " * 9,
                break_long_words=False,  # a URL can only be copied whole
                break_on_hyphens=False,
            )
            for name, text in rows
        ),
    ]


def _state(line: Line) -> tuple[str, int]:
    """The state of a platform for its first line, and the code of its colour."""
    answer = line.get("live")
    if line["faults"]:
        return "its settings can't be used", _RED
    if not line["configured"]:
        return f"set {' and '.join(line['missing'])}", _YELLOW
    if answer is None:
        return "ready", _GREEN
    if answer["works"] is None:
        return _UNDECIDED.get(answer["outcome"], "no answer"), _YELLOW
    return ("works", _GREEN) if answer["works"] else ("does not work", _RED)


def _source_text(variable: VariableLine) -> str:
    """Where the value of a variable comes from, as text for a person."""
    source = variable["source"]
    if variable["empty_file"]:
        return f"not set: nothing in the file of {variable['name']}_FILE"
    return "not set" if source is None else "set" if source == variable["name"] else f"from {source}"


def _live_text(answer: Live) -> str:
    if answer["works"]:
        return f"{answer['operation']}: it answers, and accepts the key"
    return ": ".join(each for each in (answer["operation"], answer["outcome"], answer["message"]) if each)
