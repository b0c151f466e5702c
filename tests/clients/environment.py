"""Environments of their own for software that others wrote: below .cache/, made once, of exact versions."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "clients"


def npm(name: str, *packages: str) -> Path:
    """A folder in which packages of npm's registry are installed."""
    return _made(name, packages, ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", "."])


def venv(name: str, *packages: str) -> Path:
    """A virtual environment in which packages of Python's index are installed."""
    return _made(name, packages, ["bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"])


def _made(name: str, packages: tuple[str, ...], install: list[str]) -> Path:
    folder = CACHE / name
    made = folder / "made-of"
    wanted = " ".join(packages)
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (CACHE.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    if install[0] == "bin/python":
        _run([sys.executable, "-m", "venv", "."], folder)
    _run([*install, *packages], folder)
    made.write_text(wanted, encoding="utf-8")
    return folder


def _run(command: list[str], folder: Path) -> None:
    program = shutil.which(command[0]) or str(folder / command[0])
    subprocess.run([program, *command[1:]], cwd=folder, check=True, timeout=600)  # noqa: S603 - from the tables above
