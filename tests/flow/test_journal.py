"""The record of every cancel: on disk before the cancel leaves, whatever happens then."""

import contextlib
import errno
import json
import os
import select
import signal
import stat
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st
from tests.e2e.processes import started
from tests.faults.proxy import Exchange, Proxy, proxy
from tests.faults.wire import PATIENCE, Server, serving
from tests.support import BASE_URL, respond, shipped, stage
from tests.transport import Over, mock

from pullcord.commands import journal as journal_command
from pullcord.commands.main import main
from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.flow.journal import PATIENCE as READER_PATIENCE
from pullcord.flow.journal import STDERR, Journal
from pullcord.model.value import Json
from pullcord.sandbox import Sandbox, running
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

INTENT = {
    "time": "2026-10-01T12:00:00.000+00:00",
    "id": "a",
    "event": "intent",
    "operation": "stop_task",
    "platform": "xpander",
    "target": {"task_id": "t1"},
    "reason": None,
    "client": "agent 1",
}
RESULT = {"id": "a", "event": "outcome", "outcome": "stopped", "status": 200, "duration_ms": 7}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines() if line]


def write(to: Journal | Path | str, **line: str) -> None:
    anyio.run((to if isinstance(to, Journal) else Journal(str(to))).write, line)


def rename(path: Path, suffix: str) -> Path:
    return path.rename(path.with_suffix(f".{suffix}"))


def first_line(path: Path) -> bytes:
    return path.read_bytes().splitlines(keepends=True)[0]


def outcomes(path: Path) -> list[str | None]:
    return [line.get("outcome") for line in lines(path)]


