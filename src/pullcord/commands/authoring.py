"""pullcord check for the author of a manifest: what has no effect in a file, and the start of a new one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pullcord.commands.terminal import say
from pullcord.manifest import loading
from pullcord.manifest.audit import audit
from pullcord.manifest.sample import sample


def notes(files: Sequence[Path]) -> Mapping[str, list[str]]:
    """What has no effect in each file, by its path; an empty list: the file is fine.

    Args:
        files: manifests that were read without a fault.
    """
    return {str(file): audit(str(file), file.read_text(encoding="utf-8-sig")) for file in files}


def platforms(files: Sequence[Path]) -> set[str]:
    """The names of the platforms of manifests that were read without a fault."""
    return {operation.platform.name for operation in loading.load((), files).values()}


def lines(notes: Mapping[str, list[str]]) -> list[str]:
    """The notes as a person reads them: a line each, and one for each file that is fine."""
    return [line for file, sentences in notes.items() for line in sentences or [f"{file}: fine"]]


def write(name: str) -> int:
    """Write the start of a platform's manifest into this folder, unless there is one; the exit status.

    Raises:
        ManifestError: it is no platform's name.
    """
    path = Path(f"{name}.yaml")
    text = sample(name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        say(f"{path} is there already; name another, or move it away")
        return 1
    except OSError as error:
        say(f"{path} can't be written: {error.strerror}; go to a folder where you may write")
        return 1
    print(f"{path}: written. Fit it to the platform, then run: pullcord check --manifest {path}")
    return 0
