"""`pullcord config`: the hosts that npm has read the snippets themselves, and some start or call pullcord by them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.environment import npm

from pullcord.commands.main import main

pytestmark = pytest.mark.npm

NOWHERE = "http://127.0.0.1:9/mcp"
"""Nobody answers there (port 9, discard)."""
SERVE = [sys.executable, "-m", "pullcord", "serve"]
KEY = {"EVERRUNS_API_KEY": "the-value"}


class Program(NamedTuple):
    """A host's own program, which tells what it read."""

    package: str
    binary: str
    file: str
    """The file of its settings, below the home folder."""
    tells: tuple[str, ...]
    """The arguments with which it tells the server."""
    local: tuple[str, ...]
    """What it then tells of a server that it starts."""
    remote: tuple[str, ...]
    """What it then tells of a server that it calls."""
    environ: Mapping[str, str] = {}


PROGRAMS = {
    "claude-code": Program(
        "@anthropic-ai/claude-code@2.1.332",
        "claude",
        ".claude.json",
        ("mcp", "get", "pullcord"),
        ("Type: stdio", "Args: -m pullcord serve", "EVERRUNS_API_KEY=", "Timeout: 330000ms", "Connected"),
        ("Type: http", f"URL: {NOWHERE}", "Authorization: Bearer", "Timeout: 330000ms"),
    ),
    "codex": Program(
        "@openai/codex@0.169.0",
        "codex",
        ".codex/config.toml",
        ("mcp", "get", "pullcord", "--json"),
        ('"type": "stdio"', '"env_vars": [', '"EVERRUNS_API_KEY"', '"tool_timeout_sec": 330.0'),
        (f'"url": "{NOWHERE}"', '"bearer_token_env_var": "PULLCORD_TOKEN"', '"tool_timeout_sec": 330.0'),
    ),
    "copilot": Program(
        "@github/copilot@1.0.102",
        "copilot",
        ".copilot/mcp-config.json",
        ("mcp", "get", "pullcord", "--json", "--show-secrets"),
        ('"type": "stdio"', '"EVERRUNS_API_KEY": "${EVERRUNS_API_KEY:-}"', '"timeout": 330000'),
        ('"type": "http"', f'"url": "{NOWHERE}"', '"Authorization": "Bearer ', '"timeout": 330000'),
    ),
    "gemini": Program(
        "@google/gemini-cli@0.61.0",
        "gemini",
        ".gemini/settings.json",
        ("mcp", "list"),
        ("-m pullcord serve (stdio)", "Connected"),
        (f"{NOWHERE} (http)",),
        {"GEMINI_CLI_TRUST_WORKSPACE": "true"},
    ),
    "opencode": Program(
        "opencode-ai@1.18.33",
        "opencode",
        "opencode.json",
        ("debug", "config"),
        ('"type": "local"', '"EVERRUNS_API_KEY": "***"', '"timeout": 330000'),
        ('"type": "remote"', f'"url": "{NOWHERE}"', '"Authorization": "***"', '"timeout": 330000'),
    ),
}


@pytest.mark.parametrize("client", PROGRAMS)
def test_a_host_reads_its_snippet_as_it_was_meant(
    client: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERRUNS_API_KEY", KEY["EVERRUNS_API_KEY"])
    program = PROGRAMS[client]
    for argv, expected in (((), program.local), (("--http", NOWHERE), program.remote)):
        assert main(["config", client, *argv]) == 0
        told = tell(client, capsys.readouterr().out, tmp_path)
        assert [each for each in expected if each not in told] == [], told
        assert all(word in told for word in SERVE[1:]) is not bool(argv), told


def tell(client: str, snippet: str, home: Path) -> str:
    """What a host's program tells of a snippet in its settings."""
    program = PROGRAMS[client]
    file = home / program.file
    file.parent.mkdir(exist_ok=True)
    file.write_text(snippet, encoding="utf-8")
    binary = npm(f"hosts/{client}", program.package) / "node_modules" / ".bin" / program.binary
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PULLCORD_TOKEN": "t", **KEY, **program.environ}
    done = subprocess.run(  # noqa: S603 - a host of the table
        [binary, *program.tells], cwd=home, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
