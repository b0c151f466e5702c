"""`pullcord check --live`: each configured platform is asked for something harmless, and what came of it is told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from tests.support import answering, shipped
from tests.transport import Over, mock

from pullcord.commands import check
from pullcord.commands.check import Line
from pullcord.commands.main import main
from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.sandbox import CONFIDENTIAL, Sandbox, running
from pullcord.upstream.connections import LostError, Transport, UnsentError
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio
HERE = "http://127.0.0.1:1"


def scope_of(environ: dict[str, str]) -> Surface:
    catalogue = shipped()
    return Surface.of(catalogue, settings.read(catalogue, environ))


def _silent(_: str) -> None:
    raise AssertionError("nothing takes long here")


async def asked(transport: Transport, environ: dict[str, str]) -> dict[str, Line]:
    scope = scope_of(environ)
    async with Gateway(transport, sleep=lambda _: anyio.lowlevel.checkpoint()) as gateway:
        with anyio.fail_after(10):
            lines = await check.live(check.report(scope), scope, gateway, _silent, pause=10)
    return {line["platform"]: line for line in lines}


async def test_a_platform_that_answers_works_and_was_asked_once_for_a_list() -> None:
    sandbox = Sandbox()
    lines = await asked(Over(httpx2.ASGITransport(app=sandbox.app)), sandbox.environment(HERE))
    assert check.works(list(lines.values()))
    assert {name: line["live"] and line["live"]["outcome"] for name, line in lines.items()} == dict.fromkeys(
        ["everruns", "evershell", "xpander"], "observed"
    )
    assert sorted((each.platform, each.method, each.status) for each in sandbox.requests) == [
        ("everruns", "GET", 200),
        ("evershell", "GET", 200),
        ("xpander", "GET", 200),
    ]


async def test_a_platform_without_settings_is_not_asked() -> None:
    sandbox = Sandbox()
    environ = {name: value for name, value in sandbox.environment(HERE).items() if not name.startswith("XPANDER")}
    lines = await asked(Over(httpx2.ASGITransport(app=sandbox.app)), environ)
    assert lines["xpander"]["live"] is None
    assert check.works(list(lines.values()))
    assert "set XPANDER_API_KEY" in check.table(list(lines.values()))
    assert {each.platform for each in sandbox.requests} == {"everruns", "evershell"}


async def test_nothing_works_where_nothing_could_be_asked() -> None:
    lines = await asked(answering(200), {})
    assert not check.works(list(lines.values()))


@pytest.mark.parametrize(
    ("transport", "outcome"),
    [
        (answering(401, {"error": CONFIDENTIAL}), "denied"),
        (answering(200, "no list"), "unknown"),
        (answering(503), "unknown"),
    ],
)
async def test_a_platform_that_does_not_answer_as_it_should_fails_and_is_told_in_our_words(
    transport: Transport, outcome: str
) -> None:
    environ = {"EVERRUNS_API_KEY": "a-key"}
    lines = await asked(transport, environ)
    live = lines["everruns"]["live"]
    assert live is not None
    assert (live["works"], live["outcome"]) == (False, outcome)
    table = check.table(list(lines.values()))
    assert "Everruns: does not work" in table
    assert outcome in table
    assert not check.works(list(lines.values()))
    assert CONFIDENTIAL not in json.dumps(lines)
    assert "a-key" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UnsentError("the connection could not be made"), "no answer"),
        (LostError("the connection broke"), "no answer"),
        (httpx2.Response(429), "asked too often"),
    ],
)
async def test_it_is_not_said_that_a_platform_does_not_work_that_did_not_answer(
    error: Exception | httpx2.Response, state: str
) -> None:
    def failing(_: httpx2.Request) -> httpx2.Response:
        if isinstance(error, Exception):
            raise error
        return error

    lines = await asked(mock(failing), {"EVERRUNS_API_KEY": "a-key"})
    assert lines["everruns"]["live"]
    assert lines["everruns"]["live"]["works"] is None
    assert f"Everruns: {state}\n" in check.table(list(lines.values()))
    assert not check.works(list(lines.values()))


async def test_why_a_platform_could_not_be_reached_is_told() -> None:
    def failing(_: httpx2.Request) -> httpx2.Response:
        raise UnsentError("the connection could not be made")

    lines = await asked(mock(failing), {"EVERRUNS_API_KEY": "a-key"})
    assert "The connection could not be made." in " ".join(check.table(list(lines.values())).split())


async def test_a_platform_with_nothing_harmless_to_ask_for_is_told_so() -> None:
    scope = scope_of({"EVERRUNS_API_KEY": "a-key"})
    only = {name: each for name, each in scope.catalogue.items() if each.cancel}
    scope = Surface.of(only, scope.settings)
    async with Gateway(answering(200)) as gateway:
        lines = await check.live(check.report(scope), scope, gateway, _silent, pause=10)
    assert not check.works(lines)
    told = " ".join(check.table(lines).split())
    assert "Everruns: not asked" in told
    assert "live None of its observe operations can be called without arguments." in told


async def test_what_is_waited_for_is_told_until_all_have_answered() -> None:
    told: list[str] = []
    waiting = anyio.Event()
    sandbox = Sandbox()
    inner = httpx2.ASGITransport(app=sandbox.app)

    async def slow(request: httpx2.Request) -> httpx2.Response:
        if "/xpander" not in request.url.path:
            await waiting.wait()
        return await inner.handle_async_request(request)

    def say(what: str) -> None:
        told.append(what)
        if len(told) > 1 and "xpander" not in what:
            waiting.set()

    scope = scope_of(sandbox.environment(HERE))
    async with Gateway(mock(slow)) as gateway:
        with anyio.fail_after(10):
            lines = await check.live(check.report(scope), scope, gateway, say, pause=0.001)
    assert check.works(lines)
    assert "waiting for Everruns and EverShell" in told
    assert "waiting for " not in told


@asynccontextmanager
async def _settings(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    async with running(sandbox) as base_url:
        for name, value in sandbox.environment(base_url).items():
            monkeypatch.setenv(name, value)
        yield sandbox


async def test_the_command_asks_and_its_status_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _settings(monkeypatch):
        with anyio.fail_after(300):
            assert await anyio.to_thread.run_sync(main, ["check", "--live"]) == 0
            table, _ = capsys.readouterr()
            monkeypatch.setenv("EVERRUNS_API_KEY", "wrong")
            assert await anyio.to_thread.run_sync(main, ["check", "--live", "--json"]) == 1
            report = json.loads(capsys.readouterr().out)
    assert "Everruns: works" in table
    assert {line["platform"]: line["live"]["outcome"] for line in report["platforms"]} == {
        "everruns": "denied",
        "evershell": "observed",
        "xpander": "observed",
    }


def test_without_any_key_it_says_that_nothing_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--live"]) == 1
    table, said = capsys.readouterr()
    assert "does not work" not in table
    assert said == (
        "pullcord: nothing was asked: no platform has all that it needs; the first line of each says what to set\n"
    )


@pytest.mark.parametrize("live", [[], ["--live"]])
def test_settings_with_a_fault_are_told_and_fail(
    live: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVERRUNS_API_KEY", "evr_pat_...")
    assert main(["check", *live]) == 1
    table = capsys.readouterr().out
    assert table.startswith(
        "Everruns: its settings can't be used\n"
        "  fault  EVERRUNS_API_KEY: this is only the beginning of a value; write it whole\n"
    )
    assert "xpander.ai: set XPANDER_API_KEY\n" in table


def test_without_live_nothing_is_asked_and_a_missing_key_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"]) == 0
    assert all("live" not in line for line in json.loads(capsys.readouterr().out)["platforms"])


class TestTable:
    def lines(self, **over: object) -> list[Line]:
        line: Line = {
            "platform": "p",
            "title": "P",
            "configured": True,
            "obstacle": None,
            "key": "P_API_KEY (set)",
            "base_url": "https://p.example",
            "missing": [],
            "faults": [],
            "variables": [
                {
                    "name": "P_API_KEY",
                    "source": "P_API_KEY_FILE",
                    "empty_file": False,
                    "goes": "the header Authorization",
                }
            ],
            "tools": ["cancel_it"],
        }
        return [line | over]  # type: ignore[list-item]  # a dict merged into a TypedDict is none

    def test_it_fits_80_columns_and_keeps_a_url_whole(self) -> None:
        url = f"https://p.example/{'a-b' * 30}"
        table = check.table(self.lines(tools=[f"cancel_number_{n}" for n in range(20)], base_url=url))
        assert url in table
        assert all(len(line) <= 80 for line in table.splitlines() if url not in line)
        assert "  tools  cancel_number_0, cancel_number_1" in table
        assert "\n         cancel_number_" in table

    @pytest.mark.parametrize(
        ("over", "state", "colour"),
        [
            ({}, "ready", 32),
            ({"configured": False, "missing": ["A", "B"]}, "set A and B", 33),
            ({"live": {"works": True, "operation": "o", "outcome": "observed", "message": ""}}, "works", 32),
            ({"live": {"works": False, "operation": "o", "outcome": "denied", "message": "M"}}, "does not work", 31),
            ({"live": {"works": None, "operation": "o", "outcome": "unknown", "message": "M"}}, "no answer", 33),
            ({"live": {"works": None, "operation": None, "outcome": None, "message": "M"}}, "not asked", 33),
            ({"configured": False, "faults": ["P_API_URL: this is no URL"]}, "its settings can't be used", 31),
        ],
    )
    def test_the_state_has_a_colour_only_where_colours_are_wanted(
        self, over: dict[str, Any], state: str, colour: int
    ) -> None:
        assert check.table(self.lines(**over)).startswith(f"P: {state}\n")
        assert check.table(self.lines(**over), colour=True).startswith(f"P: \x1b[{colour}m{state}\x1b[0m\n")

    def test_faults_and_where_each_value_comes_from_are_told(self) -> None:
        table = check.table(self.lines(configured=False, faults=["P_API_URL: this is no URL"])).splitlines()
        assert table[1] == "  fault  P_API_URL: this is no URL"
        assert "  reads  P_API_KEY (from P_API_KEY_FILE) goes into the header Authorization" in table

    def test_a_platform_without_tools_says_so(self) -> None:
        assert "  tools  none" in check.table(self.lines(tools=[]))


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_the_command_colours_only_for_a_terminal_that_was_not_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    terminal: bool,
    no_color: str,
    coloured: bool,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    main(["check"])
    assert ("\x1b[" in capsys.readouterr().out) is coloured
