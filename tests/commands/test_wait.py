"""pullcord wait: what it watches, and how it ends."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.commands.desk import Desk, desk, options
from tests.e2e.weather import Trouble, Weather, refusal
from tests.support import answering
from tests.transport import Over

from pullcord.commands.main import main
from pullcord.commands.stop import stop
from pullcord.commands.wait import watch
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.sandbox import Sandbox
from pullcord.upstream.connections import Transport
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

EVERRUNS, EVERSHELL, XPANDER = Sandbox().everruns.ids, Sandbox().evershell.ids, Sandbox().xpander.ids

CANCELLED = "it has ended because it was cancelled"


async def status(at: Desk, *argv: str) -> int:
    """What `pullcord wait` with these arguments ends with."""
    return await watch(at.reach, options("wait", *argv), at.console)


async def stopping(at: Desk, *argv: str) -> None:
    """Ask work to stop, and don't wait."""
    await stop(at.reach, options("stop", "--yes", "--wait", "0", *argv), at.console)
    at.written.clear()
    at.noted.clear()


async def test_what_was_asked_to_stop_is_watched_until_it_has_ended_and_nothing_is_sent_again() -> None:
    async with desk() as at:
        await stopping(at, EVERSHELL.busy_task)
        assert await status(at, EVERSHELL.busy_task) == 0
        assert len(at.sent) == 1
    assert at.written == [
        f"ended  evershell Rewrite the tests {EVERSHELL.busy_task}: {CANCELLED} (state cancelled)",
        "1 of 1 ended.",
    ]
    assert any(" of 300 s: EverShell: " in note for note in at.noted)


async def test_in_a_narrow_terminal_lines_end_at_words_and_ids_stay_whole() -> None:
    async with desk() as at:
        at.columns = 50
        await status(at, XPANDER.executing_task, "--wait", "5")
    assert at.written[0].splitlines() == [
        "not ended  xpander Research competitors",
        f"    {XPANDER.executing_task}: it may",
        "    still run (state executing)",
    ]


async def test_what_runs_on_is_told_when_the_time_is_up() -> None:
    async with desk() as at:
        assert await status(at, XPANDER.executing_task, "--wait", "5") == 1
        assert at.sent == []
    assert at.written[0].endswith(f"{XPANDER.executing_task}: it may still run (state executing)")


async def test_work_that_ends_by_itself_is_told_as_that() -> None:
    async with desk() as at:
        argv = ["cancel_task", f"session_id={EVERRUNS.active_session}", f"task_id={EVERRUNS.succeeded_task}"]
        assert await status(at, *argv) == 0
    assert at.written[0].endswith(": it has ended by itself (state succeeded)")


async def test_a_journal_tells_what_had_not_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal"

    def make(gateway: Gateway) -> Engine:
        return Engine(gateway, Journal(str(path)))

    async with desk(make=make) as at:
        await stopping(at, EVERSHELL.busy_task, XPANDER.executing_task)
        with path.open("a", encoding="utf-8") as lines:
            (intent,) = [line for line in map(json.loads, path.read_text().splitlines()) if "workspace_id" in str(line)]
            lines.write(json.dumps({**intent, "id": "odd", "target": None}) + "\n")
        assert await status(at, "--journal", str(path)) == 1
    ended, odd = sorted(at.written[:-1])
    assert ended.startswith(f"ended  cancel_workspace_task workspace_id={EVERSHELL.busy_workspace} task_id=")
    assert odd == ("not ended  cancel_workspace_task: no look tells when it ends; pullcord ps shows whether it runs")
    assert at.written[-1] == "1 of 2 ended."


def recorded(**values: object) -> str:
    """The first line of a journal about a cancel that has no second one."""
    line = {"id": "1", "time": "2026-11-26T07:00:00", "event": "intent", "operation": "stop_task", "reason": None}
    target = {"task_id": XPANDER.executing_task}
    return json.dumps({**line, "platform": "xpander", "target": target, "client": "c", **values}) + "\n"


