"""The command line: what it reads, what it prints, and how it ends. Servers as processes are in e2e/."""

import gc
import importlib
import io
import json
import os
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import NoReturn

import anyio
import pytest
from tests.depot import depot
from tests.support import shipped

from pullcord import __version__
from pullcord.commands.main import main
from pullcord.commands.tools import more
from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.manifest import loading
from pullcord.sandbox import Sandbox

CANCELS = ["cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Sandbox().environment("http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)


def names(printed: str) -> list[str]:
    """The first word of each line."""
    return [line.split()[0] for line in printed.splitlines()]


def refused(*argv: str) -> int | str | None:
    """The exit status of a command line that argparse refuses."""
    with pytest.raises(SystemExit) as error:
        main(argv)
    return error.value.code


def test_alone_in_a_terminal_it_prints_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pullcord"])
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert main() == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: pullcord")
    assert all(f"\n    {command} " in out for command in ("serve", "demo", "tools", "check", "sandbox"))


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused("--version") == 0
    assert capsys.readouterr().out == f"pullcord {__version__}\n"


def test_without_any_key_the_tools_are_find_running_and_the_cancels(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tools"]) == 0
    assert names(capsys.readouterr().out) == ["find_running", *CANCELS]


@pytest.mark.usefixtures("configured")
def test_with_keys_the_tools_are_all_and_in_json_as_mcp_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--json"]) == 0
    tools = json.loads(capsys.readouterr().out)["tools"]
    assert {tool["name"] for tool in tools} == {"find_running", *shipped()}
    assert {tool["name"] for tool in tools if tool["annotations"]["destructiveHint"]} == {*CANCELS}
    assert all(tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object" for tool in tools)


@pytest.mark.usefixtures("configured")
def test_operations_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--platform", "xpander", "--only", "stop_task", "--only", "get_task"]) == 0
    assert names(capsys.readouterr().out) == ["get_task", "stop_task"]


def test_how_many_more_tools_there_are_is_told_and_what_they_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XPANDER_API_KEY", "k")
    assert main(["tools"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == [
        "pullcord: 4 more tools of Everruns: EVERRUNS_API_KEY is not set",
        "pullcord: 3 more tools of EverShell: EVERSHELL_API_KEY and EVERSHELL_SLUG are not set",
    ]
    assert "pullcord: 3 more tools of A2A with --platform a2a" in told[2:]


def test_tools_that_come_with_a_name_are_told() -> None:
    catalogue = depot()
    rest = Surface.of(catalogue, settings.read(catalogue, {}))
    nothing = Surface.of({}, {})
    assert list(more(nothing, rest)) == ["4 more tools of Depot with --platform depot"]
    one = {"get_run": catalogue["get_run"]}
    assert list(more(nothing, Surface.of(one, settings.read(one, {})))) == [
        "1 more tool of Depot with --platform depot"
    ]


def test_a_choice_that_leaves_no_tool_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--only", "get_task"]) == 0
    assert capsys.readouterr().out == ""


def test_a_manifest_of_the_users_own_adds_its_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped,) = [path for path in loading.shipped() if path.name.removesuffix(".yaml") == "xpander"]
    own = shipped.read_text(encoding="utf-8").replace("xpander", "mine").replace("XPANDER", "PULLCORD_PLATFORM_MINE")
    for operation in ("stop_task", "get_execution", "list_executions"):
        own = own.replace(operation, f"my_{operation}")
    (tmp_path / "mine.yaml").write_text(own, encoding="utf-8")
    assert main(["tools", "--manifest", str(tmp_path / "mine.yaml")]) == 0
    assert names(capsys.readouterr().out) == ["find_running", *CANCELS, "my_stop_task"]


def test_all_that_is_wrong_is_said_at_once_one_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choice = ["--platform", "expander", "--only", "stop", "--only", "start"]
    assert main(["check", *choice]) == 2
    own = ["--manifest", str(tmp_path / "none.yaml"), "--timeout", "5", "--connect-timeout", "0.5"]
    assert main(["serve", *own]) == 2
    out, err = capsys.readouterr()
    *lines, last = err.splitlines()
    assert out == ""
    assert [line.split(": ")[1] for line in lines] == [
        "--platform expander",
        "--only stop",
        "--only start",
    ]
    assert "none.yaml" in last


def test_check_tells_what_each_platform_lacks_and_shows_no_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XPANDER_API_KEY", "never-shown")
    assert main(["check"]) == 0
    table = capsys.readouterr().out
    assert main(["check", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["platforms"]
    assert {line["platform"]: line["missing"] for line in lines} == {
        "everruns": ["EVERRUNS_API_KEY"],
        "evershell": ["EVERSHELL_API_KEY", "EVERSHELL_SLUG"],
        "xpander": [],
    }
    assert all(f"{line['title']}: " in table for line in lines)
    assert "never-shown" not in f"{table}{lines}"


def test_a_journal_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", str(tmp_path / "none")]) == 2
    assert "none: this journal can't be read" in capsys.readouterr().err


def test_an_interrupt_before_anything_runs_ends_it_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(anyio, "run", interrupted)
    assert main(["sandbox"]) == 130


def test_an_interrupt_while_it_starts_ends_it_without_a_trace_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert main(["sandbox"]) == 130
    assert gc.isenabled()


def test_a_reader_of_the_output_that_has_gone_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> NoReturn:
        raise BrokenPipeError

    monkeypatch.setattr(anyio, "run", broken)
    assert main(["ps"]) == 1
    os.write(1, b"nobody reads this")
    assert capfd.readouterr() == ("", "")


def test_a_demo_that_fails_says_so_in_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert main(["demo"]) == 1
    assert capsys.readouterr().out.startswith("Failed: ")


@pytest.mark.parametrize(
    ("out", "no_color", "coloured"), [(Terminal, "", True), (Terminal, "1", False), (io.StringIO, "", False)]
)
def test_the_demo_is_in_colour_only_on_a_terminal_whose_user_did_not_refuse_it(
    out: type[io.StringIO], no_color: str, *, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = out()
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    monkeypatch.setenv("NO_COLOR", no_color)
    main(["demo"])
    assert ("\x1b[" in stdout.getvalue()) is coloured


def test_a_port_that_is_taken_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["sandbox", "--port", str(port)]) == 2
    assert re.fullmatch(rf"pullcord: --port {port}: can't listen there: .+\n", capsys.readouterr().err)
