"""A steady stream of cancels over HTTP, some of them spoilt on the platform's side: whether each is answered once.

    python -m tests.benchmarks.steady [--seconds 600] [--rate 200]

One server process with its defaults, one platform process, one process of the clients, and this one, which looks at the
server's memory. One cancel in twenty is spoilt: its answer is a 503 or a page, breaks off, or never comes, once or each
time. No cancel may reach the platform more often than twice, and memory must stay level.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.types import Receive, Scope, Send
from tests.benchmarks.load import answered, percentiles, process, say
from tests.e2e.processes import COMMAND
from tests.serving.site import message

SECONDS, RATE = 600.0, 200.0
SPOILT = 0.05
CONNECTIONS = 256
"""Connections of the clients; where all are in use, the next call is late."""
SESSION = f"session_{'0' * 31}1"
ROOM = 10.0
"""MiB by which the server may be larger at the end than after half of the time."""
FAULTS = ("503", "page", "cut", "gone")
EXPECTED = {"stopping", "unknown"}


def fault(task: str) -> tuple[str, bool] | None:
    """How the answers about a task are spoilt, and whether each time; None: they are not."""
    number = zlib.crc32(task.encode())
    if number % 1000 >= 1000 * SPOILT:
        return None
    return FAULTS[number // 1000 % len(FAULTS)], bool(number // 10_000 % 2)


class Platform:
    """Accepts cancels, spoils some, and counts how often each came."""

    def __init__(self) -> None:
        self.arrivals: Counter[str] = Counter()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer a cancel; or /arrivals with how many tasks came so many times."""
        assert scope["type"] == "http"
        if scope["path"] == "/arrivals":
            await _respond(send, 200, dict(Counter(map(str, self.arrivals.values()))))
            return
        task = scope["path"].split("/tasks/")[1].removesuffix("/cancel")
        self.arrivals[task] += 1
        spoilt = fault(task)
        if spoilt is None or (self.arrivals[task] > 1 and not spoilt[1]):
            work = {"id": task, "session_id": SESSION, "kind": "background_tool", "state": "running"}
            await _respond(send, 200, work)
            return
        match spoilt[0]:
            case "503":
                await _respond(send, 503, {"error": {"code": "overloaded", "message": "Not now."}})
            case "page":
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
                await send({"type": "http.response.body", "body": b"<html>"})
            case "cut":
                headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                raise ConnectionAbortedError  # uvicorn closes the connection
            case _:
                raise ConnectionAbortedError


async def _respond(send: Send, status: int, body: object) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Clients:
    """Make calls at a rate, on connections that they keep, and check that each is answered once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._places = asyncio.Semaphore(CONNECTIONS)
        self.latencies: list[float] = []
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self, seconds: float, rate: float) -> float:
        """Make calls for so many seconds; returns how long that took."""
        began = time.perf_counter()
        number = 0
        async with asyncio.TaskGroup() as tasks:
            while (elapsed := time.perf_counter() - began) < seconds:
                await asyncio.sleep(max(0, number / rate - elapsed))
                await self._places.acquire()
                tasks.create_task(self._call(number))
                number += 1
            took = time.perf_counter() - began
        for reader, writer in self._idle:
            try:
                stray = await asyncio.wait_for(reader.read(1), 0.01)
            except TimeoutError:
                stray = b""
            if stray:
                self.wrong.append("something came after the last answer")
            writer.close()
        return took

    async def _call(self, number: int) -> None:
        began = time.perf_counter()
        try:
            self.answers[await self._answer(number)] += 1
        except (OSError, EOFError) as error:
            self.wrong.append(f"call {number} was not answered: {error!r}")
        finally:
            self.latencies.append(time.perf_counter() - began)
            self._places.release()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The newest idle connection that is still open, or a new one."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)

    async def _answer(self, number: int) -> str:
        reader, writer = await self._connection()
        target = {"session_id": SESSION, "task_id": f"task_{number:032}", "wait_seconds": 0}
        headers, body = message("tools/call", {"name": "cancel_task", "arguments": target})
        content = json.dumps({**body, "id": number}).encode()
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *lines]
        writer.write("\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content)
        status, answer, is_closing = await answered(reader)
        if is_closing:
            writer.close()
        else:
            self._idle.append((reader, writer))
        if status != "200":
            return f"status {status}"
        outcome = answer["result"]["structuredContent"]["outcome"]
        if answer["id"] != number or str(target["task_id"]) not in json.dumps(answer) or outcome not in EXPECTED:
            self.wrong.append(f"call {number}: {answer}")
        return str(outcome)


async def _clients(url: str, seconds: float, rate: float) -> None:
    """Be the clients' process: its last line is what came of the calls."""
    clients = Clients(urlsplit(url).port or 0)
    took = await clients.run(seconds, rate)
    result = {
        "calls": len(clients.latencies),
        "seconds": took,
        "answers": clients.answers,
        "percentiles": percentiles(clients.latencies),
        "wrong": clients.wrong[:10],
    }
    say(json.dumps(result))