def entries_of(*paths: Path) -> list[journal_command.Entry]:
    """The cancels of several files, all of whose lines must be sound."""
    text = [line for path in paths for line in path.read_text(encoding="ascii").splitlines() if line]
    # A cancel's two lines may stand in two files, in any order.
    entries, left_out = journal_command.read(sorted(text, key=lambda line: json.loads(line)["event"] != "intent"))
    assert left_out == 0
    return entries


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancel_is_on_disk_before_it_leaves_and_its_outcome_after(
    mode: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    at_arrival: list[tuple[int, list[dict[str, Any]]]] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        fsync(descriptor)
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            synced.append(status.st_size)

    def arrive(request: httpx2.Request) -> httpx2.Response:
        at_arrival.append((synced[-1] if synced else 0, lines(path)))
        return respond(200, {"id": request.url.path.split("/")[-2], "status": "stopped", "is_manually_stopped": True})

    monkeypatch.setattr(os, "fsync", counted)
    transport = mock(arrive)
    async with stage(mode, transport=transport, desk=lambda gateway: Engine(gateway, Journal(str(path)))) as staged:
        target = staged.sandbox.xpander.ids.executing_task
        answer = await staged.call("stop_task", {"task_id": target, "reason": "too dear \u202e\x9b31m"})

    ((durable, found),) = at_arrival
    assert [line["event"] for line in found] == ["intent"]
    assert durable == len(first_line(path))
    intent, outcome = lines(path)
    assert intent | {"time": ""} == {
        "time": "",
        "id": answer["evidence"]["request_id"],
        "event": "intent",
        "operation": "stop_task",
        "platform": "xpander",
        "target": {"task_id": target},
        "reason": "too dear \u202e\x9b31m",
        "client": "mcp 0.1.0",
    }
    assert (outcome["id"], outcome["event"], outcome["outcome"], outcome["status"]) == (
        intent["id"],
        "outcome",
        "stopped",
        200,
    )
    assert outcome["duration_ms"] >= 0
    assert intent["time"] <= outcome["time"]


def test_a_file_is_its_owner_s_alone_whatever_it_was_before(path: Path) -> None:
    before = os.umask(0)
    try:
        write(path, id="1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o666)
        write(path, id="2")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_line_behind_a_torn_one_stands_on_its_own(path: Path) -> None:
    path.write_text('{"id": "torn', encoding="ascii")
    write(path, id="whole")
    torn, whole = path.read_text(encoding="ascii").splitlines()
    assert torn == '{"id": "torn'
    assert json.loads(whole)["id"] == "whole"


def test_a_renamed_file_is_left_behind(path: Path) -> None:
    kept = Journal(str(path))
    write(kept, id="1")
    path.rename(path.with_suffix(".1"))
    write(kept, id="2")
    assert [line["id"] for line in lines(path)] == ["2"]
    assert [line["id"] for line in lines(path.with_suffix(".1"))] == ["1"]


def test_an_emptied_file_goes_on(path: Path) -> None:
    kept = Journal(str(path))
    write(kept, id="1")
    path.write_bytes(b"")
    write(kept, id="2")
    assert [line["id"] for line in lines(path)] == ["2"]


def test_a_file_that_is_emptied_within_a_write_takes_the_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lseek = os.lseek

    def emptied(descriptor: int, position: int, how: int) -> int:
        os.truncate(path, 0)
        return lseek(descriptor, position, how)

    write(path, id="1")
    monkeypatch.setattr(os, "lseek", emptied)
    write(path, id="2")
    assert path.read_bytes().count(b"\n") == 1
    assert [line["id"] for line in lines(path)] == ["2"]


def test_a_new_file_s_folder_is_put_on_disk_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    write(path, id="1")
    write(path, id="2")
    path.rename(path.with_suffix(".1"))
    write(path, id="3")
    assert synced == [False, True, False, False, True]


@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_put_on_disk_is_told_unless_no_folder_of_its_kind_can(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, number: int, told: bool
) -> None:
    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    assert (Journal(str(path)).fault() is not None) is told


def test_where_folders_cannot_be_opened_they_are_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY")
    write(path, id="1")
    assert [line["id"] for line in lines(path)] == ["1"]


def test_a_system_that_opens_files_in_fewer_ways_has_a_journal_for_its_owner_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: no O_NOFOLLOW, no O_NONBLOCK, and no chmod of a descriptor."""
    monkeypatch.delattr(os, "O_NOFOLLOW")
    monkeypatch.delattr(os, "O_NONBLOCK")
    monkeypatch.setattr(os, "supports_fd", os.supports_fd - {os.chmod})
    write(path, id="1")
    write(path, id="2")
    assert [line["id"] for line in lines(path)] == ["1", "2"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    link = path.with_name("link")
    link.symlink_to(path)
    assert "symbolic link" in (Journal(str(link)).fault() or "")


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_not_followed(path: Path, *, exists: bool) -> None:
    target = path.with_name("elsewhere")
    if exists:
        target.write_bytes(b"")
    path.symlink_to(target)
    with pytest.raises(OSError, match="it is a symbolic link, which may lead anywhere; name the file itself"):
        write(path, id="1")
    assert (Journal(str(path)).fault() or "").startswith("it is a symbolic link")
    assert target.exists() is exists
    assert not exists or target.read_bytes() == b""


def test_a_pipe_takes_lines_too(path: Path) -> None:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write(path, id="1")
    assert json.loads(os.read(reader, 1000))["id"] == "1"
    os.close(reader)


def test_a_pipe_that_nobody_reads_takes_none(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="nobody reads this pipe"):
        write(path, id="1")


def brimful(writer: int) -> None:
    """Fill a pipe, so that it takes no byte more."""
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n" * select.PIPE_BUF)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n")
    os.set_blocking(writer, True)


def emptied(reader: int) -> bytes:
    """What is in a pipe, all of it read, but for empty lines."""
    os.set_blocking(reader, False)
    found = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            found += os.read(reader, 1 << 20)
    return found.strip(b"\n")


@pytest.fixture(name="pipe")
def _pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_a_reader_that_stalls_gets_no_line_and_the_next_one_once_it_reads_again(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    journal = Journal(f"/dev/fd/{writer}", patience=0.05)
    brimful(writer)
    with pytest.raises(TimeoutError, match="its reader does not read on"):
        write(journal, id="1")
    assert emptied(reader) == b""
    write(journal, id="2")
    assert json.loads(emptied(reader))["id"] == "2"


def test_a_line_that_a_stalled_reader_got_a_part_of_spoils_no_other(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    journal = Journal(f"/dev/fd/{writer}", patience=0.05)
    brimful(writer)
    os.read(reader, select.PIPE_BUF)  # room for a part of the line
    with pytest.raises(TimeoutError):
        write(journal, id="1", reason="x" * 2 * select.PIPE_BUF)
    part = emptied(reader)
    assert 0 < len(part) <= select.PIPE_BUF
    write(journal, id="2")
    following = os.read(reader, 1000)
    assert following.startswith(b"\n{")
    assert json.loads(following)["id"] == "2"


def test_while_a_line_is_being_written_another_waits_no_longer_than_it_may(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    brimful(writer)
    journal = Journal(f"/dev/fd/{writer}", patience=0.05)

    async def both() -> list[str]:
        told: list[str] = []

        async def one() -> None:
            try:
                await journal.write({"id": "1"})
            except TimeoutError as error:
                told.append(str(error.strerror))

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(one)
        return told

    assert anyio.run(both) == ["its reader does not read on"] * 5


def test_where_the_platform_cannot_tell_whether_a_reader_stalls_lines_are_written(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    monkeypatch.delattr(select, "poll")
    write(f"/dev/fd/{writer}", id="1")
    assert json.loads(emptied(reader))["id"] == "1"


def test_a_disk_that_hangs_holds_a_line_no_longer_than_it_may(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    awake = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: awake.wait(30))
    try:
        with pytest.raises(TimeoutError, match="the disk did not take the line in time"):
            write(Journal(str(path), patience=0.05), id="1")
    finally:
        awake.set()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancel_whose_record_nobody_reads_is_not_sent(mode: str, pipe: tuple[int, int]) -> None:
    _, writer = pipe
    brimful(writer)
    journal = Journal(f"/dev/fd/{writer}", patience=0.05)
    async with stage(mode, desk=lambda gateway: Engine(gateway, journal)) as staged:
        answer = await staged.call("cancel_turn", {"session_id": staged.sandbox.everruns.ids.active_session})
        assert staged.arrived == []
    assert (answer["outcome"], answer["problem"]["title"]) == ("unavailable", "Not sent")


def test_a_line_that_was_written_only_in_part_was_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda _, data: len(data) - 1)
    with pytest.raises(OSError, match="only in part"):
        write(path, id="1")


def test_the_error_output_may_take_the_lines(capfd: pytest.CaptureFixture[str]) -> None:
    write(STDERR, id="1", reason="\x1b[31m\u202e")
    error = capfd.readouterr().err
    assert error.isascii()
    assert json.loads(error)["reason"] == "\x1b[31m\u202e"


def test_without_an_error_output_nothing_is_written_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.__stderr__", None)
    with pytest.raises(OSError, match="Bad file descriptor"):
        write(STDERR, id="1")


@pytest.mark.parametrize("unwritable", ["/dev/full", "/proc/none/journal", "."])
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_what_cannot_be_recorded_is_not_sent_and_the_agent_is_told(mode: str, unwritable: str) -> None:
    async with stage(mode, desk=lambda gateway: Engine(gateway, Journal(unwritable))) as staged:
        answer = await staged.call("cancel_turn", {"session_id": staged.sandbox.everruns.ids.active_session})
        assert staged.arrived == []
        # A look needs no record.
        look = await staged.call("get_session", {"session_id": staged.sandbox.everruns.ids.active_session})
    assert (answer["outcome"], answer["evidence"], answer["problem"]["title"]) == ("unavailable", None, "Not sent")
    assert answer["message"].startswith("No cancel was sent: each one is recorded first")
    assert look["outcome"] == "observed"


@pytest.mark.parametrize(("unwritable", "why"), [("/proc/none/journal", "No such file"), (".", "Is a directory")])
def test_a_journal_that_cannot_be_written_is_told_when_the_server_starts(
    unwritable: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--journal", unwritable]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"pullcord: the journal {unwritable} can't be written, so no cancel could be sent: {why}")


def test_a_placeholder_names_no_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULLCORD_JOURNAL", "${JOURNAL}")
    assert main(["serve"]) == 2
    what = "this is a placeholder that was not filled in; write the value, or leave it out"
    assert capsys.readouterr().err == f"pullcord: the journal ${{JOURNAL}}: {what}\n"
    assert list(tmp_path.iterdir()) == []


def test_looking_whether_a_journal_can_be_written_adds_nothing_to_it(path: Path) -> None:
    assert Journal(str(path)).fault() is None
    assert path.read_bytes() == b""
    write(path, id="1")
    assert Journal(str(path)).fault() is None
    assert [line["id"] for line in lines(path)] == ["1"]


async def test_a_cancel_whose_caller_went_away_while_it_was_recorded_is_known_to_be_unsent(path: Path) -> None:
    scope = anyio.CancelScope()

    class Leaving(Journal):
        """A journal whose first line takes so long that the caller goes away."""

        async def write(self, line: Mapping[str, Json]) -> None:
            await super().write(line)
            scope.cancel()

    async def silent(_seconds: float, _of: float, _text: str) -> None:
        """Take no notice of progress."""

    catalogue, sandbox = shipped(), Sandbox()
    surface = Surface.of(catalogue, settings.read(catalogue, sandbox.environment(BASE_URL)))
    call = Call(surface, catalogue["stop_task"], {"task_id": sandbox.xpander.ids.executing_task})
    with anyio.fail_after(PATIENCE):
        async with Gateway(Over(httpx2.ASGITransport(app=sandbox.app))) as gateway:
            with scope:
                await run(call, Engine(gateway, Leaving(str(path))), Caller("test", silent))

    assert not sandbox.requests
    assert outcomes(path) == [None, "unavailable"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_outcome_that_cannot_be_recorded_is_told_the_agent_and_the_operator(
    mode: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def arrive(_: httpx2.Request) -> httpx2.Response:
        path.unlink()
        path.mkdir()
        return respond(200, {"status": "cancelled"})

    transport = mock(arrive)
    async with stage(mode, transport=transport, desk=lambda gateway: Engine(gateway, Journal(str(path)))) as staged:
        answer = await staged.call("cancel_turn", {"session_id": staged.sandbox.everruns.ids.active_session})
    assert answer["outcome"] == "stopped"
    (record,) = [record for record in caplog.records if record.name.startswith("pullcord")]
    assert f"it came out as stopped (cancel {answer['evidence']['request_id']})" in record.getMessage()
    assert record.exc_info is None


# Real processes.


@asynccontextmanager
async def behind(path: Path, *options: str) -> AsyncIterator[tuple[Sandbox, Proxy, Server]]:
    """A server with a journal, and a proxy before the sandbox."""
    sandbox = Sandbox()
    async with running(sandbox) as base_url, proxy(base_url) as standing:
        environ = sandbox.environment(f"http://127.0.0.1:{standing.port}")
        errors = path.with_suffix(".err")
        async with serving("modern", environ, errors, "--journal", str(path), *options) as server:
            yield sandbox, standing, server


class Gate:
    """Holds an exchange at a point, until it is opened."""

    def __init__(self, *, forward: bool) -> None:
        self.reached = anyio.Event()
        self.opened = anyio.Event()
        self._forward = forward

    async def __call__(self, exchange: Exchange) -> None:
        answer = await exchange.forward() if self._forward else b""
        self.reached.set()
        await self.opened.wait()
        await exchange.send(answer or await exchange.forward())


@pytest.mark.parametrize("forward", [False, True], ids=["before the platform has it", "after the platform has it"])
async def test_a_killed_server_leaves_the_intent_of_each_cancel(
    path: Path, capsys: pytest.CaptureFixture[str], *, forward: bool
) -> None:
    async with behind(path) as (sandbox, standing, server):
        finished = await server.call("stop_task", {"task_id": sandbox.xpander.add_task()})
        gates = {sandbox.xpander.add_task(): Gate(forward=forward) for _ in range(5)}
        for target, gate in gates.items():
            standing.spoils["POST", target] = [gate]
            await server.start("tools/call", {"name": "stop_task", "arguments": {"task_id": target, "reason": "dear"}})
        with anyio.fail_after(PATIENCE):
            for gate in gates.values():
                await gate.reached.wait()
        server.process.send_signal(signal.SIGKILL)
        await server.process.wait()

    assert main(["journal", str(path), "--json"]) == 0
    first, *others = json.loads(capsys.readouterr().out)["cancels"]
    assert (first["id"], first["outcome"]) == (finished["evidence"]["request_id"], "stopped")
    assert [each["outcome"] for each in others] == [None] * 5
    assert {each["target"]["task_id"] for each in others} == set(gates)
    assert main(["journal", str(path)]) == 0
    assert capsys.readouterr().out.count("UNFINISHED") == 5


async def test_servers_killed_at_any_moment_have_recorded_whatever_arrived(path: Path) -> None:
    arrived: set[str] = set()
    for number in (1, 4, 12):
        async with behind(path) as (sandbox, _, server):
            for _ in range(30):
                target = sandbox.xpander.add_task()
                await server.start("tools/call", {"name": "stop_task", "arguments": {"task_id": target}})
            with anyio.fail_after(PATIENCE):
                while len(sandbox.requests) < number:
                    await checkpoint()
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
        arrived |= {arrival.request_id for arrival in sandbox.requests}
    assert len(arrived) > 16
    assert arrived <= {entry["id"] for entry in entries_of(path)}


async def test_a_caller_that_goes_away_still_leaves_an_outcome(path: Path) -> None:
    async with behind(path) as (sandbox, standing, server):
        target, gate = sandbox.xpander.add_task(), Gate(forward=False)
        standing.spoils["POST", target] = [gate]
        number, _ = await server.start("tools/call", {"name": "stop_task", "arguments": {"task_id": target}})
        with anyio.fail_after(PATIENCE):
            await gate.reached.wait()
        await server.cancel(number)
        await server.request("tools/list", {})  # answered once the notification before it has been read
        gate.opened.set()
        with anyio.fail_after(PATIENCE):
            while len(lines(path)) < 2:
                await server.request("tools/list", {})
    assert server.answers[json.dumps(number)] == 0
    assert outcomes(path) == [None, "stopped"]


@pytest.mark.parametrize("end", ["its input ends", "SIGTERM", "SIGHUP", "SIGTERM SIGTERM SIGINT"])
async def test_a_server_that_is_told_to_end_finishes_what_it_has_sent(path: Path, end: str) -> None:
    async with behind(path) as (sandbox, standing, server):
        target, gate = sandbox.xpander.add_task(), Gate(forward=False)
        standing.spoils["POST", target] = [gate]
        await server.start("tools/call", {"name": "stop_task", "arguments": {"task_id": target}})
        with anyio.fail_after(PATIENCE):
            await gate.reached.wait()
        if end == "its input ends":
            assert server.process.stdin
            server.process.stdin.close()
        else:
            for name in end.split():
                server.process.send_signal(signal.Signals[name])
        gate.opened.set()
        # Of signals that arrive together the system delivers the lowest number first.
        statuses = {0} if end == "its input ends" else {128 + signal.Signals[name] for name in end.split()}
        assert await server.process.wait() in statuses
    assert outcomes(path) == [None, "stopped"]


async def test_a_record_that_nobody_reads_keeps_no_server_from_ending(pipe: tuple[int, int]) -> None:
    """Its error output is full when the cancel is to be recorded there."""
    _, writer = pipe
    brimful(writer)
    sandbox = Sandbox()
    async with running(sandbox) as base_url:
        settings = sandbox.environment(base_url)
        async with started("serve", "--journal", "-", settings=settings, stderr=writer) as process:
            assert process.stdin
            target = {"name": "stop_task", "arguments": {"task_id": sandbox.xpander.ids.executing_task}}
            hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            for number, (method, params) in enumerate([("initialize", hello), ("tools/call", target)]):
                line = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                await process.stdin.send(json.dumps(line).encode() + b"\n")
            assert process.stdout
            await process.stdout.receive()
            process.terminate()
            with anyio.fail_after(READER_PATIENCE + PATIENCE):
                assert await process.wait() == 143
    assert not sandbox.requests


async def test_several_servers_share_a_file(path: Path) -> None:
    async with behind(path) as first, behind(path) as second, anyio.create_task_group() as group:
        for sandbox, _, server in (first, second):
            for _ in range(60):
                group.start_soon(server.call, "stop_task", {"task_id": sandbox.xpander.add_task(), "reason": "x"})
    assert [entry["outcome"] for entry in entries_of(path)] == ["stopped"] * 120


async def test_a_file_that_is_renamed_while_cancels_go_on_loses_none(path: Path) -> None:
    parts = [path]
    async with behind(path) as (sandbox, _, server), anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(server.call, "stop_task", {"task_id": sandbox.xpander.add_task()})
            if number % 20 == 10:
                await server.call("stop_task", {"task_id": sandbox.xpander.add_task()})
                parts.append(rename(path, str(number)))
    assert [entry["outcome"] for entry in entries_of(*parts)] == ["stopped"] * 63


async def test_a_variable_names_the_file_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLCORD_JOURNAL", str(path))
    sandbox = Sandbox()
    async with (
        running(sandbox) as base_url,
        serving("modern", sandbox.environment(base_url), path.with_suffix(".err")) as server,
    ):
        await server.call("stop_task", {"task_id": sandbox.xpander.ids.executing_task})
    assert len(lines(path)) == 2


# Reading.


def test_what_began_and_did_not_end_is_marked(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {**INTENT, "id": "b", "operation": "cancel_turn", "reason": "too\ndear", "target": {"session_id": "s1"}}
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (INTENT, other, RESULT)), encoding="utf-8")
    assert main(["journal", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.split() for line in out.splitlines()] == [
        ["TIME", "OPERATION", "OUTCOME", "STATUS", "MS", "CLIENT", "TARGET", "REASON"],
        ["2026-10-01", "12:00:00", "stop_task", "stopped", "200", "7", "agent", "1", "task_id", "t1"],
        ["2026-10-01", "12:00:00", "cancel_turn", "UNFINISHED", "agent", "1", "session_id", "s1", "too", "dear"],
    ]


def test_programs_get_every_member(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(f"{json.dumps(INTENT)}\n{json.dumps(RESULT)}\n", encoding="utf-8")
    assert main(["journal", str(path), "--json"]) == 0
    (cancel,) = json.loads(capsys.readouterr().out)["cancels"]
    members = {**INTENT, "outcome": "stopped", "status": 200, "duration_ms": 7, "obstacle": None}
    del members["event"]
    assert cancel == members


def test_torn_foreign_and_hostile_lines_are_counted_and_left_out(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [
        '{"event": "intent", "id": "torn',
        "[" * 100_000,
        "null",
        "[]",
        '"event"',
        '{"event": "intent"}',
        json.dumps({**INTENT, "id": []}),
        json.dumps({**RESULT, "id": "began in another file"}),
        "\x00\x1b[31m",
    ]
    path.write_text("\n\n".join([json.dumps(INTENT), *bad, ""]), encoding="utf-8")
    with path.open("ab") as end:
        end.write(b"\xff\xfe\n")
    assert main(["journal", str(path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert [cancel["id"] for cancel in json.loads(out)["cancels"]] == ["a"]
    assert f"{len(bad) + 1} lines" in err


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_nothing_in_it_steers_a_terminal(path: Path, capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    evil = "\x1b]0;title\x07\x9b31m\u202edear\u2066\r\nUNFINISHED"
    line = dict.fromkeys(INTENT, evil) | {"event": "intent", "target": {evil: evil, "x": [evil]}}
    path.write_text(json.dumps(line), encoding="utf-8")
    assert main(["journal", str(path), *option]) == 0
    out = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in out)
    if not option:
        assert len(out.splitlines()) == 2


def test_what_was_refused_is_shown_as_not_sent(path: Path) -> None:
    line = {**INTENT, "event": "refusal", "outcome": "rate_limited", "obstacle": "limited"}
    path.write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    (entry,) = entries_of(path)
    assert (entry["outcome"], entry["obstacle"], entry["status"]) == ("rate_limited", "limited", None)
    assert "  rate_limited, not sent  " in journal_command.table([entry])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys({**INTENT, **RESULT}, VALUES)), max_size=5))
def test_whatever_its_lines_hold_it_can_be_shown(given_lines: list[dict[str, Any]]) -> None:
    made = [{**line, "event": event} for line in given_lines for event in ("intent", "outcome", "refusal")]
    entries, _ = journal_command.read([json.dumps(line) for line in made])
    shown = journal_command.table(entries)
    assert len(shown.splitlines()) == 1 + len(entries)
    assert all(character.isprintable() or character in "\n\u00a0" or character.isspace() for character in shown)
