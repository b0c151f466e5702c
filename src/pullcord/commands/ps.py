"""pullcord ps: what runs now, on every platform that can be reached."""

import argparse
import json
from collections.abc import Mapping, Sequence

import anyio

from pullcord.assembly.reach import Reach
from pullcord.assembly.running import Work, running
from pullcord.commands.console import Console
from pullcord.commands.reach import reached
from pullcord.commands.terminal import clearing
from pullcord.commands.work import as_json, narrowing, table

PAUSE = 5.0
"""Seconds between two looks with --watch."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Show what runs.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status: 0 if all was seen, else 1.

    Raises:
        SettingsError: the settings can't be used; nothing was sent.
    """
    return anyio.run(_run, options, environ)


async def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    async with reached(options, environ) as reach:
        return await show(reach, options, Console(clear=clearing(environ)))


async def show(reach: Reach, options: argparse.Namespace, console: Console) -> int:
    """Look once, or with --watch again and again.

    Args:
        reach: the platforms that are looked at.
        options: of the command.
        console: of the person.

    Returns:
        The exit status: 0 if all was seen, else 1.
    """
    filters = narrowing(options)
    while True:
        observation = await running(reach, filters.platforms)
        now = console.now()
        works = [each for each in observation.works if filters.fits(each, now)]
        if options.json:
            console.write(_as_json(works, observation.gaps, indent=None if options.watch else 2))
        else:
            clear = console.clear if options.watch else ""
            console.write(clear + (table(works, now, console.columns()) if works else "Nothing was seen to run."))
            for gap in observation.gaps:
                console.note(f"not all was seen: {gap}")
        if not options.watch:
            return 1 if observation.gaps else 0
        await console.sleep(PAUSE)


def _as_json(works: Sequence[Work], gaps: Sequence[str], indent: int | None) -> str:
    value = {"running": [as_json(each) for each in works], "not_seen": gaps}
    return json.dumps(value, ensure_ascii=False, indent=indent)
