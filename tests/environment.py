"""Environments of their own for software that others wrote: below .cache/, made once, of exact versions.

Making one tells on standard error what it takes: packages, seconds while they pass, and the size at the end.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"
UNTIL = "2026-11-26"
"""npm takes what came out before this day only, so that what its packages need themselves stays the same, too."""
PATIENCE = 600
"""Seconds for one command."""
STANDARD_ERROR = 2
SILENT = {"DO_NOT_TRACK": "1", "SCARF_ANALYTICS": "false"}
"""Some packages report to their makers that they were installed."""


def npm(name: str, *packages: str) -> Path:
    """A folder in which packages of npm's registry are installed.

    Args:
        name: the folder's, below .cache/.
        packages: each as NAME@VERSION.

    Raises:
        subprocess.CalledProcessError: they can't be installed; npm has said why on standard error.
    """
    options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", ".", "--before", UNTIL]
    command = ["npm", "install", *options, *packages]
    return made(name, packages, [command])


def python(*versions: str) -> str:
    """A Python of this machine that starts, of one of these versions: this one, or one in PATH or among pyenv's.

    Args:
        versions: such as 3.12, in the order in which they are liked.

    Raises:
        RuntimeError: there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [Path(sys.executable).parent, *map(Path, os.get_exec_path()), *sorted(pyenv.glob("*/bin"))]
    for version in versions:
        for folder in folders:
            if _starts(folder / f"python{version}"):
                return str(folder / f"python{version}")
    raise RuntimeError(f"this needs Python {' or '.join(versions)}, and none that starts is in PATH or among pyenv's")


def _starts(program: Path) -> bool:
    """Whether a program is there and starts: pyenv has some in PATH that don't."""
    return program.is_file() and subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603 - from PATH


def venv(
    name: str, *packages: str, whole: bool = False, over: Sequence[str] = (), interpreter: str = sys.executable
) -> Path:
    """A virtual environment in which packages of Python's index are installed.

    Args:
        name: the folder's, below .cache/.
        packages: each as NAME==VERSION.
        whole: nothing else is installed, and it is an error if one of them needs something else.
        over: packages that are installed last, whatever the others need.
        interpreter: the Python that it is made with.

    Raises:
        subprocess.CalledProcessError: they can't be installed; pip has said why on standard error.
    """
    pip = ["bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    commands = [[interpreter, "-m", "venv", "."], [*pip, "install", *["--no-deps"] * whole, *packages]]
    last = [[*pip, "install", *over]] if over else []
    return made(name, packages, [*commands, *last, *[["bin/python", "-m", "pip", "check"]] * whole])


def made(name: str, packages: tuple[str, ...], commands: Sequence[Sequence[str]]) -> Path:
    """A folder in which commands were run, once: again only when they are others.

    Args:
        name: the folder's, below .cache/.
        packages: that the commands install; for whoever waits.
        commands: programs of the machine or of the folder, with their arguments; they run in the folder.

    Raises:
        subprocess.CalledProcessError: one failed; it has said why on standard error.
    """
    folder = CACHE / name
    made = folder / "made-of"
    wanted = "\n".join(map(" ".join, commands))
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    began = time.monotonic()
    _tell(f"{name}: installing {len(packages)} packages")
    for command in commands:
        _run(command, folder, name)
    _tell(f"{name}: {_megabytes(folder)} MB in {time.monotonic() - began:.0f} s")
    made.write_text(wanted, encoding="utf-8")
    return folder


def _run(command: Sequence[str], folder: Path, name: str) -> None:
    program = shutil.which(command[0]) or str(folder / command[0])
    began = time.monotonic()
    with (
        subprocess.Popen(  # noqa: S603 - from the callers' tables
            [program, *command[1:]], cwd=folder, stdout=STANDARD_ERROR, env={**os.environ, **SILENT}
        ) as process
    ):
        while True:
            try:
                status = process.wait(timeout=2)
                break
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - began
                if seconds > PATIENCE:
                    process.kill()
                    raise
                _tell(f"{name}: {Path(program).name} has taken {seconds:.0f} s so far")
    if status:
        raise subprocess.CalledProcessError(status, command)


def _megabytes(folder: Path) -> int:
    files = (path.lstat() for path in folder.rglob("*"))
    blocks = {file.st_ino: file.st_blocks for file in files}  # one file may have several names
    return sum(blocks.values()) * 512 // 1_000_000


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
