"""pullcord stop: what it takes for its target, what it asks, what it sends, and how it ends."""

import json
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import httpx2
import pytest
from tests.commands.desk import Desk, desk, options
from tests.support import respond
from tests.transport import mock

from pullcord.commands.main import main
from pullcord.commands.stop import stop
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.sandbox import Sandbox
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

EVERRUNS, EVERSHELL, XPANDER = Sandbox().everruns.ids, Sandbox().evershell.ids, Sandbox().xpander.ids


async def status(at: Desk, *argv: str) -> int:
    """What `pullcord stop` with these arguments ends with."""
    return await stop(at.reach, options("stop", *argv), at.console)


def outcomes(at: Desk) -> list[str]:
    """The first word of each piece's result."""
    return [word for text in at.written for word in re.findall(r"\A([a-z_]+(?: stopped)?)  \S+ ", text)]


async def test_work_is_shown_then_asked_about_then_stopped_and_waited_for() -> None:
    async with desk(typed="y") as at:
        assert await status(at, EVERSHELL.busy_task) == 0
        (cancel,) = at.sent
    table, result, summary = at.written
    assert re.search(rf"Rewrite the tests +running +50m +{EVERSHELL.busy_task}$", table)
    assert at.asked == ["Stop it, and what it started? [y/N]"]
    assert cancel.endswith("/task/cancel")
    assert result.startswith(f"stopped  evershell Rewrite the tests {EVERSHELL.busy_task}\n")
    assert summary.startswith("1 of 1 over by the record, ")
    assert any(re.search(r": \d+ of 60 s: EverShell: ", note) for note in at.noted)


@pytest.mark.parametrize("argv", [(), ("--wait", "30")], ids=["the default", "30 s"])
@pytest.mark.parametrize("name", ["Check links", "Rewrite the tests"], ids=["with parts", "without"])
async def test_the_seconds_that_pass_are_told_beside_those_that_it_waits(name: str, argv: tuple[str, ...]) -> None:
    async with desk() as at:
        await status(at, "--match", name, "--yes", *argv)
    assert at.noted
    assert all(re.search(rf": \d+ of {argv[1] if argv else 60} s: ", note) for note in at.noted)


async def test_once_it_lasts_longer_than_the_waiting_only_the_seconds_that_passed_are_told() -> None:
    async def sleep(_: float) -> None:
        at.on.clock.pass_seconds(40)

    async with desk(sleep=sleep) as at:
        await status(at, "--match", "Check links", "--yes", "--wait", "30")
    assert re.search(r": 4\d s: Everruns: ", at.noted[0])


@pytest.mark.parametrize(
    ("typed", "said"), [("n", "nothing was stopped"), ("", "nothing was stopped"), (None, "--yes")]
)
async def test_without_a_yes_nothing_is_stopped(typed: str | None, said: str) -> None:
    async with desk(typed=typed) as at:
        assert await status(at, EVERSHELL.busy_task) == 2
        assert at.sent == []
    assert said in at.noted[-1]


async def test_of_several_pieces_the_number_must_be_typed() -> None:
    async with desk() as at:
        for at.typed in ("y", "2", "3es"):
            assert await status(at, "--match", "launch") == 2
        assert at.sent == []
        at.typed = "3"
        assert await status(at, "--match", "launch") == 0
    assert at.asked == ["Stop these 3, and what they started? Type their number to do it:"] * 4


async def test_what_cannot_be_stopped_is_told_before_anybody_is_asked_about_the_rest() -> None:
    async with desk(typed="4") as at:
        await status(at, "--platform", "evershell", "--wait", "1")
        assert "no known start" not in "".join(at.noted)
    assert at.asked == ["Stop the 4 of these 6 that can be stopped, and what they started? Type their number to do it:"]
    assert [text.split("  ")[0] for text in at.written[1:3]] == ["not stopped", "not stopped"]
    assert " of 6 over by the record" in at.written[-1]
    async with desk(typed="n") as at:
        await status(at, "--match", "e", "--platform", "evershell", "--older", "55m")
    assert at.asked == ["Stop the one of these 2 that can be stopped, and what it started? [y/N]"]


