"""How many calls a server takes over HTTP, and how long each caller waits.

    python -m tests.benchmarks.load [--seconds 10] [--tool get_task]

One server process with its defaults, one platform process that answers after 0 or 50 ms, and this process, which is 1,
64 or 512 clients: each makes call after call on a connection of its own. All of them share this machine's processors;
the server's processor time is told, too, which other work disturbs less.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.e2e.processes import COMMAND, environment
from tests.serving.site import message

CLIENTS = (1, 64, 512)
DELAYS = (0, 50)
"""Milliseconds that the platform takes."""
TARGET = {"session_id": f"session_{'0' * 31}1", "task_id": f"task_{'0' * 31}1"}
WORK = {"id": TARGET["task_id"], "session_id": TARGET["session_id"], "kind": "background_tool", "state": "running"}
TASK = {**WORK, "display_name": "Load", "task": WORK}
"""What answers a cancel, and what answers a look."""


def platform(delay: float) -> None:
    """Be a platform whose only task always runs."""
    body = json.dumps(TASK).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def answer(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await anyio.sleep(delay)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(answer, port=0, log_level="info", access_log=False, backlog=4096)
    uvicorn.Server(config).run()


async def _discard(stream: asyncio.StreamReader) -> None:
    """Read what a process logs, which would stall where its pipe were full."""
    while await stream.read(65_536):
        continue


@asynccontextmanager
async def process(*command: str, announced: str, settings: dict[str, str]) -> AsyncIterator[tuple[str, int]]:
    """A process that says on its error output where it listens; that, and its id."""
    running = await asyncio.create_subprocess_exec(
        *command, env=environment(settings), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    assert running.stderr
    try:
        while line := (await running.stderr.readline()).decode():
            if found := re.search(announced, line):
                reading = asyncio.ensure_future(_discard(running.stderr))
                yield found[1], running.pid
                reading.cancel()
                return
        raise RuntimeError("it ended before it listened")
    finally:
        if running.returncode is None:
            running.terminate()
        await running.communicate()


@dataclass
class Run:
    """What one number of clients met."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


async def answered(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any], bool]:
    """Read an answer, plain or as a stream of events: its status, its message, and whether the connection closes."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = re.search(r"content-length: (\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    while not length:
        size = int(await reader.readline(), 16)
        body += (await reader.readexactly(size + 2))[:size]
        if size == 0:
            break
    text = body.decode()
    if "text/event-stream" in head:
        text = next(line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {"))
    return head.split()[1], json.loads(text), "connection: close" in head


async def client(port: int, request: bytes, until: float, run: Run) -> None:
    """Make call after call."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < until:
        writer.write(request)
        status, answer, is_closing = await answered(reader)
        run.latencies.append(time.perf_counter() - began)
        outcome = answer.get("result", {}).get("structuredContent", {}).get("outcome", "error")
        run.statuses[f"{status} {outcome}"] += 1
        if is_closing:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def worked(pid: int) -> float:
    """Seconds of processor time that a process has taken (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def percentiles(seconds: list[float]) -> dict[str, float]:
    """The 50th, 95th and 99th percentile, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return {f"p{at}": cuts[at - 1] * 1000 for at in (50, 95, 99)}


async def measure(served: tuple[str, int], clients: int, seconds: float, tool: str) -> None:
    """Run so many clients, and tell what they met."""
    url, pid = served
    port = urlsplit(url).port or 0
    headers, body = message("tools/call", {"name": tool, "arguments": TARGET})
    content = json.dumps(body).encode()
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *lines]
    request = "\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content
    await asyncio.gather(*(client(port, request, time.perf_counter() + 1, Run()) for _ in range(min(clients, 8))))
    run, began, before = Run(), time.perf_counter(), worked(pid)
    await asyncio.gather(*(client(port, request, began + seconds, run) for _ in range(clients)))
    took = time.perf_counter() - began
    p50, p95, p99 = (f"{each:7.1f}" for each in percentiles(run.latencies).values())
    rate = len(run.latencies) / took
    busy = 1000 * (worked(pid) - before) / len(run.latencies)
    say(f"{clients:7}  {rate:7.0f}  {p50}  {p95}  {p99}  {busy:13.1f}  {dict(run.statuses)}")


async def main(seconds: float, tool: str) -> None:
    """Measure everything."""
    say(f"{tool}, {seconds:.0f} s each, {os.cpu_count()} processors, Python {sys.version.split()[0]}")
    for delay in DELAYS:
        listening = process(
            *(sys.executable, "-m", "tests.benchmarks.load", "--platform", str(delay)),
            announced=r"running on (\S+)",
            settings={"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        async with listening as (url, _):
            settings = {
                "EVERRUNS_API_KEY": "key",
                "EVERRUNS_API_URL": url,
                "PYTHONPATH": os.pathsep.join(sys.path),
            }
            serving = process(
                *COMMAND, "serve", "--http", "--port", "0", announced=r"serving MCP at (\S+)", settings=settings
            )
            async with serving as served:
                say(f"platform: {delay} ms")
                say("clients  calls/s   p50 ms   p95 ms   p99 ms  server ms/call  answers")
                for clients in CLIENTS:
                    await measure(served, clients, seconds, tool)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--tool", choices=("get_task", "cancel_task"), default="get_task")
    parser.add_argument("--platform", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.platform is not None:
        platform(given.platform / 1000)
    else:
        asyncio.run(main(given.seconds, given.tool))
