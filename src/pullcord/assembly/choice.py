"""What was chosen at a start, read with an environment: manifests and settings become a surface."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pullcord.config import settings
from pullcord.config.settings import Settings
from pullcord.config.surface import Surface
from pullcord.manifest import loading
from pullcord.model.errors import FaultsError, SettingsError
from pullcord.model.operation import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which platforms and operations a server offers."""

    platforms: Sequence[str] = ()
    """Names of shipped platforms; none: all of them."""
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
    shipped = {path.name.removesuffix(".yaml"): path for path in loading.shipped()}
    faults = [
        f"--platform {name}: there is no such platform; write one of {', '.join(shipped)}, or add one with --manifest"
        for name in choice.platforms
        if name not in shipped
    ]
    chosen = [path for name, path in shipped.items() if name in choice.platforms] or list(shipped.values())
    catalogue: Catalogue = {}
    found: Mapping[str, Settings] = {}
    try:
        catalogue = loading.load([*chosen, *choice.manifests])
        tools = [each.tool for each in catalogue.values() if each.tool]
        faults += [
            f"--only {name}: there is no such operation; write one of {', '.join(tools)}"
            for name in choice.only
            if name not in tools
        ]
        found = settings.read(catalogue, environ, brought=brought)
    except FaultsError as error:
        faults += error.faults
    if faults:
        raise SettingsError(faults)
    return Surface.of(catalogue, found, choice.only, settings.protected(environ))