async def test_in_a_narrow_terminal_lines_end_at_words_and_ids_stay_whole() -> None:
    async with desk() as at:
        at.columns = 40
        await status(at, "--platform", "evershell", "--yes", "--wait", "1")
        at.reach.engine.gateway.ending.set()
        await status(at, XPANDER.executing_task, "--yes")
    prose = [line for text in at.written if not text.startswith("PLATFORM") for line in text.splitlines()]
    assert len(prose) > 20
    assert {word for line in prose for word in line.split() if len(line) > 40} == {f"{XPANDER.executing_task}:"}
    assert any(line.strip() == EVERSHELL.provisioning_task + ":" for line in prose)


async def test_where_nothing_can_be_stopped_nobody_is_asked() -> None:
    async with desk(typed="y") as at:
        assert await status(at, EVERSHELL.provisioning_task) == 1
    assert at.asked == []
    assert at.written[1].endswith(": nothing stops it as it is now")
    assert at.written[2].endswith("1 may go on: pullcord ps shows what runs, pullcord wait ID watches it.")


async def test_a_dry_run_shows_and_asks_nothing() -> None:
    async with desk() as at:
        assert await status(at, "--match", "launch", "--dry-run") == 0
        assert at.sent == []
    assert at.asked == []
    assert at.written[-1] == "Nothing was stopped: this was a dry run."


async def test_for_programs_there_is_one_json_object_and_the_rest_goes_beside_it() -> None:
    async with desk() as at:
        assert await status(at, EVERSHELL.busy_task, "--yes", "--json") == 0
    (text,) = at.written
    told = json.loads(text)
    (piece,) = told["pieces"]
    assert (told["protected"], told["not_seen"]) == (0, [])
    assert (piece["tool"], piece["outcome"], piece["work_stopped"]) == ("cancel_workspace_task", "stopped", "yes")
    assert piece["label"] == f"evershell Rewrite the tests {EVERSHELL.busy_task}"
    assert piece["arguments"] == {"workspace_id": EVERSHELL.busy_workspace, "expect_task_id": EVERSHELL.busy_task}
    assert piece["answer"]["state"] == "cancelled"
    assert any("1 of 1 over by the record" in note for note in at.noted) is False, "the object says it"
    assert any(note.startswith("stopped  evershell Rewrite the tests") for note in at.noted)


@pytest.mark.parametrize(
    ("argv", "outcomes"), [(["--match", "launch", "--dry-run"], [None] * 3), (["--match", "nothing such"], [])]
)
async def test_for_programs_what_is_not_sent_has_no_outcome(argv: list[str], outcomes: list[None]) -> None:
    async with desk() as at:
        assert await status(at, *argv, "--json") == 0
        assert at.sent == []
    (text,) = at.written
    pieces = json.loads(text)["pieces"]
    assert [(each["outcome"], each["answer"]) for each in pieces] == [(each, None) for each in outcomes]


async def test_more_than_the_cap_is_refused_even_with_yes() -> None:
    async with desk() as at:
        assert await status(at, "--all", "--yes") == 2
        assert at.sent == []
    (note,) = at.noted
    assert note == "25 pieces of work fit, and at most 20 are taken; --most 25 takes them all"


async def test_all_that_runs_is_stopped_each_once_and_what_cannot_be_is_told() -> None:
    async with desk() as at:
        assert await status(at, "--all", "--yes", "--most", "30", "--wait", "300") == 1
        turns = [each for each in at.sent if re.search(r"/sessions/[^/]+/cancel$", each)]
    assert len(turns) == len(set(turns)), "a cancel of whatever runs is sent once"
    assert f"not stopped  evershell Triage new issues {EVERSHELL.provisioning_task}: nothing stops it" in at.output
    assert "may go on: pullcord ps shows what runs, pullcord wait ID watches it." in at.written[-1]


async def test_what_went_along_with_another_piece_counts_as_that_part_came_out() -> None:
    """The child session's turn is a part of the task that works in it, and its cancel names no work."""
    async with desk() as at:
        assert await status(at, "--match", "rewrite links", "--yes") in {0, 1}
        child = [each for each in at.sent if each.endswith(f"/{EVERRUNS.child_session}/cancel")]
    assert len(child) == 1
    assert " of 2 " in at.written[-1]


