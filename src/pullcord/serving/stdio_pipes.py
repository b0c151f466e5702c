"""Standard input and output as asyncio's own pipes, without a thread between a line and its message.

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

FLUSH_SECONDS = 1.0
"""Seconds in which the client may read the last lines at the end."""


def available() -> bool:
    """Whether both ends are pipes or sockets that nothing else of this process writes to.

    asyncio makes a pipe non-blocking for all that share it; a terminal, a file, or an output that is also the error
    output is left to blocking threads.
    """
    statuses = [os.fstat(descriptor) for descriptor in (0, 1, 2)]
    are_pipes = all(stat.S_ISFIFO(each.st_mode) or stat.S_ISSOCK(each.st_mode) for each in statuses[:2])
    files = {(each.st_dev, each.st_ino) for each in statuses}
    return os.name == "posix" and are_pipes and len(files) == len(statuses)


class Incoming(ObjectReceiveStream[SessionMessage | Exception]):
    """Reads lines as messages; a line that is none gives an error instead. Blank lines are skipped."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def receive(self) -> SessionMessage | Exception:
        """The next line's message, or its error.

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

    async def _skip(self, length: int) -> None:
        """Drop the rest of a line, piece by piece."""
        while length:
            await self._reader.readexactly(length)
            try:
                await self._reader.readuntil()
                length = 0
            except asyncio.LimitOverrunError as error:
                length = error.consumed
            except asyncio.IncompleteReadError:
                length = 0

    async def aclose(self) -> None:
        """Do nothing: `pipes` gives the descriptors back."""


class Outgoing(ObjectSendStream[SessionMessage]):
    """Writes messages as lines."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage) -> None:
        """Write a message; wait while the client doesn't read.

        Raises:
            ClosedResourceError: the client is gone.
        """
        self._writer.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
        try:
            await self._writer.drain()
        except ConnectionError:
            raise anyio.ClosedResourceError from None

    async def send_eof(self) -> None:
        """Do nothing: `pipes` gives the descriptors back."""

    async def aclose(self) -> None:
        """Do nothing: `pipes` gives the descriptors back."""


@asynccontextmanager
async def pipes() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Take standard input and output for as long as the block runs."""
    loop = asyncio.get_running_loop()
    wire_in, wire_out = os.dup(0), os.dup(1)
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    source, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb", buffering=0)
    )
    target, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(os.dup(1), "wb", buffering=0)
    )
    writer = asyncio.StreamWriter(target, protocol, None, loop)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    try:
        yield Incoming(reader), Outgoing(writer)
    finally:
        source.close()
        writer.close()
        with anyio.move_on_after(FLUSH_SECONDS, shield=True), suppress(ConnectionError):
            await writer.wait_closed()
        for wire, descriptor in ((wire_in, 0), (wire_out, 1)):
            os.set_blocking(wire, True)
            os.dup2(wire, descriptor)
            os.close(wire)
