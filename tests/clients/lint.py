"""python -m tests.clients.lint: the tools' definitions, judged by Glama's TDQS; a warning is a failure."""

import shlex
import subprocess
import sys
from pathlib import Path

from tests.clients.client import SERVER

if __name__ == "__main__":
    program = str(Path(sys.executable).with_name("tdqs"))
    command = [program, "lint", "--command", shlex.join(SERVER), "--fail-on", "warning"]
    sys.exit(subprocess.run(command, check=False, timeout=600).returncode)  # noqa: S603 - the linter of this environment