async def test_age_narrows_and_what_has_no_start_is_not_old() -> None:
    async with desk() as at:
        assert await status(at, "--older", "57m", "--dry-run") == 0
        assert await status(at, "--older", "2h", "--dry-run") == 0
    table, *_, nothing = at.written
    assert [line.split("  ")[1].strip() for line in table.splitlines()[1:]] == [
        "Watch the error rate",
        "Rewrite links",
        "Triage new issues",
    ]
    assert nothing == "Nothing was seen to run that this would stop."
    assert at.noted == ["4 more have no known start, so --older leaves them out"] * 2


async def test_a_pasted_url_means_the_work_of_which_it_says_most() -> None:
    url = f"https://everruns.example/sessions/{EVERRUNS.active_session}/tasks/{EVERRUNS.background_task}?tab=log"
    async with desk() as at:
        assert await status(at, url, "--dry-run") == 0
        assert await status(at, url.partition("/tasks")[0], "--dry-run") == 0
    first, _, second, _ = at.written
    assert first.endswith(EVERRUNS.background_task)
    assert second.endswith(EVERRUNS.active_session)


async def test_the_id_of_what_the_work_belongs_to_means_it_where_it_is_the_only_one() -> None:
    async with desk() as at:
        assert await status(at, EVERSHELL.busy_workspace.upper(), "--dry-run") == 0
    assert at.written[0].endswith(EVERSHELL.busy_task)


async def test_an_id_that_fits_nothing_is_told_with_the_calls_to_make() -> None:
    async with desk() as at:
        assert await status(at, "nowhere", "--yes") == 2
        assert await status(at, "nowhere", "--platform", "xpander", "--sandbox", "--manifest", "my own.yaml") == 2
        assert at.sent == []
    first, *calls = at.noted[:5]
    assert first.startswith("nowhere: nothing that was seen to run has this id; --match TEXT finds work by its name, ")
    assert calls == [
        "  pullcord stop cancel_task session_id=... task_id=...",
        "  pullcord stop cancel_turn session_id=...",
        "  pullcord stop cancel_workspace_task workspace_id=...",
        "  pullcord stop stop_task task_id=...",
    ]
    whole = "  pullcord stop --sandbox --platform xpander --manifest 'my own.yaml' stop_task task_id=..."
    assert at.noted[6:] == [whole], "what chose the platforms chooses them again"


async def test_where_no_call_can_be_made_none_is_announced() -> None:
    async with desk(environ={"XPANDER_API_KEY": ""}) as at:
        assert await status(at, "nowhere", "--platform", "xpander") == 2
    first, gap = at.noted
    assert first.endswith("has this id; --match TEXT finds work by its name")
    assert gap.startswith("not all was seen: xpander.ai: XPANDER_API_KEY is not set.")


async def test_an_id_that_fits_several_pieces_is_told_with_the_call_of_each() -> None:
    """A session whose turn is over, while several tasks run in the background."""
    async with desk() as at:
        sessions = at.on.sandbox.everruns.sessions
        sessions[EVERRUNS.active_session] = replace(sessions[EVERRUNS.active_session], status="idle")
        code = await status(at, EVERRUNS.active_session, "--yes")
        assert at.sent == []
    assert code == 2
    assert at.noted[0] == (
        f"{EVERRUNS.active_session}: this fits several pieces of work; write the call of the one that is meant:"
    )
    line = f"  pullcord stop cancel_task session_id={EVERRUNS.active_session} task_id={EVERRUNS.background_task}"
    assert any(note.startswith(line) for note in at.noted)


async def test_work_that_is_named_twice_is_stopped_once() -> None:
    url = f"https://xpander.example/tasks/{XPANDER.executing_task}"
    async with desk() as at:
        assert await status(at, XPANDER.executing_task, url, "--yes") == 0
        assert len(at.sent) == 1
    assert at.written[-1].startswith("1 of 1 ")


