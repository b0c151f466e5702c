"""What was chosen at a start, read with an environment: manifests and settings become a surface."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from pullcord.config import settings
from pullcord.config.settings import Settings
from pullcord.config.surface import Surface
from pullcord.manifest import loading
from pullcord.manifest.index import index, manifest
from pullcord.manifest.instances import instance, instance_faults
from pullcord.model.errors import FaultsError, SettingsError
from pullcord.model.operation import Catalogue, Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which platforms and operations a server offers."""

    platforms: Sequence[str] = ()
    """Names of shipped platforms, or NAME:INSTANCE for a server of its kind; none: those that are always listed."""
    only: Sequence[str] = ()
    """Operation ids; none: every operation."""
    manifests: Sequence[Path] = ()
    """Files of further platforms."""


def surface(choice: Choice, environ: Mapping[str, str], *, brought: bool = False) -> Surface:
    """The operations that a choice offers, and how their platforms are reached.

    Args:
        choice: what was chosen.
        environ: the settings, by the names of their variables.
        brought: whether each request brings the platforms' keys.

    Raises:
        SettingsError: with every fault of the choice, the manifests and the settings.
    """
    known = index()
    named = [name.partition(":")[0] for name in choice.platforms]
    kinds = [name for name in known if name in named]
    chosen = kinds or [name for name, each in known.items() if each.listed_always]
    faults: list[str] = []
    read: Catalogue = {}
    catalogue: Catalogue = {}
    found: Mapping[str, Settings] = {}
    try:
        read = loading.load(map(manifest, chosen), choice.manifests)
        others = {*kinds} - {*choice.platforms}  # only instances of them are named
        catalogue = {name: each for name, each in read.items() if each.platform.name not in others}
        catalogue |= _instances(choice.platforms, read, {each.platform.name for each in catalogue.values()}, faults)
        tools = [each.tool for each in catalogue.values() if each.tool]
        faults += [
            f"--only {name}: there is no such operation; write one of {', '.join(tools)}"
            for name in choice.only
            if name not in tools
        ]
        found = settings.read(catalogue, environ, brought=brought)
    except FaultsError as error:
        faults += error.faults
    there = {*known, *(each.platform.name for each in read.values())}
    unknown = [
        f"--platform {name}: there is no such platform; write one of {', '.join(known)}, or add one with --manifest"
        for name, kind in zip(choice.platforms, named, strict=True)
        if kind not in there
    ]
    if unknown or faults:
        raise SettingsError([*unknown, *faults])
    return Surface.of(catalogue, found, choice.only, settings.protected(environ))


def _instances(platforms: Sequence[str], read: Catalogue, taken: AbstractSet[str], faults: list[str]) -> Catalogue:
    """The operations of the instances that are named.

    Args:
        platforms: NAME or NAME:INSTANCE.
        read: the operations of all kinds that are named, and of users' own manifests.
        taken: the names of the platforms that are offered as themselves.
        faults: filled with what is wrong with the instances' names.
    """
    found: dict[str, Operation] = {}
    for whole in (each for each in dict.fromkeys(platforms) if ":" in each):
        kind, _, name = whole.partition(":")
        operations = [each for each in read.values() if each.platform.name == kind]
        told = instance_faults(operations, name) if operations else []
        if name in taken | {each.platform.name for each in found.values()}:
            told = [f"there is another platform {name}; write another name"]
        faults += [f"--platform {whole}: {fault}" for fault in told]
        if operations and not told:
            found |= {each.id: each for each in instance(operations, name)}
    return found
