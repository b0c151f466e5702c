"""Manifest files to one catalogue; all their faults at once."""

from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from operator import attrgetter
from pathlib import Path

from pullcord.manifest.faults import Fault, told
from pullcord.manifest.naming import renamed
from pullcord.manifest.openapi import read_document
from pullcord.model.errors import ManifestError
from pullcord.model.operation import Catalogue, Operation
from pullcord.model.pointer import look_up


def folder() -> Traversable:
    """Where the manifests are that come with pullcord: in the installed package, else in the checkout it runs from."""
    package = resources.files("pullcord")
    found = package / "manifests"
    # The build of the wheel copies them there.
    return found if found.is_dir() else Path(str(package)).parents[1] / "manifests" / "platforms"


def shipped() -> list[Traversable]:
    """The manifests that come with pullcord."""
    return sorted((each for each in folder().iterdir() if each.name.endswith(".yaml")), key=attrgetter("name"))


def load(paths: Iterable[Traversable]) -> Catalogue:
    """Read manifests into one catalogue.

    Args:
        paths: YAML files, on disk or in a package; each one platform's OpenAPI 3.1 document.

    Raises:
        ManifestError: with every fault of every file, each with its file and line.
    """
    faults: list[str] = []
    homes: dict[str, str] = {}
    catalogue: dict[str, Operation] = {}
    for path in paths:
        own: list[Fault] = []
        try:
            found = read_document(str(path), path.read_text(encoding="utf-8-sig"), own)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.append(f"{path}: this manifest can't be read: {reason}")
            continue
        except ManifestError as error:
            faults.extend(error.faults)
            continue
        for operation, node in found:
            named = "x-tool" if look_up(node.value, "/x-tool") else "operationId"
            for what, name, at, instead in (
                ("platform", operation.platform.name, "/x-platform", "rename one of the two"),
                ("the tool", operation.tool, f"{node.pointer}/{named}", "give one another name with x-tool"),
            ):
                home = homes.setdefault(f"{what} {name}", str(path))
                if name and home != str(path):
                    node.at(at, None).fault(f"{what} {name} is also in {home}; {instead}")
        if not own:
            catalogue |= {each.id: each for each in renamed([operation for operation, _ in found])}
        faults += told(str(path), own)
    if faults:
        raise ManifestError(faults)
    return catalogue


def read(name: str, text: str) -> list[Operation]:
    """Read one manifest.

    Args:
        name: what to call the file in faults.
        text: its YAML.

    Raises:
        ManifestError: with every fault of the file.
    """
    faults: list[Fault] = []
    found = read_document(name, text, faults)
    if faults:
        raise ManifestError(told(name, faults))
    return renamed([operation for operation, _ in found])
