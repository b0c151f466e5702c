"""A proxy in front of the sandbox that spoils what passes: real TCP, raw bytes.

No library fits: a proxy that speaks HTTP mends what is to stay broken, and Toxiproxy is a program of its own.
"""

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

_TARGET = re.compile(rb"(?P<method>[A-Z]+) (?P<path>[^ ]+) HTTP/1\.1\r\n")
_CONNECTION = re.compile(rb"(?im)^connection: .*\r\n")
"""Connections that pass unspoilt are kept, so that pullcord uses them again."""


@dataclass
class Exchange:
    """A request that has arrived in whole or in part, and the means to answer it badly."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes
    """The request's first line."""
    upstream: tuple[str, int]

    async def request(self) -> bytes:
        """Read the rest of the request: its headers. None of pullcord's requests has a body."""
        return self.head + await self.reader.readuntil(b"\r\n\r\n")

    async def forward(self) -> bytes:
        """Read the request, hand it to the sandbox, and tell its whole answer, which announces the connection's end."""
        request = await self.request()
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            writer.write(_CONNECTION.sub(b"", request[:-2]) + b"Connection: close\r\n\r\n")
            return await reader.read()
        finally:
            writer.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close the connection with a TCP reset instead of an end."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Spoil: TypeAlias = Callable[[Exchange], Awaitable[None]]
"""What is done to an exchange; afterwards the connection is closed."""


@dataclass
class Proxy:
    """Where it listens, what it spoils, and what has arrived.

    Attributes:
        port: where it listens on this machine.
        spoils: what to do to the requests of a method whose path holds a word; each as often as it is listed, and the
            last for ever.
        arrivals: how many requests of a method came for a word.
        connections: how many there were.
    """

    upstream: tuple[str, int]
    port: int = 0
    spoils: dict[tuple[str, str], list[Spoil]] = field(default_factory=dict)
    arrivals: Counter[tuple[str, str]] = field(default_factory=Counter)
    connections: int = 0
    _door: Spoil | None = None
    _server: asyncio.Server | None = None
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def open(self) -> None:
        """Listen, at first on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and end every connection."""
        assert self._server
        self._server.close()
        await self.hang_up()

    @asynccontextmanager
    async def guarded(self, spoil: Spoil) -> AsyncIterator[None]:
        """Spoil every connection before anything of it is read, for as long as the block runs."""
        await self.hang_up()
        self._door = spoil
        try:
            yield
        finally:
            self._door = None
            await self.hang_up()

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Refuse every connection."""
        await self.close()
        try:
            yield
        finally:
            await self.open()

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[None]:
        """Answer no attempt to connect: the queue of the port is full."""
        await self.close()
        with socket.create_server(("127.0.0.1", self.port), backlog=0), ExitStack() as stack:
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.settimeout(0)
                filler.connect_ex(("127.0.0.1", self.port))
            yield
        await self.open()

    async def hang_up(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError, asyncio.LimitOverrunError):
                if self._door:
                    await self._door(Exchange(reader, writer, b"", self.upstream))
                else:
                    while await self._exchange(Exchange(reader, writer, await reader.readline(), self.upstream)):
                        pass
        finally:
            writer.close()

    async def _exchange(self, exchange: Exchange) -> bool:
        """Pass or spoil one request; whether the connection stays open."""
        target = _TARGET.fullmatch(exchange.head)
        if not target:
            return False
        method, path = target["method"].decode(), target["path"].decode()
        place = next(((method, word) for word in re.split(r"[/?=&]", path) if (method, word) in self.spoils), None)
        if place is None:
            await exchange.send(_CONNECTION.sub(b"", await exchange.forward()))
            return True
        self.arrivals[place] += 1
        spoils = self.spoils[place]
        await (spoils.pop(0) if len(spoils) > 1 else spoils[0])(exchange)
        return False


async def through(exchange: Exchange) -> None:
    """Spoil nothing."""
    await exchange.send(await exchange.forward())


@asynccontextmanager
async def proxy(base_url: str) -> AsyncIterator[Proxy]:
    """Put a proxy in front of an HTTP server for as long as the block runs."""
    parts = urlsplit(base_url)
    standing = Proxy((parts.hostname or "", parts.port or 0))
    await standing.open()
    try:
        yield standing
    finally:
        await standing.close()
