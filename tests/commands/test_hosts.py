"""`pullcord config`: what a client's settings need, in the client's own format, and without any key."""

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from tests.depot import own
from tests.support import shipped

import pullcord
from pullcord.commands.hosts import CLIENTS
from pullcord.commands.main import main
from pullcord.config.settings import platforms

URL = "https://mcp.example.com/mcp"
KEYS = [key.env for each in platforms(shipped()).values() for key in each.keys]
LOCAL = ["EVERRUNS_API_KEY", "EVERSHELL_API_KEY", "EVERSHELL_SLUG", "XPANDER_API_KEY"]


class Printed(NamedTuple):
    """What a command printed."""

    status: int
    out: str
    err: str


class Run:
    """Runs the command line."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *argv: str) -> Printed:
        status = main(["config", *argv])
        return Printed(status, *self._capsys.readouterr())

    def server(self, client: str, *argv: str) -> dict[str, Any]:
        """The server in a snippet, which the format's own parser must take."""
        status, out, _ = self(client, *argv)
        assert status == 0
        whole = tomllib.loads(out) if client == "codex" else json.loads(out)
        server: dict[str, Any] = whole[CLIENTS[client].servers]["pullcord"]
        return server


@pytest.fixture(name="config")
def _config(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_told_an_absolute_command_that_serves(config: Run, client: str) -> None:
    server = config.server(client)
    assert [server["command"], *server["args"]] == [sys.executable, "-m", "pullcord", "serve"]
    assert Path(server["command"]).is_absolute()


def test_a_command_that_was_started_by_its_own_name_is_told_by_its_path(
    config: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/pullcord"])
    assert config.server("cursor")["command"] == str(Path.cwd() / "bin" / "pullcord")
    assert config.server("cursor")["args"] == ["serve"]


def test_what_was_chosen_is_chosen_in_the_clients_settings_too(config: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(own(), encoding="utf-8")
    server = config.server(
        "cursor",
        "--platform",
        "everruns",
        "--only",
        "cancel_task",
        "--only",
        "cancel_run",
        "--manifest",
        os.path.relpath(mine),
    )
    assert server["args"][2:] == [
        "serve",
        *("--platform", "everruns"),
        *("--only", "cancel_task", "--only", "cancel_run"),
        *("--manifest", str(Path(os.path.relpath(mine)).absolute())),
    ]
    mine_needs = ["PULLCORD_PLATFORM_DEPOT_KEY", "PULLCORD_PLATFORM_DEPOT_TENANT"]
    assert list(server["env"]) == ["EVERRUNS_API_KEY", *mine_needs]


@pytest.mark.parametrize(
    ("client", "value"),
    [
        ("claude-code", "${%s:-}"),
        ("cursor", "${env:%s}"),
        ("vscode", "${input:%s}"),
        ("gemini", "${%s}"),
        ("windsurf", "${env:%s}"),
    ],
)
def test_a_client_takes_each_value_in_its_own_way(config: Run, client: str, value: str) -> None:
    assert config.server(client)["env"] == {name: value % name for name in LOCAL}
    assert config.server(client, "--http", URL)["headers"] == {"Authorization": f"Bearer {value % 'PULLCORD_TOKEN'}"}


def test_vs_code_asks_for_each_value_and_hides_the_keys(config: Run) -> None:
    questions = {each["id"]: each for each in json.loads(config("vscode").out)["inputs"]}
    assert {name: each["password"] for name, each in questions.items()} == {name: name in KEYS for name in LOCAL}
    assert questions["EVERRUNS_API_KEY"] == {
        "type": "promptString",
        "id": "EVERRUNS_API_KEY",
        "description": "Key for Everruns",
        "password": True,
    }
    assert json.loads(config("vscode", "--http", URL).out)["inputs"][0]["password"] is True


def test_codex_hands_on_variables_by_name_and_waits_as_long_as_a_call_may(config: Run) -> None:
    server = config.server("codex")
    assert server["env_vars"] == LOCAL
    assert server["tool_timeout_sec"] > 300
    assert config.server("codex", "--http", URL) == {
        "url": URL,
        "bearer_token_env_var": "PULLCORD_TOKEN",
        "tool_timeout_sec": server["tool_timeout_sec"],
    }


def test_codex_can_read_a_command_with_any_character(config: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    awkward = '/o "p"/ü\\n/pullcord'
    monkeypatch.setattr(sys, "argv", [awkward])
    assert config.server("codex")["command"] == awkward


@pytest.mark.parametrize(
    ("client", "address", "kind"),
    [
        ("claude-code", "url", "http"),
        ("cursor", "url", None),
        ("vscode", "url", "http"),
        ("codex", "url", None),
        ("gemini", "httpUrl", None),
        ("windsurf", "serverUrl", None),
    ],
)
def test_a_client_reaches_a_server_over_http_by_the_names_that_it_knows(
    config: Run, client: str, address: str, kind: str | None
) -> None:
    server = config.server(client, "--http", URL)
    assert server[address] == URL
    assert server.get("type") == kind
    assert config.server(client).get("type") == (kind and "stdio")


@pytest.mark.parametrize("client", CLIENTS)
def test_it_is_told_where_the_snippet_goes_and_which_values_are_wanted(config: Run, client: str) -> None:
    _, out, err = config(client, "--platform", "everruns")
    assert CLIENTS[client].where in err
    assert CLIENTS[client].where not in out
    assert "everruns_api_key" in err.lower() or CLIENTS[client].asks


@pytest.mark.parametrize("client", CLIENTS)
def test_no_key_is_ever_printed(config: Run, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOCAL:
        monkeypatch.setenv(name, f"secret-{name.lower().replace('_', '-')}")
    assert "secret-" not in "".join(map(str, config(client)))


@pytest.mark.anyio
async def test_a_client_that_keeps_no_secrets_starts_a_server_that_reads_them_from_files(
    config: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    server = config.server("claude-desktop")
    files = {name: Path(path) for name, path in server["env"].items()}
    assert list(files) == [f"{name}_FILE" for name in LOCAL]
    for file in files.values():
        assert tmp_path in file.parents
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a-value\n", encoding="utf-8")
    source = {"PYTHONPATH": str(Path(pullcord.__file__).parents[1])}  # as an installed package would be found
    started = StdioServerParameters(command=server["command"], args=server["args"], env={**server["env"], **source})
    with anyio.fail_after(300):
        async with Client(stdio_client(started)) as client:
            tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == {"find_running", *shipped()}


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["cursor", "--http", "http://mcp.example.com/mcp"], "--http: the URL must be https"),
        (["cursor", "--http", URL, "--platform", "everruns"], "--platform is chosen where that pullcord is started"),
        (["claude-desktop", "--http", URL], "--http: Claude Desktop takes no address in a file"),
        (["cursor", "--platform", "everrun"], "--platform everrun: there is no such platform"),
    ],
)
def test_what_can_not_be_written_is_refused(config: Run, argv: list[str], fault: str) -> None:
    status, out, err = config(*argv)
    assert (status, out) == (2, "")
    assert fault in err
