"""Reads manifest files into one catalogue, or finds all their faults at once."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from operator import attrgetter
from pathlib import Path

from pullcord.manifest.faults import Fault, lines
from pullcord.manifest.naming import renamed
from pullcord.manifest.node import Node
from pullcord.manifest.openapi import read_document
from pullcord.manifest.projections import with_kept
from pullcord.model.errors import ManifestError
from pullcord.model.operation import Catalogue, Operation
from pullcord.model.pointer import Pointer, escape, look_up
from pullcord.model.running import FIND_RUNNING
from pullcord.model.value import Json
from pullcord.model.variables import USER_PREFIX, ambiguous, name_fault, prefix, variables


def folder() -> Traversable:
    """The folder of the manifests that come with pullcord: of the installed package, or else of the checkout."""
    package = resources.files("pullcord")
    manifests = package / "manifests"
    # The build of the wheel copies them there.
    return manifests if manifests.is_dir() else Path(str(package)).parents[1] / "manifests" / "platforms"


def shipped() -> list[Traversable]:
    """The manifests that come with pullcord."""
    return sorted((each for each in folder().iterdir() if each.name.endswith(".yaml")), key=attrgetter("name"))


def load(paths: Iterable[Traversable], user_paths: Iterable[Traversable] = ()) -> Catalogue:
    """Read manifests into one catalogue.

    Args:
        paths: YAML files, on disk or in a package; each one platform's OpenAPI 3.1 document.
        user_paths: files of users, which may read only variables that begin with PULLCORD_PLATFORM_ and the
            platform's name.

    Raises:
        ManifestError: it holds every fault of every file, each with its file and line.
    """
    faults: list[str] = []
    homes = dict.fromkeys(["platform pullcord", f"the tool {FIND_RUNNING}"], "pullcord itself")
    readers: dict[str, str] = {}
    catalogue: dict[str, Operation] = {}
    for path, of_user in [*((path, False) for path in paths), *((path, True) for path in user_paths)]:
        file_faults: list[Fault] = []
        try:
            operations = read_document(str(path), path.read_text(encoding="utf-8-sig"), file_faults)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.append(f"{path}: this manifest can't be read: {reason}")
            continue
        except ManifestError as error:
            faults.extend(error.faults)
            continue
        if operations:
            _check_names(operations, homes, str(path))
            _check_variables(operations, readers, of_user=of_user)
        if not file_faults:
            catalogue |= {each.id: each for each in with_kept(renamed([operation for operation, _ in operations]))}
        faults += lines(str(path), file_faults)
    if faults:
        raise ManifestError(faults)
    return catalogue


def _check_names(operations: Sequence[tuple[Operation, Node]], homes: dict[str, str], path: str) -> None:
    """Note the names of a manifest's platform and tools that another one has already.

    Args:
        operations: those of the manifest, each with its place.
        homes: the file of each name; this function adds to it.
        path: of the manifest.
    """
    for operation, node in operations:
        key = "x-tool" if look_up(node.value, "/x-tool") else "operationId"
        for kind, name, pointer, remedy in (
            ("platform", operation.platform.name, "/x-platform", "rename one of the two"),
            ("the tool", operation.tool, f"{node.pointer}/{key}", "give one another name with x-tool"),
        ):
            home = homes.setdefault(f"{kind} {name}", path)
            if name and home != path:
                node.at(pointer, None).fault(f"{kind} {name} is also in {home}; {remedy}")


def _check_variables(operations: Sequence[tuple[Operation, Node]], readers: dict[str, str], *, of_user: bool) -> None:
    """Note the variables that a manifest may not read.

    Args:
        operations: those of the manifest, each with its place.
        readers: the platform that reads each variable; this function adds to it.
        of_user: whether the manifest is a user's own.
    """
    platform, document = operations[0][0].platform, operations[0][1].document
    own_operations = [operation for operation, _ in operations]
    for name, goes in ambiguous(platform, own_operations).items():
        place = next(_places(document.value, name), "")
        sentence = f"the value of {name} would go into {' and '.join(goes)}; write a variable for each"
        operations[0][1].at(place, None).fault(sentence)
    # A name with a fault of its own says no more than whose the manifest is.
    required = prefix(platform.name, of_user=of_user) if platform.name else USER_PREFIX if of_user else ""
    for variable in variables(platform, own_operations):
        reader = readers.setdefault(variable.name, platform.name)
        fault = name_fault(variable.name, required)
        if reader != platform.name:
            fault = f"the platform {reader} reads {variable.name}, too; write another name"
        if fault and variable.name:
            place = next(_places(document.value, variable.name), "")
            operations[0][1].at(place, None).fault(fault)


def _places(value: Json, variable: str, pointer: Pointer = "") -> Iterator[Pointer]:
    """Where a document names a variable."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        place = f"{pointer}/{escape(str(name))}"
        if name in {"x-env", "env"} and member == variable:
            yield place
        yield from _places(member, variable, place)


def read(name: str, text: str) -> list[Operation]:
    """Read one manifest.

    Args:
        name: of the file, for its faults.
        text: its YAML, or JSON.

    Raises:
        ManifestError: it holds every fault of the file.
    """
    faults: list[Fault] = []
    operations = read_document(name, text, faults)
    if faults:
        raise ManifestError(lines(name, faults))
    return with_kept(renamed([operation for operation, _ in operations]))
