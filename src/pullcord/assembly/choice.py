"""What was chosen at a start, read with an environment: manifests and settings become a surface."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from pullcord.config import settings
from pullcord.config.environment import own_value
from pullcord.config.settings import Settings
from pullcord.config.surface import Surface
from pullcord.manifest import loading
from pullcord.manifest.index import index, manifest
from pullcord.manifest.instances import instance, instance_faults
from pullcord.model.errors import FaultsError, SettingsError
from pullcord.model.nearest import nearest
from pullcord.model.operation import Catalogue, Operation
from pullcord.model.running import callables

PLATFORMS = "PULLCORD_PLATFORMS"
"""The variable that names platforms, with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which platforms and operations a server offers."""

    platforms: Sequence[str] = ()
    """Names of shipped platforms, or NAME:INSTANCE for a server of its kind, beside those that are always listed."""
    only: Sequence[str] = ()
    """Names of tools; none: every tool."""
    manifests: Sequence[Path] = ()
    """Files of further platforms."""


def surface(choice: Choice, environ: Mapping[str, str], *, brought: bool = False) -> Surface:
    """The operations that a choice offers, and how their platforms are reached.

    Offered are the platforms that are always listed, those of users' own manifests, and those that are named.

    Args:
        choice: what was chosen.
        environ: the settings, by the names of their variables; PULLCORD_PLATFORMS names platforms, too.
        brought: whether each request brings the platforms' keys.

    Raises:
        SettingsError: with every fault of the choice, the manifests and pullcord's own settings.
    """
    known = index()
    faults: list[str] = []
    named = _named(choice, environ, faults)
    kinds = {name.partition(":")[0] for name in named}
    chosen = [name for name, each in known.items() if name in kinds or each.listed_always]
    read: Catalogue = {}
    catalogue: Catalogue = {}
    found: Mapping[str, Settings] = {}
    try:
        read = loading.load(map(manifest, chosen), choice.manifests)
        # Of a kind that is neither named itself nor always listed, only the instances are wanted.
        left_out = {name for name in kinds & known.keys() if name not in named and not known[name].listed_always}
        catalogue = {name: each for name, each in read.items() if each.platform.name not in left_out}
        catalogue |= _instances(named, read, {each.platform.name for each in catalogue.values()}, faults)
        faults += _only_faults(choice.only, catalogue, [name for name in known if name not in chosen])
        found = settings.read(catalogue, environ, brought=brought)
    except FaultsError as error:
        faults += error.faults
    there = {*known, *(each.platform.name for each in read.values())}
    # Of a manifest that could not be read nobody knows what it calls its platform.
    if read or not choice.manifests:
        unknown = [name for name in named if name.partition(":")[0] not in there]
        there_are = f"write one of {', '.join(sorted(there))}, or add one with --manifest"
        faults[:0] = [
            f"{named[name]}: there is no such platform; {_instead(name.partition(':')[0], there, there_are)}"
            for name in unknown
        ]
    if faults:
        raise SettingsError(faults)
    return Surface.of(catalogue, found, choice.only, settings.protected(environ))


def unnamed(choice: Choice, environ: Mapping[str, str]) -> Surface:
    """What a choice leaves out because nobody named it: the other shipped platforms, and how they would be reached.

    Args:
        choice: what was chosen, which can be offered.
        environ: the settings, by the names of their variables.
    """
    kinds = {name.partition(":")[0] for name in _named(choice, environ, [])}
    rest = [name for name, each in index().items() if name not in kinds and not each.listed_always]
    catalogue = loading.load(map(manifest, rest))
    return Surface.of(catalogue, settings.read(catalogue, environ))


def _named(choice: Choice, environ: Mapping[str, str], faults: list[str]) -> dict[str, str]:
    """The platforms and instances that are named, each with the words that name it."""
    given = own_value(PLATFORMS, environ)
    faults += [given.fault] if given.fault else []
    words = [] if given.fault else [name.strip() for name in given.text.split(",") if name.strip()]
    return {name: f"{given.source} {name}" for name in words} | {
        name: f"--platform {name}" for name in choice.platforms
    }


def _only_faults(only: Iterable[str], catalogue: Catalogue, rest: Sequence[str]) -> list[str]:
    """What is wrong with the tools that are chosen.

    Args:
        only: their names.
        catalogue: the operations that are offered.
        rest: the platforms that are not.
    """
    tools = [each.tool for each in callables(catalogue).values() if each.tool]
    unknown = [name for name in only if name not in tools]
    others = loading.load(map(manifest, rest)) if unknown else {}
    homes = {each.tool: each.platform.name for each in others.values() if each.tool}
    return [
        f"--only {name}: this is a tool of {homes[name]}; add --platform {homes[name]}"
        if name in homes
        else f"--only {name}: there is no such tool; {_instead(name, tools, 'pullcord tools lists them')}"
        for name in unknown
    ]


def _instead(word: str, words: Iterable[str], otherwise: str) -> str:
    """What to write instead of an unknown word; `otherwise` where no word is like it."""
    near = nearest(word, words)
    return f"did you mean {near}?" if near else otherwise


def _instances(named: Mapping[str, str], read: Catalogue, taken: AbstractSet[str], faults: list[str]) -> Catalogue:
    """The operations of the instances that are named.

    Args:
        named: NAME or NAME:INSTANCE, each with the words that name it.
        read: the operations of all kinds that are named, and of users' own manifests.
        taken: the names of the platforms that are offered as themselves.
        faults: filled with what is wrong with the instances' names.
    """
    found: dict[str, Operation] = {}
    for whole in (each for each in named if ":" in each):
        kind, _, name = whole.partition(":")
        operations = [each for each in read.values() if each.platform.name == kind]
        told = instance_faults(operations, name) if operations else []
        if name in taken | {each.platform.name for each in found.values()}:
            told = [f"there is another platform {name}; write another name"]
        faults += [f"{named[whole]}: {fault}" for fault in told]
        if operations and not told:
            found |= {each.id: each for each in instance(operations, name)}
    return found
