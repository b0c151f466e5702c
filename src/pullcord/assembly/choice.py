"""The platforms and tools that are chosen at a start: their manifests and settings become a surface."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from pullcord.model.nearest import question
from pullcord.model.operation import Catalogue, Operation
from pullcord.model.running import callables
from pullcord.model.variables import variables

PLATFORMS = "PULLCORD_PLATFORMS"
"""The variable that names platforms, with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which platforms and operations a server offers."""

    platforms: Sequence[str] = ()
    """Names of shipped platforms, or NAME:INSTANCE for another server of that kind, beside those always listed."""
    only: Sequence[str] = ()
    """Names of tools; empty: every tool."""
    manifests: Sequence[Path] = ()
    """Files of further platforms."""


def surface(choice: Choice, environ: Mapping[str, str], *, brought: bool = False) -> Surface:
    """The operations that a choice offers, and how their platforms are reached.

    Offered are the platforms that are always listed, those of users' own manifests, and those that are named.

    Args:
        choice: the platforms and tools.
        environ: the variables, by name; PULLCORD_PLATFORMS names platforms, too.
        brought: whether each request brings the platforms' keys.

    Raises:
        SettingsError: it holds every fault of the choice, the manifests and pullcord's own settings.
    """
    shipped = index()
    faults: list[str] = []
    names = named(choice, environ, faults)
    kinds = {name.partition(":")[0] for name in names}
    selection = [name for name, each in shipped.items() if name in kinds or each.listed_always]
    loaded: Catalogue = {}
    catalogue: Catalogue = {}
    platform_settings: Mapping[str, Settings] = {}
    try:
        loaded = loading.load(map(manifest, selection), choice.manifests)
        # Of a kind that is neither named itself nor always listed, only the instances are wanted.
        omissions = {name for name in kinds & shipped.keys() if name not in names and not shipped[name].listed_always}
        catalogue = {name: each for name, each in loaded.items() if each.platform.name not in omissions}
        catalogue |= _instances(names, loaded, catalogue, faults)
        faults += _only_faults(choice.only, catalogue, [name for name in shipped if name not in selection])
        platform_settings = settings.read(catalogue, environ, brought=brought)
    except FaultsError as error:
        faults += error.faults
    platforms = {*shipped, *(each.platform.name for each in loaded.values())}
    # A manifest that can't be read does not tell its platform's name, which may be one of the unknown ones.
    if loaded or not choice.manifests:
        faults = [*_unknown_faults(names, platforms), *faults]
    if faults:
        raise SettingsError([*faults, *(fault for each in platform_settings.values() for fault in each.faults)])
    return Surface.of(catalogue, platform_settings, choice.only, settings.protected(environ))


def _unknown_faults(names: Mapping[str, str], platforms: Collection[str]) -> list[str]:
    """What is wrong with names of platforms that there are not.

    Args:
        names: NAME or NAME:INSTANCE, each with the words that name it.
        platforms: the names that there are.
    """
    remedy = f"write one of {', '.join(sorted(platforms))}, or add one with --manifest"
    kinds = {name: name.partition(":")[0] for name in names}
    return [
        f"{names[name]}: there is no such platform; {question(kind, platforms, remedy)}"
        for name, kind in kinds.items()
        if kind not in platforms
    ]


def unnamed(choice: Choice, environ: Mapping[str, str]) -> Surface:
    """The shipped platforms that a choice leaves out because it does not name them.

    Args:
        choice: one without faults.
        environ: the variables, by name.
    """
    kinds = {name.partition(":")[0] for name in named(choice, environ)}
    rest = [name for name, each in index().items() if name not in kinds and not each.listed_always]
    catalogue = loading.load(map(manifest, rest))
    return Surface.of(catalogue, settings.read(catalogue, environ))


def named(choice: Choice, environ: Mapping[str, str], faults: list[str] | None = None) -> dict[str, str]:
    """The platforms and instances that are named, each with the words that name it.

    Args:
        choice: names some.
        environ: the variables, by name; PULLCORD_PLATFORMS names some.
        faults: this function adds what is wrong with that variable; None: it is known to have no fault.
    """
    setting = own_value(PLATFORMS, environ)
    if setting.fault and faults is not None:
        faults.append(setting.fault)
    words = [] if setting.fault else [name.strip() for name in setting.text.split(",") if name.strip()]
    return {name: f"{setting.source} {name}" for name in words} | {
        name: f"--platform {name}" for name in choice.platforms
    }


def _only_faults(only: Iterable[str], catalogue: Catalogue, rest: Sequence[str]) -> list[str]:
    """What is wrong with the names of tools that --only gives.

    Args:
        only: the names.
        catalogue: the operations that are offered.
        rest: the shipped platforms that are not offered.
    """
    tools = [each.tool for each in callables(catalogue).values() if each.tool]
    unknown = [name for name in only if name not in tools]
    others = loading.load(map(manifest, rest)) if unknown else {}
    homes = {each.tool: each.platform.name for each in others.values() if each.tool}
    return [
        f"--only {name}: this is a tool of {homes[name]}; add --platform {homes[name]}"
        if name in homes
        else f"--only {name}: there is no such tool; {question(name, tools, 'pullcord tools lists them')}"
        for name in unknown
    ]


def _instances(names: Mapping[str, str], loaded: Catalogue, others: Catalogue, faults: list[str]) -> Catalogue:
    """The operations of the instances that are named.

    Args:
        names: NAME or NAME:INSTANCE, each with the words that name it.
        loaded: the operations of all kinds that are named, and of users' own manifests.
        others: the operations of the other platforms that are offered.
        faults: this function adds what is wrong with the instances' names.
    """
    catalogue: dict[str, Operation] = {}
    readers = _readers(others)
    for word in (each for each in names if ":" in each):
        kind, _, name = word.partition(":")
        operations = [each for each in loaded.values() if each.platform.name == kind]
        reasons = instance_faults(operations, name) if operations else []
        if name in readers.values():
            reasons = [f"there is another platform {name}; write another name"]
        if operations and not reasons:
            operations_by_id = {each.id: each for each in instance(operations, name)}
            own_readers = _readers(operations_by_id)
            reasons = [
                f"the platform {readers[variable]} reads {variable}, too; write another name"
                for variable in own_readers
                if variable in readers
            ]
            readers = own_readers | readers
            catalogue |= operations_by_id
        faults += [f"{names[word]}: {reason}" for reason in reasons]
    return catalogue


def _readers(catalogue: Catalogue) -> dict[str, str]:
    """The names of platforms, by the variables that they read."""
    platforms = settings.platforms(catalogue).values()
    return {each.name: platform.name for platform in platforms for each in variables(platform, catalogue.values())}
