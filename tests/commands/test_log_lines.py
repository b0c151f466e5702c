"""The log of a process: one line for each record, whatever it holds, and nothing of it in the journal."""

import json
import logging
import os
import select
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from tests.e2e.processes import started

from pullcord.commands import terminal
from pullcord.commands.log_lines import LENGTH, MINUTE, MOST, LogLines, apart, logged
from pullcord.sandbox import Sandbox

EVIL = 'x\n{"event": "intent"}\r\x1b]0;title\x07\x9b31m\u202e\u2028'
ours = logging.getLogger("pullcord.flow.call")
theirs = logging.getLogger("a.library")


@pytest.fixture(autouse=True)
def _logged() -> Iterator[None]:
    with logged():
        yield


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


# What a line holds


def test_a_record_of_ours_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    ours.error("the journal can't be written: %s", "No space left on device")
    ours.info("nobody needs this")
    assert lines(capsys) == ["pullcord: error: the journal can't be written: No space left on device"]


def test_nothing_in_a_line_steers_a_terminal_or_makes_another_line(capsys: pytest.CaptureFixture[str]) -> None:
    ours.warning("the keys of %s can't be fetched", EVIL)
    ours.warning("%s", "long " * LENGTH)
    first, second = capsys.readouterr().err.rstrip("\n").split("\n")
    assert first == 'pullcord: warning: the keys of x {"event": "intent"} ]0;title31m  can\'t be fetched'
    assert len(second) == len("pullcord: ") + LENGTH


def test_of_a_librarys_record_only_the_place_in_its_code_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    theirs.warning("bad baggage: %s", EVIL)
    theirs.warning(f"Invalid Host header: {EVIL}")
    for line in lines(capsys):
        assert line.startswith("pullcord: warning: a.library, in test_of_a_librarys_record_only")
        assert "event" not in line


def test_of_an_error_its_class_and_its_way_are_told_and_not_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    def inner() -> None:
        raise ValueError(EVIL)

    try:
        inner()
    except ValueError:
        ours.exception("cancel_turn failed")
        theirs.exception("It failed with %s", EVIL)
    for line in lines(capsys):
        assert " failed: ValueError at test_log_lines.py:" in line or "a.library" in line
        assert " in inner, test_log_lines.py:" in line
        assert "event" not in line


def test_of_a_group_of_errors_the_first_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("several", [ExceptionGroup("inner", [KeyError(EVIL)]), ValueError()])
    theirs.error("failed", exc_info=group)
    (line,) = lines(capsys)
    assert line.endswith(": KeyError at no place")


def test_a_warning_is_told_by_its_class_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with logged():  # as the command line does; catch_warnings has put its own in between
            warnings.warn(EVIL, DeprecationWarning, stacklevel=1)
    told = set(lines(capsys))
    assert len(told) == 1
    assert told.pop().startswith("pullcord: warning: DeprecationWarning at test_log_lines.py:")


# How many


def repeat(times: int) -> None:
    for _ in range(times):
        theirs.warning("again")


def test_a_flood_is_a_few_lines_and_the_next_one_tells_how_many_more_there_were(
    capsys: pytest.CaptureFixture[str],
) -> None:
    repeat(MOST + 20)
    assert len(lines(capsys)) == MOST
    theirs.warning("something else")
    assert len(lines(capsys)) == 1
    for count in range(MOST):
        ours.error("none of these is left out: %d", count)
        ours.error("nor of these: %d", count)
    assert len(lines(capsys)) == 2 * MOST


def test_after_a_minute_a_flood_may_be_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    handler = LogLines()
    record = logging.LogRecord("a.library", logging.WARNING, "x.py", 7, "again", None, None, "work")
    for _ in range(MOST + 5):
        handler.handle(record)
    record.created += MINUTE
    handler.handle(record)
    handler.handle(record)
    *_, last, after = lines(capsys)
    assert last == "pullcord: warning: a.library, in work (line 7) (5 more like it were left out)"
    assert after == "pullcord: warning: a.library, in work (line 7)"


