"""`pullcord serve` as a process, against a `pullcord sandbox` that is another: over stdio, in both protocol eras."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, StdioServerParameters
from tests.e2e.processes import COMMAND, PATIENCE, environment, finished, sandbox, started

from pullcord.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_SEEDED = Sandbox()
EVERRUNS, EVERSHELL, XPANDER = _SEEDED.everruns.ids, _SEEDED.evershell.ids, _SEEDED.xpander.ids
SOON = 60
"""Seconds for what takes none: a busy machine makes them a few."""
WAIT = {"wait_seconds": 120}
CANCELS: dict[str, dict[str, Any]] = {
    "cancel_task": {"session_id": EVERRUNS.active_session, "task_id": EVERRUNS.background_task, **WAIT},
    "cancel_turn": {"session_id": EVERRUNS.active_session, "reason": "the end-to-end test"},
    "cancel_workspace_task": {"workspace_id": EVERSHELL.busy_workspace, **WAIT},
    "stop_task": {"task_id": XPANDER.slow_task, **WAIT},
}


def server(settings: dict[str, str], *arguments: str) -> StdioServerParameters:
    program, *before = COMMAND
    return StdioServerParameters(command=program, args=[*before, *arguments], env=environment(settings))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_each_cancel_tool_stops_real_work_over_real_http(mode: str) -> None:
    stopped: dict[str, Any] = {}
    async with sandbox() as settings:
        with anyio.fail_after(PATIENCE):
            async with Client(server(settings, "serve"), mode=mode) as client, anyio.create_task_group() as calls:

                async def cancel(name: str) -> None:
                    result = await client.call_tool(name, CANCELS[name])
                    stopped[name] = result.structured_content

                for name in CANCELS:
                    calls.start_soon(cancel, name)
    assert {name: (answer["outcome"], answer["work_stopped"]) for name, answer in stopped.items()} == {
        "cancel_task": ("stopped", "yes"),
        "cancel_turn": ("stopped", "unknown"),
        "cancel_workspace_task": ("stopped", "yes"),
        "stop_task": ("stopped", "unknown"),
    }


async def test_a_key_may_stand_in_a_file_and_a_platform_without_one_offers_its_cancel_tools_only(
    tmp_path: Path,
) -> None:
    async with sandbox() as settings:
        key = tmp_path / "key"
        key.write_text(settings.pop("XPANDER_API_KEY") + "\n", encoding="utf-8")
        given = {"XPANDER_API_KEY_FILE": str(key), "XPANDER_API_URL": settings["XPANDER_API_URL"]}
        with anyio.fail_after(PATIENCE):
            async with Client(server(given)) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                stopped = await client.call_tool("stop_task", {"task_id": XPANDER.executing_task})
                denied = await client.call_tool("cancel_turn", {"session_id": EVERRUNS.active_session})
    assert names == {*CANCELS, "get_execution", "list_executions", "find_running"}
    assert (stopped.structured_content or {})["outcome"] == "stopped"
    assert (denied.structured_content or {})["outcome"] == "denied"


def message(method: str, number: int | None = None, **params: object) -> bytes:
    named = {} if number is None else {"id": number}
    return json.dumps({"jsonrpc": "2.0", **named, "method": method, "params": params}).encode() + b"\n"


HELLO = message(
    "initialize",
    1,
    protocolVersion="2025-11-25",
    capabilities={},
    clientInfo={"name": "test", "version": "1"},
)


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def exchange(process: anyio.abc.Process, given: bytes, number: int) -> list[dict[str, Any]]:
    """Write lines, and read up to the answer with a number: everything read is JSON-RPC."""
    assert process.stdin
    assert process.stdout
    await process.stdin.send(given)
    lines = BufferedByteReceiveStream(process.stdout)
    answers: list[dict[str, Any]] = []
    while not answers or answers[-1].get("id") != number:
        answers.append(json.loads(await lines.receive_until(b"\n", 1_000_000)))
        assert answers[-1]["jsonrpc"] == "2.0"
    return answers


async def test_lines_that_are_no_messages_do_not_disturb_it() -> None:
    garbage = b'garbage\n{}\n[]\n"\n\n\xff\xfe\n{"jsonrpc": "1.0", "id": 7, "method": "ping"}\n'
    async with started("serve", "--sandbox") as process:
        await exchange(process, garbage + HELLO + garbage + message("notifications/initialized"), 1)
        answers = await exchange(process, garbage + message("tools/list", 2), 2)
        assert len(answers[-1]["result"]["tools"]) > len(CANCELS)


BROKEN = [
    b'{"jsonrpc": "2.0", "id": "half", "method": "tools/list", "params": {"_meta": {"a": "\\ud83d"}}}\n',
    b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": "mark", "method": "tools/list"}\n',
    b'[{"jsonrpc": "2.0", "id": "batch", "method": "tools/list"}]\n',
]


@pytest.mark.parametrize(("hello", "params"), [(HELLO, {}), (b"", {"_meta": META})], ids=["handshake", "modern"])
@pytest.mark.parametrize("stderr", [subprocess.PIPE, subprocess.STDOUT], ids=["pipes", "threads"])
async def test_whoever_wrote_a_line_that_is_no_message_is_told(
    stderr: int, hello: bytes, params: dict[str, Any]
) -> None:
    """Where the output is the error output too, nothing but answers is written there."""
    async with started("serve", "--sandbox", stderr=stderr) as process:
        answers = await exchange(process, hello + b"".join(BROKEN) + message("tools/list", 2, **params), 2)
    told = [(answer["id"], answer["error"]["code"]) for answer in answers if "error" in answer]
    assert told == [("half", -32700), ("mark", -32700), (None, -32600)]
    assert "tools" in answers[-1]["result"]


# Where the output is the error output too, it is served by threads, of which one may be stuck in a read at the end.
ENDS = pytest.mark.parametrize("stderr", [subprocess.PIPE, subprocess.STDOUT], ids=["pipes", "threads"])


@ENDS
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_ends_it_at_once_though_its_input_stays_open(
    stderr: int, number: signal.Signals, status: int
) -> None:
    async with started("serve", stderr=stderr) as process:
        await exchange(process, HELLO, 1)
        process.send_signal(number)
        with anyio.fail_after(SOON):
            assert await process.wait() == status


@ENDS
async def test_the_end_of_its_input_ends_it_well(stderr: int) -> None:
    async with started("serve", stderr=stderr) as process:
        await exchange(process, HELLO, 1)
        assert process.stdin
        await process.stdin.aclose()
        with anyio.fail_after(SOON):
            assert await process.wait() == 0


async def test_the_sandbox_says_what_to_do_with_the_settings_that_it_prints() -> None:
    async with started("sandbox") as process:
        assert process.stderr
        lines = BufferedByteReceiveStream(process.stderr)
        told = [(await lines.receive_until(b"\n", 1000)).decode() for _ in range(2)]
    assert told[1].startswith("pullcord: set these in another terminal: ")


async def test_without_a_command_it_serves_and_ends_with_its_input() -> None:
    done = await finished()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


FAULTS = {
    "EVERRUNS_API_KEY": "evr_pat_...",
    "EVERSHELL_API_URL": "http://evershell.example",
    "EVERSHELL_API_KEY": "sk_never_shown",
    "XPANDER_API_KEY": "never shown either",
}
BLAMED = ["EVERRUNS_API_KEY", "EVERSHELL_API_URL", "XPANDER_API_KEY"]


async def test_it_says_all_that_is_wrong_where_it_cannot_start() -> None:
    done = await finished("serve", "--platform", "everun", settings=FAULTS)
    assert (done.returncode, done.stdout) == (2, "")
    told = [line.partition(": ")[2].partition(": ")[0] for line in done.stderr.splitlines()]
    assert told == ["--platform everun", *BLAMED]
    assert "never" not in done.stderr


async def test_what_is_wrong_with_single_platforms_is_said_and_it_serves() -> None:
    done = await finished("serve", settings=FAULTS)
    assert (done.returncode, done.stdout) == (0, "")
    assert [line.partition(": ")[2].partition(": ")[0] for line in done.stderr.splitlines()] == BLAMED
    assert "never" not in done.stderr