def memory(pid: int) -> float:
    """Resident memory of a process in MiB (Linux)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) / 1024


@asynccontextmanager
async def standing(*options: str) -> AsyncIterator[tuple[str, int, str]]:
    """A server and its platform, each in a process: the server's URL and process id, and the platform's URL.

    Args:
        options: of the server.
    """
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    platform = (sys.executable, "-m", "tests.benchmarks.steady", "--platform")
    async with process(*platform, announced=r"running on (\S+)", settings=path) as (platform_url, _):
        settings = {"EVERRUNS_API_KEY": "key", "EVERRUNS_API_URL": platform_url, **path}
        command = (*COMMAND, "serve", "--http", "--port", "0", *options)
        async with process(*command, announced=r"serving MCP at (\S+)", settings=settings) as (url, pid):
            yield url, pid, platform_url


async def steady(seconds: float, rate: float) -> bool:
    """Let the clients call, and tell what came of it; returns whether all held."""
    async with standing() as (url, pid, platform_url):
        command = ("-m", "tests.benchmarks.steady", "--clients", url, "--seconds", str(seconds), "--rate", str(rate))
        clients = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        levels: list[float] = []
        waiting = asyncio.ensure_future(clients.communicate())
        while not waiting.done():
            await asyncio.wait([waiting], timeout=seconds / 20)
            levels.append(memory(pid))
        result = json.loads((await waiting)[0].decode().splitlines()[-1])
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(platform_url).port)
        writer.write(b"GET /arrivals HTTP/1.1\r\nHost: platform\r\nConnection: close\r\n\r\n")
        arrivals = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
        writer.close()
    answered = sum(result["answers"].values())
    growth = levels[-1] - levels[len(levels) // 2]
    times = ", ".join(f"{name} {value:.0f} ms" for name, value in result["percentiles"].items())
    say(f"{result['calls']} calls in {result['seconds']:.0f} s ({result['calls'] / result['seconds']:.0f} a second)")
    say(f"{answered} answered, each once: {result['answers']}; {times}")
    say(f"arrivals at the platform, by how often one came: {arrivals}")
    say(f"server's memory: {', '.join(f'{each:.0f}' for each in levels)} MiB")
    for each in result["wrong"]:
        say(each)
    has_held = answered == result["calls"] and not result["wrong"] and growth < ROOM and set(arrivals) <= {"1", "2"}
    say("held" if has_held else "did not hold")
    return has_held


def main() -> int:
    """Run what the options say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--clients", help=argparse.SUPPRESS)
    parser.add_argument("--platform", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.platform:
        uvicorn.Server(uvicorn.Config(Platform(), port=0, log_level="info", access_log=False, backlog=4096)).run()
    elif options.clients:
        asyncio.run(_clients(options.clients, options.seconds, options.rate))
    else:
        return 0 if asyncio.run(steady(options.seconds, options.rate)) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