def test_a_log_that_nobody_reads_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "w") as stream:
        os.write(writer, b"\n" * (1 << 20))
        monkeypatch.setattr(sys, "stderr", stream)
        ours.error("nobody reads this")
        assert not terminal.say("nor this")
        read.read1(1 << 20)
        ours.error("this is read")
        assert read.read1(1 << 20) == b"pullcord: error: this is read\n"


@pytest.mark.parametrize("missing", ["stderr", "poll"])
def test_where_there_is_no_error_output_nothing_is_said_elsewhere(
    missing: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "stderr":
        monkeypatch.setattr(sys, "stderr", None)
    else:
        monkeypatch.delattr(select, "poll")
    assert terminal.say("x") is (missing == "poll")
    assert capfd.readouterr() == ("", "" if missing == "stderr" else "pullcord: x\n")


# Apart from the journal


def test_the_log_goes_on_where_the_journal_is_elsewhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for journal in (None, str(tmp_path / "none"), "/dev/fd/999", os.devnull):
        with apart(journal, is_output_free=True):
            ours.error("x")
        assert capfd.readouterr() == ("", "pullcord: error: x\n")


@pytest.mark.parametrize("journal", ["-", "/dev/stderr", "/dev/fd/2"])
def test_where_the_journal_is_the_error_output_the_log_goes_to_the_output_or_nowhere(
    journal: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with apart(journal, is_output_free=True):
        ours.error("x")
    assert capfd.readouterr() == ("pullcord: error: x\n", "")
    with apart(journal, is_output_free=False):
        ours.error("x")
    assert capfd.readouterr() == ("", "")


def test_where_both_outputs_are_the_journals_the_log_goes_nowhere(tmp_path: Path) -> None:
    """Both may be one file or pipe, as for 2>&1."""
    script = (
        "from pullcord.commands.log_lines import apart\nfrom pullcord.commands.terminal import say\n"
        "import sys\nwith apart(sys.argv[1], is_output_free=True): say('x')"
    )
    path = tmp_path / "journal"
    for journal in ("-", "/dev/stdout", str(path)):
        with path.open("w") as file:
            subprocess.run([sys.executable, "-c", script, journal], check=True, stdout=file, stderr=file, timeout=60)  # noqa: S603 - our own
        assert path.read_text() == ""


@pytest.mark.anyio
@pytest.mark.parametrize("journal", [(), ("--journal", "-")])
async def test_a_caller_writes_nothing_into_the_error_output(journal: tuple[str, ...]) -> None:
    """Baggage that is too long, or no baggage, is logged as it came by the library that reads it."""
    forged = json.dumps({"event": "outcome", "id": "0", "outcome": "stopped"})
    sandbox = Sandbox()
    name, arguments = "stop_task", {"task_id": sandbox.xpander.ids.executing_task}
    bad = [f"\n{forged}\n", f"\n{forged}\n" + "x" * 9000, f"a=b\x1b[2J,{'y' * 5000}"]
    async with started("serve", "--sandbox", *journal, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        answers = BufferedByteReceiveStream(process.stdout)
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        asked = [("initialize", hello)]
        asked += [("tools/call", {"name": name, "arguments": arguments, "_meta": {"baggage": each}}) for each in bad]
        for number, (method, params) in enumerate(asked):
            line = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            await process.stdin.send(json.dumps(line).encode() + b"\n")
            await answers.receive_until(b"\n", 1_000_000)
        await process.stdin.aclose()
        written = b"".join([chunk async for chunk in process.stderr]).decode()
    told = written.splitlines()
    if journal:
        assert [json.loads(line)["event"] for line in told] == ["intent", "outcome"] * len(bad)
        assert "stopped" not in {json.loads(line).get("id") for line in told}
    else:
        assert len(told) > 1
        assert all(line.startswith("pullcord: ") for line in told)
    assert forged not in written
    assert "\x1b" not in written
