"""pullcord ps: what runs, as a table and for programs."""

import json
import subprocess
import sys

import pytest
from tests.commands.desk import desk, options
from tests.support import respond
from tests.transport import mock

from pullcord.commands.main import main
from pullcord.commands.ps import PAUSE, show
from pullcord.sandbox import CONFIDENTIAL, Sandbox

pytestmark = pytest.mark.anyio


def cells(table: str) -> list[list[str]]:
    """The columns of each row, which two spaces part at least."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines()]


async def test_all_that_runs_is_shown_oldest_first_with_its_own_id() -> None:
    async with desk() as at:
        assert await show(at.reach, options("ps"), at.console) == 0
        ids = at.on.sandbox.evershell.ids
    head, *rows = cells(at.output)
    assert head == ["PLATFORM", "WHAT", "STATE", "SINCE", "ID"]
    assert rows[0] == ["everruns", "Watch the error rate", "running", "58m", rows[0][4]]
    assert ["evershell", "Rewrite the tests", "running", "50m", ids.busy_task] in rows
    assert rows[-1][:3] == ["everruns", "Site migration: rewrite links", "active"], "of unknown start"
    assert len(rows) > 20, "more than one part of an answer"
    assert at.sent == []
    assert CONFIDENTIAL not in at.output


async def test_what_is_shown_can_be_narrowed_by_platform_and_by_text() -> None:
    async with desk() as at:
        assert await show(at.reach, options("ps", "--platform", "xpander", "--match", "LAUNCH"), at.console) == 0
        assert set(at.on.arrived) == {"GET /v1/tasks"}
    assert [row[1] for row in cells(at.output)[1:]] == [
        "Plan the launch",
        "Plan the launch: budget",
        "Plan the launch: venue",
    ]


async def test_programs_get_each_piece_with_the_call_that_stops_it() -> None:
    async with desk() as at:
        await show(at.reach, options("ps", "--json", "--match", "Sort the inbox"), at.console)
    (piece,) = json.loads(at.output)["running"]
    assert piece["allowed_actions"] == [{"rel": "cancel", "tool": "stop_task", "arguments": {"task_id": piece["id"]}}]
    assert json.loads(at.output)["not_seen"] == []


async def test_in_a_narrow_terminal_names_are_cut_and_ids_stay_whole_on_lines_of_their_own() -> None:
    async with desk() as at:
        at.columns = 60
        await show(at.reach, options("ps", "--platform", "everruns"), at.console)
        lines = at.output.splitlines()
        ids = at.on.sandbox.everruns.ids
        at.columns = 20
        await show(at.reach, options("ps", "--match", "Watch the error rate"), at.console)
    assert max(map(len, lines)) == 60
    assert lines[:2] == ["PLATFORM  WHAT" + " " * 18 + "STATE" + " " * 18 + "SINCE", "  ID"]
    assert f"  {ids.background_task}" in lines
    assert lines[-2:] == ["everruns  Site migration: r...  active", f"  {ids.child_session}"]
    assert at.written[1].splitlines()[2].startswith("everruns  Watch the...  running  58m"), "some of it is always left"


async def test_in_a_wide_terminal_each_piece_has_one_line() -> None:
    async with desk() as at:
        await show(at.reach, options("ps"), at.console)
        at.columns = max(map(len, at.output.splitlines()))
        await show(at.reach, options("ps"), at.console)
    assert at.written[0] == at.written[1]


async def test_protected_work_is_marked() -> None:
    task = Sandbox().evershell.ids.busy_task
    async with desk(environ={"PULLCORD_PROTECT": task}) as at:
        await show(at.reach, options("ps", "--match", "Rewrite the tests"), at.console)
    (row,) = cells(at.output)[1:]
    assert row[2:] == ["running, protected", "50m", task]


async def test_a_platform_that_was_not_seen_is_told_and_shows_in_the_status() -> None:
    async with desk(environ={"XPANDER_API_KEY": ""}) as at:
        assert await show(at.reach, options("ps", "--platform", "xpander"), at.console) == 1
        await show(at.reach, options("ps", "--platform", "xpander", "--json"), at.console)
    assert at.written[0] == "Nothing was seen to run."
    (gap,) = at.noted
    assert gap.startswith("not all was seen: xpander.ai: XPANDER_API_KEY is not set. Set ")
    assert json.loads(at.written[1])["not_seen"] == [gap.removeprefix("not all was seen: ")]


async def test_settings_with_a_fault_are_told_once() -> None:
    async with desk(environ={"XPANDER_API_KEY": "${XPANDER_API_KEY}"}) as at:
        assert await show(at.reach, options("ps", "--platform", "xpander"), at.console) == 1
    (gap,) = at.noted
    assert gap.startswith("not all was seen: xpander.ai: Correct this where pullcord is started: XPANDER_API_KEY: ")
    assert gap.count("XPANDER_API_KEY: this is a placeholder that was not filled in") == 1


async def test_a_look_that_failed_is_told_in_the_platforms_name() -> None:
    async with desk(transport=mock(lambda _: respond(403))) as at:
        assert await show(at.reach, options("ps"), at.console) == 1
    assert len(at.noted) == 3


class Enough(Exception):  # noqa: N818 - no error: the end of a test
    """The person has seen enough."""


@pytest.mark.parametrize("clear", ["\x1b[H\x1b[2J", ""])
async def test_watching_looks_again_every_few_seconds_on_a_clear_screen(clear: str) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise Enough

    async with desk() as at:
        with pytest.raises(Enough):
            await show(at.reach, options("ps", "--watch"), at.console._replace(sleep=sleep, clear=clear))
    assert slept == [PAUSE, PAUSE]
    assert [text.startswith(f"{clear}PLATFORM") for text in at.written] == [True, True]


async def test_watching_for_programs_gives_a_line_for_each_look() -> None:
    async def sleep(_: float) -> None:
        raise Enough

    async with desk() as at:
        with pytest.raises(Enough):
            await show(at.reach, options("ps", "--watch", "--json"), at.console._replace(sleep=sleep))
    (line,) = at.written
    assert "\n" not in line
    assert json.loads(line)["running"]


def test_the_command_shows_the_sandbox_and_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ps", "--sandbox", "--match", "Sort the inbox"]) == 0
    out, err = capsys.readouterr()
    assert [row[1] for row in cells(out)[1:]] == ["Sort the inbox"]
    assert err.startswith("pullcord: this is the sandbox")


def test_a_reader_that_goes_away_is_no_fault() -> None:
    ps = subprocess.Popen(
        [sys.executable, "-m", "pullcord", "ps", "--sandbox"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert ps.stdout
    assert ps.stderr
    ps.stdout.close()
    assert ps.wait(120) == 1
    assert "Traceback" not in ps.stderr.read()
    ps.stderr.close()
