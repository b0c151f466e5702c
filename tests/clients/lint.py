"""python -m tests.clients.lint: all tools' definitions, judged by Glama's TDQS; a warning is a failure."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.clients.client import SERVER

from pullcord.manifest import loading

PROGRAM = Path(sys.executable).with_name("tdqs")


def server() -> list[str]:
    """The command of a server that lists all tools of all platforms, none of which it reaches."""
    platforms = {each.platform.name: each.platform for each in loading.load(loading.shipped()).values()}

    def variables() -> Iterator[str]:
        for each in platforms.values():
            yield f"{each.url_env}=http://127.0.0.1:9"
            yield from (f"{key.env}=user:0123456789" for key in each.keys[:1])

    env, *command, _sandbox = SERVER
    return [env, *variables(), *command, *(word for name in platforms for word in ("--platform", name))]


if __name__ == "__main__":
    lint = [str(PROGRAM), "lint", "--command", shlex.join(server()), "--fail-on", "warning"]
    sys.exit(subprocess.run(lint, check=False, timeout=600).returncode)  # noqa: S603 - the linter of this environment
