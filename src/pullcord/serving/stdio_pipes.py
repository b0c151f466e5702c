"""Standard input and output as asyncio's own pipes: no thread between a line and its message.

While serving, descriptor 0 is the null device and 1 is the error output, so that a stray print or a child process can't
spoil the wire; both are restored at the end. Lines are bounded.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage

from pullcord.serving.stdio_lines import LINE_LIMIT, LineError, message, too_long

LAST_WORDS = 1.0
"""Seconds in which the other side may read what is still to be written at the end."""


def available() -> bool:
    """Whether both ends are pipes or sockets that nothing else of this process writes to.

    asyncio makes a pipe non-blocking for all that share it; a terminal, a file, or an output that is also the error
    output is left to blocking threads.
    """
    kinds = [os.fstat(descriptor) for descriptor in (0, 1, 2)]
    piped = all(stat.S_ISFIFO(each.st_mode) or stat.S_ISSOCK(each.st_mode) for each in kinds[:2])
    distinct = {(each.st_dev, each.st_ino) for each in kinds}
    return os.name == "posix" and piped and len(distinct) == len(kinds)


class Incoming(ObjectReceiveStream[SessionMessage | Exception]):
    """Messages from lines; a line that is none comes as the error that says so. Blank lines are skipped."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def receive(self) -> SessionMessage | Exception:
        """The next line's message, or what is wrong with it.

        Raises:
            EndOfStream: the input has ended.
        """
        try:
            while line := await self._line():
                if line.strip():
                    return message(line)
        except LineError as error:
            return error
        raise anyio.EndOfStream

    async def _line(self) -> bytes:
        """The next line; nothing at the end of the input.

        Raises:
            LineError: it is over the limit.
        """
        try:
            return await self._reader.readuntil()
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError as error:
            await self._skip(error.consumed)
            raise too_long() from None

    async def _skip(self, consumed: int) -> None:
        """Drop the rest of a line, piece by piece."""
        while consumed:
            await self._reader.readexactly(consumed)
            try:
                await self._reader.readuntil()
                consumed = 0
            except asyncio.LimitOverrunError as error:
                consumed = error.consumed
            except asyncio.IncompleteReadError:
                consumed = 0

    async def aclose(self) -> None:
        """Nothing: whoever took the descriptors gives them back."""


class Outgoing(ObjectSendStream[SessionMessage]):
    """Lines from messages."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage) -> None:
        """Write a message; waits while the other side doesn't read.

        Raises:
            ClosedResourceError: the other side is gone.
        """
        self._writer.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
        try:
            await self._writer.drain()
        except ConnectionError:
            raise anyio.ClosedResourceError from None

    async def send_eof(self) -> None:
        """Nothing: whoever took the descriptors gives them back."""

    async def aclose(self) -> None:
        """Nothing: whoever took the descriptors gives them back."""


@asynccontextmanager
async def pipes() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Take standard input and output for as long as the block runs."""
    loop = asyncio.get_running_loop()
    wire_in, wire_out = os.dup(0), os.dup(1)
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    source, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb", buffering=0)
    )
    sink, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(os.dup(1), "wb", buffering=0)
    )
    writer = asyncio.StreamWriter(sink, protocol, None, loop)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    try:
        yield Incoming(reader), Outgoing(writer)
    finally:
        source.close()
        writer.close()
        with anyio.move_on_after(LAST_WORDS, shield=True), suppress(ConnectionError):
            await writer.wait_closed()
        for wire, descriptor in ((wire_in, 0), (wire_out, 1)):
            os.set_blocking(wire, True)
            os.dup2(wire, descriptor)
            os.close(wire)
