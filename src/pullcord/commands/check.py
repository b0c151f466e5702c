"""pullcord check: what is configured, from where, and whether it works."""

import argparse
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict

import anyio

from pullcord.assembly.choice import surface
from pullcord.commands import manifests
from pullcord.commands.options import choice
from pullcord.commands.terminal import has_colour, say
from pullcord.config.settings import platforms
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run as run_call
from pullcord.flow.step import Caller, Engine
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome
from pullcord.upstream.gateway import Gateway

WIDTH = 80
_GREEN, _YELLOW, _RED = 32, 33, 31


class Live(TypedDict):
    """What a platform answered when it was asked for something harmless."""

    works: bool
    """Whether it answered, and accepted the key."""
    operation: str | None
    """What it was asked for; None: the manifest has nothing that could be asked for without arguments."""
    outcome: str | None
    message: str


class Line(TypedDict):
    """One platform's settings."""

    platform: str
    title: str
    configured: bool
    key: str
    base_url: str
    missing: list[str]
    tools: list[str]
    live: NotRequired[Live | None]
    """None: it is not configured, so it was not asked."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the report, and with --live what the platforms answer; the exit status."""
    if options.new:
        return manifests.write(options.new)
    offered = surface(choice(options), environ)
    notes = manifests.notes(options.manifest)
    lines = report(offered)
    if options.live:
        lines = anyio.run(_live, lines, offered)
    if options.json:
        print(json.dumps({"platforms": lines, "manifests": notes}, ensure_ascii=False, indent=2))
    else:
        for line in manifests.told(notes):
            print(line)
        print(table(lines, colour=has_colour(environ)))
    return 0 if not options.live or works(lines) else 1


async def _live(lines: list[Line], offered: Surface) -> list[Line]:
    async with Gateway() as gateway:
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
                "configured": not settings.missing,
                "key": f"{settings.key_source} (set)" if settings.key else f"{settings.key_source} (not set)",
                "base_url": settings.base_url,
                "missing": list(settings.missing),
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
    found: dict[str, Live | None] = {line["platform"]: None for line in lines}
    asked = {line["platform"]: line["title"] for line in lines if line["configured"]}

    async def ask(name: str) -> None:
        found[name] = await _ask(name, scope, gateway)
        del asked[name]

    async def wait() -> None:
        longer = pause
        await anyio.sleep(longer)
        while asked:
            say(f"waiting for {' and '.join(asked.values())}")
            longer *= 2
            await anyio.sleep(longer)

    async with anyio.create_task_group() as whole:
        whole.start_soon(wait)
        async with anyio.create_task_group() as asking:
            for name in asked:
                asking.start_soon(ask, name)
        whole.cancel_scope.cancel()
    return [{**line, "live": found[line["platform"]]} for line in lines]


async def _ask(name: str, scope: Surface, gateway: Gateway) -> Live:
    operation = next(
        (each for each in scope.catalogue.values() if each.platform.name == name and _harmless(each)), None
    )
    if operation is None:
        return {
            "works": False,
            "operation": None,
            "outcome": None,
            "message": "Not asked: none of its observe operations can be called without arguments.",
        }
    answer = await run_call(Call(scope, operation, {}), Engine(gateway), Caller("pullcord check", _unreported))
    return {
        "works": answer.outcome is Outcome.OBSERVED,
        "operation": operation.id,
        "outcome": str(answer.outcome),
        "message": answer.message,
    }


def _harmless(operation: Operation) -> bool:
    return operation.cancel is None and not any(parameter.required for parameter in operation.arguments)


async def _unreported(*_: object) -> None:
    """Only watching reports, and nothing is watched here."""


def works(lines: list[Line]) -> bool:
    """Whether at least one platform was asked, and all that were asked work."""
    asked = [answer["works"] for line in lines if (answer := line.get("live"))]
    return bool(asked) and all(asked)


def table(lines: list[Line], *, colour: bool = False) -> str:
    """The report as a person reads it, in 80 columns."""
    return "\n".join(part for line in lines for part in _block(line, colour=colour))


def _block(line: Line, *, colour: bool) -> list[str]:
    answer = line.get("live")
    if answer:
        state, shade = ("works", _GREEN) if answer["works"] else ("does not work", _RED)
    elif line["configured"]:
        state, shade = "ready", _GREEN
    else:
        state, shade = f"set {' and '.join(line['missing'])}", _YELLOW
    rows: Mapping[str, str] = {
        "key": line["key"],
        "URL": line["base_url"],
        "tools": ", ".join(line["tools"]) or "none",
        **({"live": _told(answer)} if answer else {}),
    }
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
            for name, what in rows.items()
        ),
    ]


def _told(answer: Live) -> str:
    if answer["works"]:
        return f"{answer['operation']}: it answers, and accepts the key"
    return f"{answer['operation'] or 'nothing'}: {answer['outcome'] or 'unknown'}. {answer['message']}"
