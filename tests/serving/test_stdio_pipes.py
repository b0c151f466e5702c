"""Standard input and output as pipes: what comes in as lines, and what happens when the other side goes away."""

import asyncio
import os

import anyio
import pytest
from mcp import types
from mcp.shared.message import SessionMessage

from pullcord.serving.stdio_pipes import Incoming, Outgoing, available

pytestmark = pytest.mark.anyio

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


def reading(*chunks: bytes) -> Incoming:
    reader = asyncio.StreamReader(limit=100)
    for chunk in chunks:
        reader.feed_data(chunk)
    reader.feed_eof()
    return Incoming(reader)


async def methods(incoming: Incoming) -> list[object]:
    return [getattr(getattr(each, "message", each), "method", type(each).__name__) async for each in incoming]


@pytest.mark.parametrize("long", [b"x" * 101, b"x" * 150, b"x" * 100_000, b'{"a":' * 1000])
async def test_a_line_that_is_too_long_is_left_out_and_the_next_one_is_read(long: bytes) -> None:
    assert await methods(reading(PING, long + b"\n", PING)) == ["ping", "LineError", "ping"]


async def test_a_line_that_is_too_long_and_never_ends_is_the_last() -> None:
    assert await methods(reading(PING, b"x" * 1000)) == ["ping", "LineError"]


async def test_blank_lines_are_nothing() -> None:
    assert await methods(reading(b"\n", PING, b"\r\n", b"  \n", PING, b"\n")) == ["ping", "ping"]


async def test_a_last_line_needs_no_end() -> None:
    assert await methods(reading(PING.strip())) == ["ping"]


async def test_a_line_that_is_no_message_comes_as_the_error_that_says_so() -> None:
    assert await methods(reading(b"nonsense\n", PING)) == ["LineError", "ping"]


async def test_to_write_to_a_side_that_is_gone_is_to_write_to_a_closed_stream() -> None:
    theirs, ours = os.pipe()
    loop = asyncio.get_running_loop()
    sink, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(ours, "wb", buffering=0)
    )
    outgoing = Outgoing(asyncio.StreamWriter(sink, protocol, None, loop))
    message = SessionMessage(types.JSONRPCRequest(jsonrpc="2.0", id=1, method="ping"))
    await outgoing.send(message)
    assert os.read(theirs, 1000).rstrip() == PING.rstrip()
    os.close(theirs)

    async def keep_on() -> None:
        while True:
            await outgoing.send(message)
            await anyio.lowlevel.checkpoint()

    with anyio.fail_after(60), pytest.raises(anyio.ClosedResourceError):
        await keep_on()
    sink.close()


@pytest.mark.parametrize(("system", "has"), [("posix", True), ("nt", False)])
def test_pipes_are_used_where_the_event_loop_can_wait_for_any_and_threads_elsewhere(
    system: str, monkeypatch: pytest.MonkeyPatch, *, has: bool
) -> None:
    ends = [os.pipe() for _ in range(3)]
    statuses = [os.fstat(read) for read, _ in ends]
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "name", system)
        elsewhere.setattr(os, "fstat", statuses.__getitem__)
        assert available() is has
    for descriptor in (each for pair in ends for each in pair):
        os.close(descriptor)
