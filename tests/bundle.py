"""python -m tests.bundle FILE: make the desktop bundle (MCPB): pullcord's source, which the host runs with uv."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.environment import ROOT, npm

TOOL = "@anthropic-ai/mcpb@2.1.2"
PARTS = ("hatch_build.py", "pyproject.toml", "README.md", "LICENSE", "src", "manifests/platforms")
"""What the package is built from."""


def lay_out(folder: Path) -> None:
    """Lay a bundle out in a folder."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, target)
    shutil.copy(ROOT / "manifests" / "mcpb" / "manifest.json", folder)


def pack(target: Path) -> None:
    """Validate the bundle and pack it, with the official tool."""
    tool = npm("mcpb", TOOL) / "node_modules" / ".bin" / "mcpb"
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        for command in (["validate", folder], ["pack", folder, str(target.absolute())]):
            subprocess.run([tool, *command], check=True, timeout=600)  # noqa: S603 - the tool that was just made


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
    sys.stdout.write(f"{json.loads((ROOT / 'manifests/mcpb/manifest.json').read_text())['version']} is packed\n")
