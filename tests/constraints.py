"""python tests/constraints.py: write constraints.txt and constraints-oldest.txt anew. It needs pip, and no package.

The first has the newest version that is allowed of everything that is installed for development; the second the lowest
of each run-time dependency, and the newest of the rest that goes with these.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDEST_PYTHON = (3, 11)
"""What it can have, later ones can have, too, and it alone needs some packages."""
BUILDING = ("editables",)
"""What hatchling asks for besides, where it builds what is editable."""
_BOUND = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)(?:,<[\w.]+)?")


def lowest(requirements: Iterable[str]) -> dict[str, str]:
    """The lower bound of each requirement.

    Raises:
        ValueError: one has none.
    """
    found = {}
    for requirement in requirements:
        bound = _BOUND.fullmatch(requirement)
        if not bound:
            raise ValueError(f"{requirement} has no lower bound; write name>=version, and <version behind it if needed")
        found[bound[1]] = bound[2]
    return found


def _resolved(constraints: Mapping[str, str]) -> dict[str, str]:
    """What pip would install for development, under constraints."""
    with tempfile.TemporaryDirectory() as folder:
        given, report = Path(folder, "given.txt"), Path(folder, "report.json")
        given.write_text(_lines(constraints), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--constraint", str(given), f"{ROOT}[dev]", *BUILDING]
        subprocess.run(command, check=True)  # noqa: S603 - pip
        installed = [each["metadata"] for each in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return {each["name"]: each["version"] for each in installed if each["name"] != "pullcord"}


def _lines(versions: Mapping[str, str]) -> str:
    return "".join(f"{name}=={versions[name]}\n" for name in sorted(versions, key=str.lower))


def main() -> None:
    """Write both files."""
    if sys.version_info[:2] != OLDEST_PYTHON:
        sys.exit("constraints are made with Python 3.11: make constraints PYTHON=python3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name, constraints in {"constraints": {}, "constraints-oldest": lowest(project["dependencies"])}.items():
        versions = _lines(_resolved(constraints))
        (ROOT / f"{name}.txt").write_text(f"# Made by `make constraints`.\n{versions}", encoding="utf-8")


if __name__ == "__main__":
    main()
