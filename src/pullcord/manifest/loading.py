"""Manifest files to one catalogue; all their faults at once."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from operator import attrgetter
from pathlib import Path

from pullcord.manifest.faults import Fault, told
from pullcord.manifest.naming import renamed
from pullcord.manifest.node import Node
from pullcord.manifest.openapi import read_document
from pullcord.model.errors import ManifestError
from pullcord.model.operation import Catalogue, Operation
from pullcord.model.pointer import Pointer, escape, look_up
from pullcord.model.running import FIND_RUNNING
from pullcord.model.value import Json
from pullcord.model.variables import name_fault, prefix, variables


def folder() -> Traversable:
    """Where the manifests are that come with pullcord: in the installed package, else in the checkout it runs from."""
    package = resources.files("pullcord")
    found = package / "manifests"
    # The build of the wheel copies them there.
    return found if found.is_dir() else Path(str(package)).parents[1] / "manifests" / "platforms"


def shipped() -> list[Traversable]:
    """The manifests that come with pullcord."""
    return sorted((each for each in folder().iterdir() if each.name.endswith(".yaml")), key=attrgetter("name"))


def load(paths: Iterable[Traversable], given: Iterable[Traversable] = ()) -> Catalogue:
    """Read manifests into one catalogue.

    Args:
        paths: YAML files, on disk or in a package; each one platform's OpenAPI 3.1 document.
        given: users' own, which may read no variables but those that begin with PULLCORD_PLATFORM_ and their name.

    Raises:
        ManifestError: with every fault of every file, each with its file and line.
    """
    faults: list[str] = []
    homes = dict.fromkeys(["platform pullcord", f"the tool {FIND_RUNNING}"], "pullcord itself")
    readers: dict[str, str] = {}
    catalogue: dict[str, Operation] = {}
    for path, users in [*((path, False) for path in paths), *((path, True) for path in given)]:
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
        if found:
            _check_variables(found, readers, users=users)
        if not own:
            catalogue |= {each.id: each for each in renamed([operation for operation, _ in found])}
        faults += told(str(path), own)
    if faults:
        raise ManifestError(faults)
    return catalogue


def _check_variables(found: Sequence[tuple[Operation, Node]], readers: dict[str, str], *, users: bool) -> None:
    """Note the variables that a manifest may not read.

    Args:
        found: its operations, each with its place.
        readers: the platform that reads each variable; filled.
        users: whether it is a user's own.
    """
    platform, document = found[0][0].platform, found[0][1].document
    for variable in variables(platform, [operation for operation, _ in found]):
        reader = readers.setdefault(variable.name, platform.name)
        what = name_fault(variable.name, prefix(platform.name, given=users))
        if reader != platform.name:
            what = f"the platform {reader} reads {variable.name}, too; write another name"
        if what and variable.name and platform.name:
            place = next(_places(document.value, variable.name), "")
            found[0][1].at(place, None).fault(what)


def _places(value: Json, variable: str, pointer: Pointer = "") -> Iterator[Pointer]:
    """Where a document names a variable."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        here = f"{pointer}/{escape(str(name))}"
        if name in {"x-env", "env"} and member == variable:
            yield here
        yield from _places(member, variable, here)


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
