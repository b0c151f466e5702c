"""python -m tests.conformance: the official conformance suite against `pullcord serve --http`, both protocol eras."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.judge import Check, baseline, judge
from tests.environment import npm

import pullcord

SUITE = ("@modelcontextprotocol/conformance@0.2.0-alpha.12", "node@22.23.3")
"""It needs a newer node than most machines have; npm has one."""
REVISIONS = ("2025-11-25", "2026-07-28")
PATIENCE = 300
"""Seconds for the suite at one revision; it takes 10."""


@contextmanager
def serving() -> Iterator[str]:
    """A server on its sandbox; its address. It takes requests of web pages of its own origin, as the suite wants."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "pullcord", "serve", "--http", "--sandbox", "--port", str(port)]
    source = {**os.environ, "PYTHONPATH": str(Path(pullcord.__file__).parents[1])}
    with subprocess.Popen(  # noqa: S603 - this very pullcord
        [*command, "--allowed-origin", origin], stderr=subprocess.PIPE, env=source, text=True
    ) as process:
        try:
            # It tells when it serves; what it says afterwards fits the pipe.
            if not any(origin in line for line in process.stderr or ()):
                raise RuntimeError("pullcord did not start")
            yield f"{origin}/mcp"
        finally:
            process.terminate()


def run(address: str, revision: str) -> list[Check]:
    """Run what a revision requires; every check with what came of it."""
    home = npm("conformance", *SUITE)
    program = home / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    node = home / "node_modules" / "node" / "bin" / "node"
    found: list[Check] = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 - the suite that was just made
            [node, program, "server", "--url", address, "--requirements", revision, "-o", folder],
            stdout=subprocess.DEVNULL,
            check=False,  # it knows no reasons: checks are judged here
            timeout=PATIENCE,
        )
        for results in sorted(Path(folder).glob("*/checks.json")):
            scenario = results.parent.name.removeprefix("server-").rpartition(f"-{results.parent.name[-24:]}")[0]
            found.extend(
                Check(scenario, each["id"], each["status"], each.get("errorMessage") or "")
                for each in json.loads(results.read_text(encoding="utf-8"))
            )
    return found


def main() -> int:
    """Run the suite.

    Returns:
        The exit status: 1 if a check failed that has no reason to.
    """
    with serving() as address:
        found = {revision: run(address, revision) for revision in REVISIONS}
    for revision, checks in found.items():
        states = [check.status for check in checks]
        held, failed = states.count("SUCCESS"), states.count("FAILURE")
        sys.stdout.write(f"{revision}: {held} checks held, {failed} can't apply or failed\n")
    faults = judge([check for checks in found.values() for check in checks], baseline())
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    if not shutil.which("npm"):
        sys.exit("npm is needed")
    sys.exit(main())
