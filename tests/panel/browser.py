"""Chromium, and node programs that drive pages in it."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.clients.client import INSPECTOR, SERVER
from tests.environment import npm

HERE = Path(__file__).parent
PACKAGES = (
    "@modelcontextprotocol/ext-apps@2.0.4",  # the reference library of hosts
    "@modelcontextprotocol/client@2.4.0",
    "playwright-core@1.65.1",
    "esbuild@0.28.2",
    "axe-core@4.14.1",
    *INSPECTOR,
    "node@22.23.3",  # the Inspector needs a newer one than most machines have
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""Names of the program, Debian's first."""
PATIENCE = 900
"""Seconds for one program; the slowest takes 90 on a machine that does nothing else."""


def run(name: str, *arguments: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a node program of this folder, with the commands of pullcord and Chromium in its environment.

    Args:
        name: of the program's file.
        arguments: of the program.
        options: of node.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        raise FileNotFoundError(f"none of {', '.join(CHROMIUM)} is installed; on Debian: apt-get install chromium")
    return subprocess.run(  # noqa: S603 - the tests' own programs
        ["/usr/bin/env", "node", *options, str(HERE / name), *arguments],
        cwd=npm("panel", *PACKAGES),
        env={**os.environ, "PULLCORD_COMMAND": json.dumps(SERVER[:-2]), "CHROMIUM": chromium},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
