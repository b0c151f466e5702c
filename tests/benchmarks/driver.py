"""A raw MCP client that costs little, so that what is measured is the server: JSON-RPC on pipes, and on HTTP.

It speaks the handshake era (2025-11-25), which every host and every contender speaks.
"""

import asyncio
import ctypes
import json
import os
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

PROTOCOL = "2025-11-25"
STARTING = 60.0
"""Seconds in which a server must be up."""
ANSWERING = 30.0
"""Seconds in which a call must be answered."""
ENDING = 10.0
"""Seconds in which a server must end by itself, before it is killed."""
_HELLO = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
_STATUS = re.compile(rb"HTTP/1\.1 (\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SESSION = re.compile(rb"\r\nmcp-session-id: *([^\r]+)", re.IGNORECASE)
_EVENT = re.compile(rb"^data: *(\{.*\})\r?$", re.MULTILINE)
"""A message in a stream of server-sent events."""


class Usage(NamedTuple):
    """What a process has used so far."""

    cpu: float
    """Seconds, user and system."""
    rss: int
    """Bytes that are resident now."""
    peak: int
    """Bytes that were resident at most."""


class Wire(Protocol):
    """A way to a server."""

    async def ask(self, message: bytes) -> bytes:
        """Send a request; the answer's JSON."""

    async def tell(self, message: bytes) -> None:
        """Send a notification."""


class Session:
    """A server that was started, and the way to it."""

    def __init__(self, pid: int, wire: Wire, spawned: float) -> None:
        self.added: Mapping[str, Any] = {}
        """Arguments of the server's own, which go with each call."""
        self._pid, self._wire, self._spawned = pid, wire, spawned
        self._last = 0

    async def ask(self, method: str, params: Mapping[str, Any]) -> bytes:
        """The answer's JSON.

        Raises:
            TimeoutError: there was none in time.
        """
        self._last += 1
        message = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}
        async with asyncio.timeout(ANSWERING):
            return await self._wire.ask(json.dumps(message).encode())

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> bytes:
        """A tool's answer."""
        return await self.ask("tools/call", {"name": tool, "arguments": {**arguments, **self.added}})

    async def hello(self) -> tuple[float, float, int]:
        """Begin.

        Returns:
            The seconds from the start of the process to the answers of initialize and of tools/list, and the bytes of
            the latter's result.
        """
        await self.ask("initialize", _HELLO)
        initialized = time.perf_counter() - self._spawned
        await self._wire.tell(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        listed = await self.ask("tools/list", {})
        elapsed = time.perf_counter() - self._spawned
        result = json.dumps(json.loads(listed)["result"], ensure_ascii=False, separators=(",", ":"))
        return initialized, elapsed, len(result.encode())

    def usage(self) -> Usage:
        """What the server has used so far."""
        memory = dict(
            line.split(":", 1) for line in Path(f"/proc/{self._pid}/status").read_text(encoding="utf-8").splitlines()
        )
        rss, peak = (int(memory[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return Usage(time.clock_gettime(_processor_clock(self._pid)), rss, peak)


def _processor_clock(pid: int) -> int:
    """The clock of a process's processor time, in nanoseconds, as clock_getcpuclockid(3) has it.

    The ticks of /proc are hundredths of a second: more than a few short calls take, which then seem to take nothing.

    Raises:
        OSError: there is no such process, or no such clock.
    """
    clock = ctypes.c_int()
    number = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if number:
        raise OSError(number, os.strerror(number))
    return clock.value


class _Pipes(asyncio.SubprocessProtocol):
    """Lines to and from a child process."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._received: list[bytes] = []
        self._stdin: asyncio.WriteTransport | None = None
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self._received.append(data)
        if fd != 1 or b"\n" not in data:
            return
        *lines, rest = b"".join(self._received).split(b"\n")
        self._received = [rest]
        for line in lines:
            waiting = self._waiting.pop(json.loads(line).get("id", 0), None)
            if waiting and not waiting.done():
                waiting.set_result(line)

    def process_exited(self) -> None:
        self.ended.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server has ended"))

    async def ask(self, message: bytes) -> bytes:
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[json.loads(message)["id"]] = waiting
        await self.tell(message)
        return await waiting

    async def tell(self, message: bytes) -> None:
        assert self._stdin
        if self.ended.is_set():
            raise ConnectionError("the server has ended")
        self._stdin.write(message + b"\n")


class _Connection(asyncio.Protocol):
    """One HTTP connection, kept alive, with one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        whole = len(body) >= int(found[1]) if found else body.endswith(b"0\r\n\r\n")
        if self._answer and not self._answer.done() and end and whole:
            self._received = b""
            self._answer.set_result((head, body))

    def connection_lost(self, _: Exception | None) -> None:
        self.ended = True
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    async def send(self, request: bytes) -> tuple[bytes, bytes]:
        """The head and the body of the answer."""
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()


class _Http:
    """Requests to Streamable HTTP, on as many connections as there are requests under way."""

    def __init__(self, port: int, ended: asyncio.Event) -> None:
        self._port, self._ended = port, ended
        self._idle: list[_Connection] = []
        self._session = b""

    async def ask(self, message: bytes) -> bytes:
        head, body = await self._post(message)
        if session := _SESSION.search(head):
            self._session = b"mcp-session-id: %s\r\nmcp-protocol-version: %s\r\n" % (session[1], PROTOCOL.encode())
        events: list[bytes] = _EVENT.findall(body)
        return events[-1] if events else body

    async def tell(self, message: bytes) -> None:
        await self._post(message)

    async def _post(self, message: bytes) -> tuple[bytes, bytes]:
        head = (
            b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept: application/json, text/event-stream\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n%s\r\n"
            % (self._port, len(message), self._session)
        )
        while self._idle and self._idle[-1].ended:  # servers close what was not used for seconds
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect()
        answer = await connection.send(head + message)
        self._idle.append(connection)
        status = _STATUS.match(answer[0])
        if not status or status[1][:1] != b"2":
            raise ConnectionError(answer[0].decode(errors="replace"))
        return answer

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(STARTING):
            while True:
                try:
                    _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
                except ConnectionRefusedError:
                    if self._ended.is_set():
                        raise
                    await asyncio.sleep(0.002)  # it is still starting
                else:
                    return connection

    def close(self) -> None:
        """Hang up."""
        for connection in self._idle:
            connection.close()


@asynccontextmanager
async def started(
    command: Sequence[str], environ: Mapping[str, str], log: Path, port: int | None = None
) -> AsyncIterator[Session]:
    """Run a server for as long as the block does.

    Args:
        command: its program and arguments.
        environ: its whole environment.
        log: takes its error output.
        port: where it serves Streamable HTTP; None: it serves its standard input and output.
    """
    spawned = time.perf_counter()
    with log.open("ab") as errors:
        transport, pipes = await asyncio.get_running_loop().subprocess_exec(
            _Pipes, *command, env=dict(environ), stderr=errors
        )
    http = _Http(port, pipes.ended) if port else None
    try:
        yield Session(transport.get_pid(), http or pipes, spawned)
    finally:
        if http:
            http.close()
            with suppress(ProcessLookupError):  # it has ended by itself
                transport.terminate()
        await _end(transport, pipes)


async def _end(transport: asyncio.SubprocessTransport, pipes: _Pipes) -> None:
    """See a child to its end, which the end of its input brings about."""
    stdin = transport.get_pipe_transport(0)
    assert stdin
    stdin.close()
    try:
        await asyncio.wait_for(pipes.ended.wait(), ENDING)
    except TimeoutError:
        transport.kill()
        await pipes.ended.wait()
    finally:
        transport.close()
