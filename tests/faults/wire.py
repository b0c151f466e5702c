"""A real `pullcord serve` process, spoken to in raw JSON-RPC lines."""

import asyncio
import itertools
import json
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import anyio
from mcp_types.methods import validate_server_result

Era: TypeAlias = Literal["legacy", "modern"]
Message: TypeAlias = dict[str, Any]

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
PATIENCE = 300
"""Seconds in which any answer must have come."""
CLIENT = {"name": "wire", "version": "1"}


@dataclass
class Server:
    """A server process.

    Attributes:
        answers: how many messages came for each id.
        strays: lines that carry no id of a request, such as progress.
    """

    era: Era
    process: asyncio.subprocess.Process
    errors: Path
    """Where its error output goes."""
    answers: Counter[str] = field(default_factory=Counter)
    strays: list[str] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)
    _waiting: dict[str, "asyncio.Future[Message]"] = field(default_factory=dict)

    async def read(self) -> None:
        """Sort every line that the server writes to the call that waits for it."""
        stdout = self.process.stdout
        assert stdout
        async for line in stdout:
            message = json.loads(line)
            number = json.dumps(message.get("id"))
            if "method" in message or message.get("id") is None:
                self.strays.append(line.decode())
                continue
            self.answers[number] += 1
            if (waiting := self._waiting.pop(number, None)) and not waiting.done():
                waiting.set_result(message)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EOFError(self.complaints()))
                waiting.exception()  # it may be that nobody waits any more

    async def write(self, data: bytes) -> None:
        stdin = self.process.stdin
        assert stdin
        stdin.write(data)
        await stdin.drain()

    def message(self, method: str, params: Mapping[str, Any], number: object = None) -> Message:
        """A request, or without a number a notification, in the words of the era."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": CLIENT,
        }
        given = dict(params)
        if self.era == "modern" and number is not None:
            given["_meta"] = {**meta, **given.get("_meta", {})}
        return {"jsonrpc": "2.0", "method": method, "params": given, **({} if number is None else {"id": number})}

    async def start(self, method: str, params: Mapping[str, Any]) -> tuple[str, "asyncio.Future[Message]"]:
        """Send a request; its id, and what will be its answer."""
        number = f"request-{next(self._ids)}"
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[json.dumps(number)] = waiting
        await self.write(json.dumps(self.message(method, params, number)).encode() + b"\n")
        return number, waiting

    async def request(self, method: str, params: Mapping[str, Any]) -> Message:
        """Send a request, and wait for its answer, which must fit the protocol's types of the era."""
        _, waiting = await self.start(method, params)
        with anyio.fail_after(PATIENCE):
            answer = await waiting
        if "result" in answer:
            validate_server_result(method, MODERN if self.era == "modern" else LEGACY, answer["result"])
        return answer

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool; its envelope, which both halves of the result must hold."""
        result = (await self.request("tools/call", {"name": tool, "arguments": dict(arguments)}))["result"]
        envelope: dict[str, Any] = result["structuredContent"]
        assert json.loads(result["content"][0]["text"]) == envelope
        return envelope

    async def cancel(self, number: str) -> None:
        """Take a request back."""
        notification = self.message("notifications/cancelled", {"requestId": number})
        await self.write(json.dumps(notification).encode() + b"\n")

    def memory(self, what: Literal["VmRSS", "VmHWM"] = "VmRSS") -> float:
        """Resident memory in MiB: now, or at its highest."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(rf"{what}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def complaints(self) -> str:
        """What it wrote to its error output."""
        return self.errors.read_text(encoding="utf-8")


@asynccontextmanager
async def serving(
    era: Era, environ: Mapping[str, str], errors: Path, *options: str, program: Sequence[str] = ("-m", "pullcord")
) -> AsyncIterator[Server]:
    """Run a server for as long as the block runs; its input is then closed, and it must end by itself.

    Args:
        era: the protocol that is spoken.
        environ: the settings.
        errors: a file for its error output.
        options: of `pullcord serve`.
        program: what runs in place of pullcord.
    """
    with errors.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *program,
            "serve",
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
            env={**os.environ, **environ},
            limit=2**26,
        )
    server = Server(era, process, errors)
    reading = asyncio.ensure_future(server.read())
    try:
        if era == "legacy":
            hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
            await server.request("initialize", hello)
            await server.write(json.dumps(server.message("notifications/initialized", {})).encode() + b"\n")
        else:
            await server.request("server/discover", {})
        yield server
        if process.returncode is None:
            assert process.stdin
            process.stdin.close()
        with anyio.fail_after(PATIENCE):
            await process.wait()
            await reading
    finally:
        reading.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
