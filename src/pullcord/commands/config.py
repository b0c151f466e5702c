"""pullcord config: the snippet for a client's settings."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from pullcord.assembly.choice import named, surface
from pullcord.commands import hosts
from pullcord.commands.options import choice
from pullcord.commands.terminal import say
from pullcord.config.environment import own_value, placeholder_fault, value
from pullcord.config.settings import PROTECT, platforms
from pullcord.config.surface import Surface
from pullcord.flow.journal import JOURNAL, stream
from pullcord.manifest.index import index
from pullcord.model.errors import SettingsError
from pullcord.model.operation import Operation
from pullcord.model.running import FIND_RUNNING
from pullcord.model.url import PLAIN_HTTP, url_faults
from pullcord.model.variables import variables

UV = "UV"
"""The variable with which uv tells its own path to what it starts."""
UV_CACHE = "archive-v"
"""What begins the name of the folder, in uv's cache, of the environments that uvx makes; uv removes them at will."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the snippet, and where it belongs.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status.

    Raises:
        SettingsError: there is no such snippet, or the choice has faults.
    """
    if options.client is None:
        raise SettingsError([f"config: write for which client: {', '.join(hosts.CLIENTS)}"])
    choosing = [(f"--{name}", str(text)) for name in ("platform", "only") for text in getattr(options, name)]
    choosing += [("--manifest", str(path.absolute())) for path in options.manifest]
    snippet = _remote(options, choosing) if options.http else _local(options, choosing, environ)
    print(snippet.text)
    for note in snippet.notes:
        say(note)
    return 0


def _remote(options: argparse.Namespace, choosing: Sequence[tuple[str, str]]) -> hosts.Snippet:
    """The snippet to reach a pullcord that serves over HTTP, for which nothing is chosen here."""
    faults = [f"--http: {fault}" for fault in url_faults(options.http)]
    faults += [f"{option} is chosen where that pullcord is started; leave it out here" for option, _ in choosing]
    client = hosts.CLIENTS[options.client]
    if client.address is None and not options.http.startswith("https:"):
        faults.append(f"--http: {client.title}'s vendor calls it: write an https address that the internet reaches")
    if faults:
        raise SettingsError(faults)
    snippet = hosts.remote(options.client, options.http)
    if not urlsplit(options.http).path.strip("/"):
        snippet.notes.append("pullcord serve --http answers at /mcp, and this address has no path")
    return snippet


def _local(
    options: argparse.Namespace, choosing: Sequence[tuple[str, str]], environ: Mapping[str, str]
) -> hosts.Snippet:
    """The snippet to start a pullcord that offers what is chosen."""
    offer = surface(choice(options), environ)
    names = list(named(choice(options), environ))
    further = [("--platform", name) for name in names if name not in options.platform]
    if journal := environ.get(JOURNAL):
        if fault := placeholder_fault(journal):
            raise SettingsError([f"{JOURNAL}: {fault}"])
        if stream(journal) == 1:
            raise SettingsError([f"{JOURNAL}: the standard output carries MCP there; name a file, or - for stderr"])
        further.append(("--journal", journal if journal == "-" else str(Path(journal).absolute())))
    entries = list(_variables(offer, names, options.only, environ))
    words = [*program(environ), "serve", *(word for pair in (*choosing, *further) for word in pair)]
    folder = str(Path.home() / ".config" / "pullcord")
    snippet = hosts.local(options.client, words, entries, folder, _own_values(environ))
    if snippet is None:
        title = hosts.CLIENTS[options.client].title
        raise SettingsError([f"{title} starts no program; add --http URL, the address of a pullcord serve --http"])
    if not entries:
        snippet.notes.append(
            "No platform is named or has its key set here, so the snippet names no key: name one with --platform,"
            " or set its key, and run this again; pullcord check lists the variables"
        )
    return snippet


def _variables(
    offer: Surface, names: Sequence[str], only: Sequence[str], environ: Mapping[str, str]
) -> Iterator[hosts.Variable]:
    """The variables of the platforms that are named, or have their key set: those that are needed, and those set.

    Args:
        offer: what is offered.
        names: of the platforms that are named; an instance as NAME:INSTANCE.
        only: the names of the tools that are offered; empty: all.
        environ: the variables, by name.
    """
    unnamed = {name for name, each in index().items() if each.listed_always and name not in names}
    for name, platform in platforms(offer.catalogue).items():
        operations = [each for each in offer.catalogue.values() if each.platform.name == name]
        keys = {key.env for key in platform.keys}
        has_key = any(key in offer.settings[name].sources for key in keys)
        if (name in unnamed and not has_key) or not _is_wanted(operations, only):
            continue
        minimum = {each.partition(" or ")[0] for each in offer.settings[name].missing}
        for variable in variables(platform, operations):
            setting = value(variable.name, environ)
            is_key = variable.name in keys
            description = f"Key for {platform.title}" if is_key else variable.description
            if setting.text and not setting.fault and setting.source != variable.name:
                file = str(Path(environ[setting.source].strip()).absolute())
                yield hosts.Variable(setting.source, description, is_secret=False, file=file)
            elif setting.text or variable.name in minimum:
                yield hosts.Variable(variable.name, description, is_secret=is_key)


def _own_values(environ: Mapping[str, str]) -> dict[str, str]:
    """What pullcord is told here of protected work and of plain http: few clients hand on all of their environment.

    Args:
        environ: the variables, by name.

    Returns:
        The variables, or those that name their files, with their values.
    """
    settings = [own_value(name, environ) for name in (PROTECT, PLAIN_HTTP)]
    return {
        each.source: each.text
        if not each.source.endswith("_FILE")
        else str(Path(environ[each.source].strip()).absolute())
        for each in settings
        if each.text
    }


def _is_wanted(operations: Sequence[Operation], only: Sequence[str]) -> bool:
    """Whether a platform's variables are read for the tools that are offered; find_running looks at every platform."""
    return not only or FIND_RUNNING in only or any(each.tool in only for each in operations)


def program(environ: Mapping[str, str]) -> list[str]:
    """The program and arguments that start this pullcord, the program by its absolute path.

    Args:
        environ: the variables, by name.
    """
    uv = environ.get(UV)
    if uv and any(part.startswith(UV_CACHE) for part in Path(sys.prefix).parts):
        # The environment is gone when uv cleans its cache: uvx makes it anew.
        return [uv, "tool", "run", *_origin(distribution("pullcord").read_text("direct_url.json")), "pullcord"]
    script = Path(sys.argv[0])
    return [str(script.absolute())] if script.stem == "pullcord" else [sys.executable, "-m", "pullcord"]


def _origin(record: str | None) -> list[str]:
    """The words that tell uvx whence a package came that is not of the index.

    Args:
        record: its direct_url.json (PEP 610); None: the package is of the index.
    """
    if record is None:
        return []
    origin = json.loads(record)
    source = f"{origin['vcs_info']['vcs']}+" if "vcs_info" in origin else ""
    return ["--from", source + origin["url"]]