async def test_a_whole_call_needs_no_list() -> None:
    async with desk(typed="yes") as at:
        assert await status(at, "stop_task", f"task_id={XPANDER.executing_task}") == 0
        assert all(each.startswith("GET /v1/tasks/") for each in at.on.arrived if each not in at.sent), "no list"
    assert at.written[0] == f"stop_task task_id={XPANDER.executing_task}"
    assert at.written[1].startswith(f"stopped  stop_task task_id={XPANDER.executing_task}\n")


async def test_all_that_is_wrong_with_a_whole_call_is_told_at_once() -> None:
    async with desk() as at:
        assert await status(at, "cancel_task", "session_id=..", "now") == 2
        assert at.on.arrived == []
    assert at.noted[0] == "now: write NAME=VALUE"
    assert any("task_id is missing" in note for note in at.noted)
    assert any("session_id must match" in note for note in at.noted)


@pytest.mark.parametrize(
    ("tool", "answer"),
    [("stop_tsk", "did you mean stop_task?"), ("halt_lines", "pullcord tools lists them; "), ("get_task", "")],
)
async def test_a_whole_call_of_a_tool_that_is_none_here_is_told_once_with_the_near_one(tool: str, answer: str) -> None:
    async with desk() as at:
        assert await status(at, tool, f"task_id={XPANDER.executing_task}", "--yes") == 2
        assert at.sent == []
    (note,) = at.noted
    assert note.startswith(f"{tool}: there is no tool here that stops work; {answer}")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "--match TEXT, --older 2h, or --all"),
        (("some", "--all"), "leave out"),
        (("some", "--older", "2h"), "leave out"),
    ],
)
async def test_a_target_that_is_none_or_two_is_refused(argv: tuple[str, ...], said: str) -> None:
    async with desk() as at:
        assert await status(at, *argv) == 2
        assert at.on.arrived == []
    assert said in at.noted[0]


async def test_a_piece_at_which_pullcord_itself_fails_keeps_no_other_from_being_stopped() -> None:
    class Failing(RateLimit):
        async def take(self) -> int:
            if await super().take():
                return 0
            raise ZeroDivisionError

    async with desk(make=lambda gateway: Engine(gateway, rate_limit=Failing(Limit(1, "hour"), gateway.now))) as at:
        assert await status(at, "--match", "launch: ", "--yes") == 1
        assert len(at.sent) == 1
    assert sorted(outcomes(at)) == ["stopped", "unknown"]
    assert "pullcord itself failed." in at.output


async def test_protected_work_is_left_alone_and_is_told_where_it_was_named() -> None:
    async with desk(environ={"PULLCORD_PROTECT": XPANDER.executing_task}) as at:
        assert await status(at, XPANDER.executing_task, "--yes") == 1
        assert await status(at, "--platform", "xpander", "--older", "5m", "--dry-run") == 0
        assert at.sent == []
    assert f"{XPANDER.executing_task}: it is protected (PULLCORD_PROTECT)\n" in at.output
    assert "1 more must not be stopped from here (PULLCORD_PROTECT), and are left alone" in at.noted
    assert XPANDER.executing_task not in at.written[-2]


def test_what_is_protected_is_protected_on_the_sandbox_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULLCORD_PROTECT", XPANDER.executing_task)
    assert main(["stop", "--sandbox", XPANDER.executing_task, "--yes"]) == 1
    assert f"{XPANDER.executing_task}: it is protected (PULLCORD_PROTECT)\n" in capsys.readouterr().out


async def test_with_strict_an_end_that_is_not_proved_is_not_enough() -> None:
    async with desk() as at:
        assert await status(at, XPANDER.executing_task, "--yes", "--strict") == 1
    assert "No sign of the work itself proves that it has stopped." in " ".join(at.output.split())


async def test_a_platform_that_was_not_seen_shows_in_the_status_of_what_fits_but_not_of_what_is_named() -> None:
    async with desk(environ={"EVERRUNS_API_KEY": "k", "EVERRUNS_API_URL": "http://127.0.0.1:1/nowhere"}) as at:
        assert await status(at, "--match", "Sort the inbox", "--yes") == 1
        assert any(note.startswith("not all was seen: Everruns: ") for note in at.noted)
        at.noted.clear()
        assert await status(at, "--match", "no such work") == 1
        assert await status(at, XPANDER.executing_task, "--yes") == 0
        assert await status(at, "nowhere") == 2
        assert at.noted[-1].startswith("not all was seen: Everruns: ")


