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
from pullcord.commands.options import HTTP, parsers
from pullcord.config.settings import platforms
from pullcord.serving.front import Front

URL = "https://mcp.example.com/mcp"
KEYS = [key.env for each in platforms(shipped()).values() for key in each.keys]
LOCAL = ["EVERRUNS_API_KEY", "EVERSHELL_API_KEY", "EVERSHELL_SLUG", "XPANDER_API_KEY"]
SET = {name: f"secret-{name.lower().replace('_', '-')}" for name in LOCAL}
STARTING = [name for name, client in CLIENTS.items() if client.starts]
REACHING = [name for name, client in CLIENTS.items() if client.address]
CONNECTORS = [name for name, client in CLIENTS.items() if not client.address]


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
def _config(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs it where the keys of the platforms that are always listed are set."""
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    return Run(capsys)


def words(server: dict[str, Any]) -> list[str]:
    """The program and arguments in a snippet."""
    command = server["command"]
    return command if isinstance(command, list) else [command, *server["args"]]


def test_without_a_client_all_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 2
    assert capsys.readouterr().err == f"pullcord: config: write for which client: {', '.join(CLIENTS)}\n"


@pytest.mark.parametrize("client", STARTING)
def test_a_client_is_told_an_absolute_command_that_serves(config: Run, client: str) -> None:
    assert words(config.server(client)) == [sys.executable, "-m", "pullcord", "serve"]
    assert Path(sys.executable).is_absolute()


def test_a_command_that_was_started_by_its_own_name_is_told_by_its_path(
    config: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/pullcord"])
    assert config.server("cursor")["command"] == str(Path.cwd() / "bin" / "pullcord")
    assert config.server("cursor")["args"] == ["serve"]


@pytest.mark.parametrize(
    ("record", "origin"),
    [
        (None, []),
        ({"url": "file:///a/pullcord.whl", "archive_info": {}}, ["--from", "file:///a/pullcord.whl"]),
        (
            {"url": "https://git.example.com/pullcord", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            ["--from", "git+https://git.example.com/pullcord"],
        ),
    ],
)
def test_a_command_that_uvx_runs_is_told_by_uvx_since_its_environment_will_be_gone(
    config: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record: dict[str, Any] | None, origin: list[str]
) -> None:
    info = tmp_path / "pullcord-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pullcord\nVersion: 1\n", encoding="utf-8")
    if record:
        (info / "direct_url.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "prefix", "/home/cache/uv/archive-v0/VVw")
    monkeypatch.setattr(sys, "argv", ["/home/cache/uv/archive-v0/VVw/bin/pullcord"])
    monkeypatch.setenv("UV", "/opt/bin/uv")
    assert words(config.server("cursor")) == ["/opt/bin/uv", "tool", "run", *origin, "pullcord", "serve"]


def test_a_command_in_a_lasting_environment_is_told_by_its_path_though_uv_started_it(
    config: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV", "/opt/bin/uv")
    assert words(config.server("cursor"))[0] == sys.executable


def test_what_was_chosen_is_chosen_in_the_clients_settings_too(
    config: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(own(), encoding="utf-8")
    monkeypatch.setenv("PULLCORD_PLATFORMS", "everruns, restate")
    chosen = ("--platform", "everruns", "--only", "cancel_task", "--only", "cancel_run")
    server = config.server("cursor", *chosen, "--manifest", os.path.relpath(mine))
    assert words(server)[4:] == [
        *chosen,
        *("--manifest", str(Path(os.path.relpath(mine)).absolute())),
        *("--platform", "restate"),
    ]
    mine_needs = ["PULLCORD_PLATFORM_DEPOT_KEY", "PULLCORD_PLATFORM_DEPOT_TENANT"]
    assert list(server["env"]) == ["EVERRUNS_API_KEY", *mine_needs]


def test_only_platforms_that_are_named_or_have_their_key_set_are_in_a_snippet(
    config: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EVERSHELL_API_KEY", "XPANDER_API_KEY"):
        monkeypatch.delenv(name)
    assert list(config.server("cursor")["env"]) == ["EVERRUNS_API_KEY"]
    assert list(config.server("cursor", "--platform", "xpander")["env"]) == ["EVERRUNS_API_KEY", "XPANDER_API_KEY"]
    # A key of a platform that is not always listed may lie there for another program.
    monkeypatch.setenv("LANGGRAPH_API_KEY", "k")
    assert list(config.server("cursor")["env"]) == ["EVERRUNS_API_KEY"]
    named = config.server("cursor", "--platform", "langgraph", "--only", "cancel_task")
    assert list(named["env"]) == ["EVERRUNS_API_KEY"]


def test_where_what_runs_is_looked_for_each_platform_that_is_named_or_has_its_key_set_is_in_a_snippet(
    config: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XPANDER_API_KEY")
    server = config.server("cursor", "--platform", "langgraph", "--only", "find_running")
    needed = {"EVERRUNS_API_KEY", "EVERSHELL_API_KEY", "EVERSHELL_SLUG", "LANGGRAPH_API_URL"}
    assert server["env"].keys() == needed


def test_a_setting_that_is_not_needed_is_told_if_it_is_set(config: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERRUNS_API_URL", "https://everruns.example.com")
    assert set(config.server("cursor")["env"]) == {*LOCAL, "EVERRUNS_API_URL"}


@pytest.mark.parametrize("client", STARTING)
def test_what_is_protected_and_recorded_here_is_so_in_the_client_too(
    config: Run, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most clients hand on a few variables of their environment only."""
    monkeypatch.setenv("PULLCORD_PROTECT", "run-1, run-2")
    (tmp_path / "hosts").write_text("flower", encoding="utf-8")
    monkeypatch.setenv("PULLCORD_PLAIN_HTTP_FILE", str(tmp_path / "hosts"))
    monkeypatch.setenv("PULLCORD_JOURNAL", "journal")
    server = config.server(client)
    env = server[CLIENTS[client].env]
    assert env["PULLCORD_PROTECT"] == "run-1, run-2"
    assert env["PULLCORD_PLAIN_HTTP_FILE"] == str(tmp_path / "hosts")
    assert words(server)[-2:] == ["--journal", str(Path("journal").absolute())]
    monkeypatch.setenv("PULLCORD_JOURNAL", "-")
    assert words(config.server(client))[-2:] == ["--journal", "-"]


@pytest.mark.parametrize("client", STARTING)
def test_without_a_key_no_variable_is_named_and_it_is_told_why(
    config: Run, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LOCAL:
        monkeypatch.delenv(name)
    assert not {"env", "environment", "env_vars"} & config.server(client).keys()
    assert "No platform is named or has its key set here" in config(client).err


@pytest.mark.parametrize(
    ("client", "value"),
    [
        ("claude-code", "${%s:-}"),
        ("cursor", "${env:%s}"),
        ("vscode", "${input:%s}"),
        ("copilot", "${%s:-}"),
        ("gemini", "${%s}"),
        ("devin-desktop", "${env:%s}"),
        ("opencode", "{env:%s}"),
    ],
)
def test_a_client_takes_each_value_in_its_own_way(config: Run, client: str, value: str) -> None:
    assert config.server(client)[CLIENTS[client].env] == {name: value % name for name in LOCAL}
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
    ("client", "address", "kind", "started"),
    [
        ("claude-code", "url", {"type": "http"}, {"type": "stdio"}),
        ("cursor", "url", {}, {}),
        ("vscode", "url", {"type": "http"}, {"type": "stdio"}),
        ("copilot", "url", {"type": "http"}, {"type": "stdio"}),
        ("codex", "url", {}, {}),
        ("gemini", "httpUrl", {}, {}),
        ("antigravity", "serverUrl", {}, {}),
        ("devin-desktop", "url", {"transport": "http"}, {}),
        ("opencode", "url", {"type": "remote"}, {"type": "local"}),
        ("zed", "url", {}, {}),
        ("generic", "url", {}, {}),
    ],
)
def test_a_client_reaches_a_server_over_http_by_the_names_that_it_knows(
    config: Run, client: str, address: str, kind: dict[str, str], started: dict[str, str]
) -> None:
    kinds = {"type", "transport"}
    server = config.server(client, "--http", URL)
    assert server[address] == URL
    assert {name: server[name] for name in kinds & server.keys()} == kind
    local = config.server(client)
    assert {name: local[name] for name in kinds & local.keys()} == started


@pytest.mark.parametrize(
    ("client", "member", "value"),
    [
        ("claude-code", "timeout", 330_000),
        ("copilot", "timeout", 330_000),
        ("codex", "tool_timeout_sec", 330),
        ("gemini", "timeout", 330_000),
        ("opencode", "timeout", 330_000),
        ("zed", "timeout", 330),
    ],
)
def test_a_client_that_has_a_setting_for_it_waits_as_long_as_a_call_may(
    config: Run, client: str, member: str, value: int
) -> None:
    assert config.server(client)[member] == config.server(client, "--http", URL)[member] == value
    assert value >= 315


@pytest.mark.parametrize("client", REACHING)
def test_a_client_that_keeps_no_secrets_is_told_where_the_token_goes(config: Run, client: str) -> None:
    printed = config(client, "--http", URL)
    assert "PULLCORD_TOKEN" in printed.out
    assert ("Write a token" in printed.err) is (CLIENTS[client].keeps == "nowhere")


def test_an_address_without_a_path_is_told_where_mcp_is(config: Run) -> None:
    note = "answers at /mcp"
    assert note in config("cursor", "--http", "https://mcp.example.com/").err
    assert note not in config("cursor", "--http", URL).err


@pytest.mark.parametrize("client", CONNECTORS)
def test_a_connector_is_told_its_address_and_what_oauth_takes(config: Run, client: str) -> None:
    status, out, err = config(client, "--http", URL)
    assert (status, out) == (0, f"{URL}\n")
    for word in ("Connectors", "OAuth 2.1", f"--issuer ISSUER --resource {URL}", "RFC 8414", "S256"):
        assert word in err


def test_what_a_connector_is_told_to_start_can_be_started(config: Run) -> None:
    (line,) = [line for line in config("chatgpt", "--http", URL).err.splitlines() if "Start that pullcord" in line]
    argv = line.partition("pullcord serve")[2].partition(",")[0].split()
    options = parsers()[0].parse_args(["serve", *argv, "--trusted-proxy", "192.0.2.1"])
    front = {name: value for name in HTTP if (value := getattr(options, name)) is not None}
    front["issuer"] = "https://issuer.example.com"
    assert Front(**front).faults() == []


@pytest.mark.parametrize("client", STARTING)
def test_it_is_told_where_the_snippet_goes_and_which_values_are_wanted(config: Run, client: str) -> None:
    _, out, err = config(client)
    assert CLIENTS[client].where in err
    assert CLIENTS[client].where not in out
    assert "everruns_api_key" in err.lower() or CLIENTS[client].asks


@pytest.mark.parametrize("client", CLIENTS)
def test_no_key_is_ever_printed(config: Run, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERRUNS_API_KEY_FILE", "secret-typed-where-a-path-belongs")
    monkeypatch.delenv("EVERRUNS_API_KEY")
    assert "secret-" not in "".join(map(str, config(client)))
    assert "secret-" not in "".join(map(str, config(client, "--platform", "everruns")))


@pytest.mark.parametrize("client", ["claude-desktop", "cursor", "codex"])
def test_a_key_that_stands_in_a_file_already_stays_there(
    config: Run, client: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("secret-of-the-file", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVERRUNS_API_KEY")
    monkeypatch.setenv("EVERRUNS_API_KEY_FILE", "key")
    server = config.server(client, "--only", "cancel_task")
    told = {"claude-desktop": str(tmp_path / "key"), "cursor": "${env:EVERRUNS_API_KEY_FILE}", "codex": None}
    values = server["env"] if "env" in server else dict.fromkeys(server["env_vars"])
    assert values == {"EVERRUNS_API_KEY_FILE": told[client]}
    assert "Write each value" not in config(client, "--only", "cancel_task").err


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
        (
            ["chatgpt", "--http", "http://127.0.0.1:8642/mcp"],
            "--http: ChatGPT's vendor calls it: write an https address",
        ),
        (["chatgpt"], "ChatGPT starts no program; add --http URL"),
        (["claude-desktop", "--http", URL, "--only", "cancel_task"], "--only is chosen where that pullcord is started"),
        (["cursor", "--platform", "everrun"], "--platform everrun: there is no such platform"),
    ],
)
def test_what_can_not_be_written_is_refused(config: Run, argv: list[str], fault: str) -> None:
    status, out, err = config(*argv)
    assert (status, out) == (2, "")
    assert fault in err


@pytest.mark.parametrize(
    ("journal", "said"),
    [("${user_config.journal}", "placeholder"), ("/dev/stdout", "carries MCP"), ("/dev/fd/1", "carries MCP")],
)
def test_a_journal_with_which_no_client_could_start_pullcord_is_told(
    journal: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULLCORD_JOURNAL", journal)
    assert main(["config", "generic"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "PULLCORD_JOURNAL: " in errors
    assert said in errors