async def test_what_a_journal_records_and_nothing_here_can_look_at_is_told_and_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(recorded(platform="langgraph", operation="cancel_langgraph_run") * 2, encoding="utf-8")
    async with desk() as at:
        assert await status(at, "--journal", str(path)) == 1
        assert await status(at, "--journal", str(path), "--platform", "xpander") == 0, "only this platform's"
    assert at.written == [
        f"{path} records no work that can be watched here.",
        f"{path} records no work to wait for.",
    ]
    (note,) = at.noted
    assert note.startswith("not all was seen: langgraph: cancel_langgraph_run is not offered here, so nothing tells ")
    assert note.endswith(f"write --journal {path}, and its platform as where that was called (--platform, --manifest)")


def test_the_sandbox_is_not_asked_about_the_work_of_the_environments_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal"
    path.write_text(recorded(target={"task_id": "aaaaaaaa-0000-4000-8000-000000000001"}), encoding="utf-8")
    monkeypatch.setenv("PULLCORD_JOURNAL", str(path))
    assert main(["wait", "--sandbox", "--wait", "1"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "say what is meant" in errors


async def test_a_part_that_a_cascade_stopped_is_watched_though_its_cancel_is_no_tool(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(recorded(), encoding="utf-8")
    async with desk() as at:
        reach = at.reach._replace(surface=replace(at.reach.surface, tools={}))
        assert await watch(reach, options("wait", "--journal", str(path), "--wait", "5"), at.console) == 1
    assert at.written[0].startswith(f"not ended  stop_task task_id={XPANDER.executing_task}: it may still run")


async def test_a_cancel_that_was_never_sent_hides_no_earlier_one_that_was(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    refusal = recorded(id="2", event="refusal", outcome="rate_limited", obstacle="limited")
    path.write_text(recorded() + refusal, encoding="utf-8")
    async with desk() as at:
        assert await status(at, "--journal", str(path), "--wait", "5") == 1
        path.write_text(refusal, encoding="utf-8")
        assert await status(at, "--journal", str(path)) == 0
    assert at.written[0].startswith(f"not ended  stop_task task_id={XPANDER.executing_task}: ")
    assert at.written[2:] == [f"{path} records no work to wait for."]


async def test_a_journal_and_work_that_runs_are_not_meant_at_once() -> None:
    async with desk() as at:
        assert await status(at, "--journal", "journal", XPANDER.executing_task) == 2
        assert at.on.arrived == []
    assert at.noted == ["--journal names the work that it records: leave it out, or the ids, --all and --match"]


async def test_a_platform_that_was_not_seen_is_told_and_is_no_end() -> None:
    async with desk(environ={"EVERRUNS_API_KEY": "k", "EVERRUNS_API_URL": "http://127.0.0.1:1/nowhere"}) as at:
        assert await status(at, "--platform", "everruns") == 1
        assert await status(at, "--match", "no such work") == 1
        assert await status(at, "--platform", "everruns", "--json") == 1
    assert at.written[:2] == ["Nothing was seen to run: there is no work to wait for."] * 2
    assert all(note.startswith("not all was seen: Everruns: ") for note in at.noted)
    assert len(at.noted) == 3
    assert json.loads(at.written[2]) == {"pieces": [], "not_seen": [at.noted[0].removeprefix("not all was seen: ")]}


async def test_protected_work_is_not_waited_for_and_this_is_told() -> None:
    async with desk(environ={"PULLCORD_PROTECT": XPANDER.executing_task}) as at:
        assert await status(at, "--match", "Research competitors", "--wait", "1") == 0
    assert at.noted == ["1 more must not be stopped from here (PULLCORD_PROTECT): not waited for"]


def test_no_time_is_no_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["wait", "--all", "--wait", "0"])
    assert "--wait: 0 can't be used; write seconds, 1 to 86400" in capsys.readouterr().err


async def test_work_that_nothing_stops_is_no_work_to_watch() -> None:
    async with desk() as at:
        assert await status(at, "--match", "Triage new issues") == 1
    assert "no look tells when it ends" in at.output


async def test_a_look_that_fails_is_no_end() -> None:
    transport: Transport = answering(503)
    async with desk(transport=transport) as at:
        assert await status(at, "stop_task", f"task_id={XPANDER.executing_task}", "--wait", "5") == 1
    assert at.written[0].startswith("not ended  ")
    assert "no look at it succeeded" in at.written[0]


async def test_work_that_was_seen_and_is_gone_needs_no_more_waiting() -> None:
    """Its list showed it, and a look at it then finds nothing."""
    weather = Weather((Trouble(XPANDER.executing_task, times=99, answer=refusal(404)),))
    async with desk(transport=Over(weather)) as at:
        weather.sandbox.append(at.on.sandbox)
        start = at.on.clock.now
        assert await status(at, XPANDER.executing_task, "--wait", "300") == 0
        assert (at.on.clock.now - start).total_seconds() < 60
    assert (
        at.written[0].startswith(f"gone  xpander Restock 1 {XPANDER.executing_task}: ") or at.written[0][:6] == "gone  "
    )
    assert at.written[0].endswith("its platform finds no such work any more; how it ended, nothing tells")
    assert at.written[-1] == "1 of 1 ended."


async def test_work_that_only_a_typed_call_names_and_is_not_found_is_not_called_ended() -> None:
    transport: Transport = answering(404)
    async with desk(transport=transport) as at:
        assert await status(at, "stop_task", f"task_id={XPANDER.executing_task}") == 1
    result, summary = at.written
    assert result.startswith(f"not found  stop_task task_id={XPANDER.executing_task}: its platform finds no such work;")
    assert result.endswith("check the id, and whether this key sees it")
    assert summary == "0 of 1 ended."


async def test_for_programs_there_is_one_json_object_and_the_rest_goes_beside_it() -> None:
    async with desk() as at:
        await stopping(at, EVERSHELL.busy_task)
        assert await status(at, EVERSHELL.busy_task, "--match", "Triage", "--json") == 2, "an id takes no filter"
        assert await status(at, EVERSHELL.busy_task, "--json") == 0
        assert await status(at, "--match", "Triage new issues", "--json") == 1
    ended, unwatched = map(json.loads, at.written)
    (piece,) = ended["pieces"]
    assert (piece["ended"], piece["result"], piece["state"]) == (True, "ended", "cancelled")
    assert piece["message"] == f"{CANCELLED} (state cancelled)"
    assert (piece["tool"], piece["arguments"]["workspace_id"]) == ("cancel_workspace_task", EVERSHELL.busy_workspace)
    (piece,) = unwatched["pieces"]
    assert (piece["ended"], piece["result"], piece["state"], piece["tool"]) == (False, "not ended", None, None)
    assert any(note.startswith("ended  evershell Rewrite the tests") for note in at.noted)


async def test_an_id_that_fits_nothing_is_told_with_the_calls_to_make() -> None:
    async with desk() as at:
        assert await status(at, "nowhere") == 2
    assert "  pullcord wait stop_task task_id=..." in at.noted


async def test_a_signal_ends_it() -> None:
    async def sleep(_: float) -> None:
        signal.raise_signal(signal.SIGINT)
        await anyio.sleep_forever()

    async with desk(sleep=sleep) as at:
        with anyio.fail_after(60):
            assert await status(at, XPANDER.executing_task) == 128 + signal.SIGINT
    assert at.written[-1] == "0 of 1 ended."


def test_a_journal_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULLCORD_JOURNAL", str(tmp_path / "none"))
    assert main(["wait"]) == 2
    assert "none: this journal can't be read" in capsys.readouterr().err


def test_where_work_is_named_the_journal_of_the_environment_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULLCORD_JOURNAL", str(tmp_path / "none"))
    assert main(["wait", "--sandbox", "--match", "no such work"]) == 0
    assert capsys.readouterr().out == "Nothing was seen to run: there is no work to wait for.\n"


def test_without_a_journal_it_must_be_said_what_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wait", "--sandbox"]) == 2
    assert "--match TEXT, --all, or --journal FILE" in capsys.readouterr().err