async def test_a_refusal_is_told_and_the_status_says_that_it_goes_on() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        return respond(403) if request.method == "POST" else listed

    listed = respond(200, [])
    async with desk(transport=mock(refuse)) as at:
        assert await status(at, "stop_task", f"task_id={XPANDER.executing_task}", "--yes") == 1
    assert at.written[1].startswith("denied  ")


async def test_each_cancel_is_recorded_with_its_reason_and_counts_for_the_limit(tmp_path: Path) -> None:
    def make(gateway: Gateway) -> Engine:
        return Engine(gateway, Journal(str(tmp_path / "journal")), RateLimit(Limit(1, "hour"), gateway.now))

    async with desk(make=make) as at:
        argv = ["--match", "slides", "--yes", "--reason", "wrong deck"]
        assert await status(at, *argv) == 0
        assert await status(at, "--match", "Sort the inbox", "--yes") == 1
        assert len(at.sent) == 1
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [(line["event"], line.get("client"), line.get("reason")) for line in lines] == [
        ("intent", "pullcord stop", "wrong deck"),
        ("outcome", None, None),
        ("refusal", "pullcord stop", None),
    ]
    assert "rate_limited  " in at.output


@pytest.mark.parametrize(
    ("word", "told"),
    [("2w", "2w is no length of time"), ("h", "h is no length of time"), ("-5m", "expected one argument")],
)
def test_an_age_that_is_none_is_told(word: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["stop", "--older", word])
    assert told in capsys.readouterr().err


def test_a_wait_that_is_too_long_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["stop", "--all", "--wait", "301"])
    assert "--wait: 301 can't be used; write seconds, 0 to 300" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["stop", "--sandbox", XPANDER.executing_task]) == 2
    assert "nobody is there to be asked" in capsys.readouterr().err


def test_a_journal_that_cannot_be_written_ends_it_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stop", "--sandbox", "--all", "--yes", "--journal", str(tmp_path)]) == 2
    assert "can't be written, so no cancel could be sent" in capsys.readouterr().err


async def test_a_signal_ends_the_waiting_and_all_that_was_sent_is_told() -> None:
    async def sleep(_: float) -> None:
        signal.raise_signal(signal.SIGTERM)
        await anyio.sleep_forever()

    async with desk(sleep=sleep) as at:
        with anyio.fail_after(60):
            assert await status(at, EVERSHELL.busy_task, "--yes", "--wait", "300") == 128 + signal.SIGTERM
        assert len(at.sent) == 1
    assert outcomes(at) == ["stopping"]
    assert at.written[-1].endswith("1 may go on: pullcord ps shows what runs, pullcord wait ID watches it.")


async def test_after_a_signal_nothing_more_is_sent() -> None:
    async with desk() as at:
        at.reach.engine.gateway.ending.set()
        assert await status(at, EVERSHELL.busy_task, "--yes") == 1
        assert at.sent == []
    assert outcomes(at) == ["not stopped"]


@pytest.mark.parametrize("journal", ["-", "/dev/stderr"])
def test_with_json_the_output_is_one_object_also_where_the_journal_is_the_error_output(
    journal: str, capfd: pytest.CaptureFixture[str]
) -> None:
    argv = ["stop", "--sandbox", "--platform", "xpander", "--yes", "--wait", "0", "--json", "--journal", journal]
    main(argv)
    output, errors = capfd.readouterr()
    assert json.loads(output)["pieces"]
    assert {json.loads(line)["event"] for line in errors.splitlines()} == {"intent", "outcome"}


def test_with_json_the_journal_is_not_the_output(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", "--sandbox", "--all", "--yes", "--json", "--journal", "/dev/stdout"]) == 2
    output, errors = capfd.readouterr()
    assert output == ""
    assert "--journal /dev/stdout: not with --json" in errors
