"""pullcord config: the snippet for a client's settings."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pullcord.assembly.choice import surface
from pullcord.commands import hosts
from pullcord.commands.options import choice
from pullcord.commands.terminal import say
from pullcord.config.surface import Surface
from pullcord.model.errors import SettingsError
from pullcord.model.url import url_faults


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print the snippet, and where it belongs; the exit status."""
    options_given = [(f"--{name}", str(value)) for name in ("platform", "only") for value in getattr(options, name)]
    options_given += [("--manifest", str(path.absolute())) for path in options.manifest]
    if options.http:
        faults = [f"--http: {fault}" for fault in url_faults(options.http)]
        faults += [
            f"{option} is chosen where that pullcord is started; leave it out here" for option, _ in options_given
        ]
        snippet = hosts.remote(options.client, options.http)
        if snippet is None:
            title = hosts.CLIENTS[options.client].title
            faults.append(f"--http: {title} takes no address in a file; add it under Settings, Connectors")
        if faults or snippet is None:
            raise SettingsError(faults)
    else:
        serve = [*_program(), "serve", *(word for pair in options_given for word in pair)]
        snippet = hosts.local(
            options.client, serve, _needed_surface(options), str(Path.home() / ".config" / "pullcord")
        )
    print(snippet.text)
    for note in snippet.notes:
        say(note)
    return 0


def _needed_surface(options: argparse.Namespace) -> Surface:
    """The platforms with a tool that is wanted, read without any variables, so that `missing` names all they need."""
    offer = surface(choice(options), {})
    names = {
        operation.platform.name
        for operation in offer.catalogue.values()
        if not options.only or operation.tool in options.only
    }
    return replace(offer, settings={name: each for name, each in offer.settings.items() if name in names})


def _program() -> list[str]:
    """The program and arguments that started this pullcord, by absolute paths."""
    program = Path(sys.argv[0])
    return [str(program.absolute())] if program.stem == "pullcord" else [sys.executable, "-m", "pullcord"]
