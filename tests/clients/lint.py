"""python -m tests.clients.lint: the tools' definitions, judged by Glama's TDQS; a warning is a failure."""

import shlex
import subprocess
import sys

from tests.clients.client import SERVER
from tests.environment import venv

LINTER = "tdqs==0.1.0"

if __name__ == "__main__":
    program = str(venv("tdqs", LINTER) / "bin" / "tdqs")
    command = [program, "lint", "--command", shlex.join(SERVER), "--fail-on", "warning"]
    sys.exit(subprocess.run(command, check=False, timeout=120).returncode)  # noqa: S603 - the linter that was just made
