"""Connections: how many are open at once, how long each may say nothing, and which one gives way to another."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.abc
import anyio.lowlevel
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.serving.site import Held
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pullcord.model.errors import SettingsError
from pullcord.serving.connections import LEAST, RESERVE, SPARE, Bounds, Connections, bounds

pytestmark = pytest.mark.anyio

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PATIENCE = 120
"""Seconds in which each test is over."""


@dataclass
class Caller:
    """The other side of a connection."""

    socket: socket.socket
    over: anyio.Event
    """Set once nothing serves it any more."""

    async def send(self, text: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, text)

    async def receive(self) -> bytes:
        """What comes next; nothing once the connection is closed."""
        try:
            return await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        except ConnectionResetError:
            return b""

    async def ask(self) -> str:
        """Send a request; the status of its answer."""
        await self.send(REQUEST)
        return (await self.receive()).split(b" ")[1].decode()


@dataclass
class House:
    """Connections to an application."""

    connections: Connections
    tasks: anyio.abc.TaskGroup
    sockets: ExitStack

    async def enter(self, address: str = "192.0.2.1") -> Caller:
        """Connect, as if from an address."""
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.settimeout(0)
        self.sockets.enter_context(theirs)
        caller = Caller(theirs, anyio.Event())

        async def serve() -> None:
            await self.connections.serve(ours, address)
            caller.over.set()

        self.tasks.start_soon(serve)
        await anyio.lowlevel.checkpoint()
        return caller


async def answering(scope: Scope, _: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def house(within: Bounds, app: ASGIApp = answering, many: Sequence[str] = ()) -> AsyncIterator[House]:
    config = uvicorn.Config(app, http=H11Protocol, ws="none", lifespan="off", log_config=None)
    config.load()
    connections = Connections(within, many, config, ServerState(), {})
    with anyio.fail_after(PATIENCE), ExitStack() as sockets:
        async with anyio.create_task_group() as tasks:
            yield House(connections, tasks, sockets)
            tasks.cancel_scope.cancel()


# Time


@pytest.mark.parametrize("begun", [b"", REQUEST[:20]])
async def test_a_connection_that_brings_no_request_is_closed_soon(begun: bytes) -> None:
    async with house(Bounds(total=9, share=9, first=0.05)) as here:
        caller = await here.enter()
        await caller.send(begun)
        assert await caller.receive() == b""


async def test_a_connection_that_brought_one_may_wait_longer_for_the_next() -> None:
    async with house(Bounds(total=9, share=9, first=1, idle=PATIENCE)) as here:
        caller = await here.enter()
        assert await caller.ask() == "200"
        assert await (await here.enter()).receive() == b""  # as long as the caller had for its first one
        assert await caller.ask() == "200"


@pytest.mark.parametrize("begun", [b"", REQUEST[:20]])
async def test_a_connection_that_brings_no_further_request_is_closed_in_the_end(begun: bytes) -> None:
    async with house(Bounds(total=9, share=9, idle=0.05)) as here:
        caller = await here.enter()
        assert await caller.ask() == "200"
        await caller.send(begun)
        assert await caller.receive() == b""


async def test_a_request_that_is_handled_has_all_the_time_that_it_needs() -> None:
    held = Held()
    async with house(Bounds(total=9, share=9, first=1, idle=0.05), held) as here:
        caller = await here.enter()
        await caller.send(REQUEST)
        await held.asked.wait()
        assert await (await here.enter()).receive() == b""
        held.answer.set()
        assert (await caller.receive()).startswith(b"HTTP/1.1 200")


async def test_a_request_that_came_with_the_one_before_it_is_handled_too() -> None:
    async with house(Bounds(total=9, share=9, idle=0.05)) as here:
        caller = await here.enter()
        await caller.send(REQUEST * 3)
        received = b""
        while chunk := await caller.receive():
            received += chunk
        assert received.count(b"HTTP/1.1 200") == 3


async def test_a_client_that_does_not_take_its_answer_is_cut() -> None:
    size = 32 * 1024 * 1024

    async def generous(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"x" * size})

    async with house(Bounds(total=9, share=9, idle=0.05), generous) as here:
        greedy = await here.enter()
        await greedy.send(REQUEST)
        await greedy.over.wait()
        received = 0
        while chunk := await greedy.receive():
            received += len(chunk)
        assert received < size


# Number


async def test_where_there_is_room_nobody_gives_way() -> None:
    async with house(Bounds(total=3, share=3)) as here:
        callers = [await here.enter() for _ in range(3)]
        assert [await each.ask() for each in callers] == ["200"] * 3


async def test_the_one_that_never_asked_gives_way_first_and_the_oldest_of_those() -> None:
    async with house(Bounds(total=3, share=3)) as here:
        asked, first, second = [await here.enter() for _ in range(3)]
        assert await asked.ask() == "200"
        third = await here.enter()
        assert await first.receive() == b""
        fourth = await here.enter()
        assert await second.receive() == b""
        assert [await each.ask() for each in (asked, third, fourth)] == ["200"] * 3
        # All have asked: the one whose request was answered first.
        await here.enter()
        assert await asked.receive() == b""
        assert [await each.ask() for each in (third, fourth)] == ["200"] * 2


async def test_a_flood_of_silent_connections_keeps_nobody_out() -> None:
    async with house(Bounds(total=20, share=10)) as here:
        caller = await here.enter()
        assert await caller.ask() == "200"
        for number in range(300):
            await here.enter(f"192.0.2.{number % 30}")
            if number % 50 == 0:
                assert await caller.ask() == "200"
                assert await (await here.enter("198.51.100.1")).ask() == "200"


async def test_one_address_has_a_share_and_beyond_it_only_its_own_give_way() -> None:
    async with house(Bounds(total=4, share=2)) as here:
        other = await here.enter("198.51.100.1")
        first, second, third = [await here.enter("192.0.2.1") for _ in range(3)]
        assert await first.receive() == b""
        assert [await each.ask() for each in (other, second, third)] == ["200"] * 3


@pytest.mark.parametrize(
    ("addresses", "alike"),
    [
        (("2001:db8::1", "2001:db8::2"), True),
        (("2001:db8::1", "2001:db8:0:1::1"), False),
        (("::ffff:192.0.2.1", "192.0.2.1"), True),
        (("fe80::1%eth0", "fe80::2%eth0"), True),
        (("192.0.2.1", "192.0.2.2"), False),
    ],
)
async def test_addresses_that_one_machine_may_have_count_as_one(addresses: tuple[str, str], *, alike: bool) -> None:
    async with house(Bounds(total=9, share=1)) as here:
        first, second = [await here.enter(each) for each in addresses]
        if alike:
            assert await first.receive() == b""
        else:
            assert await first.ask() == "200"
        assert await second.ask() == "200"


async def test_a_proxy_that_stands_for_many_has_no_share() -> None:
    async with house(Bounds(total=3, share=1), many=["192.0.2.0/24", "2001:db8::/32"]) as here:
        callers = [await here.enter("192.0.2.1") for _ in range(3)]
        assert [await each.ask() for each in callers] == ["200"] * 3


async def test_where_all_are_at_work_a_new_one_is_closed_and_a_body_that_is_still_to_come_is_no_work() -> None:
    held = Held()
    async with house(Bounds(total=2, share=2), held) as here:
        busy = [await here.enter() for _ in range(2)]
        for each in busy:
            await each.send(REQUEST)
        while held.count < 2:
            await anyio.lowlevel.checkpoint()
        assert await (await here.enter()).receive() == b""
        held.answer.set()
        assert [(await each.receive())[:12] for each in busy] == [b"HTTP/1.1 200"] * 2
    async with house(Bounds(total=1, share=1), Held()) as here:
        slow = await here.enter()
        await slow.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n12345")
        await anyio.wait_all_tasks_blocked()
        await here.enter()
        assert await slow.receive() == b""


# What this process may have open


def limit(monkeypatch: pytest.MonkeyPatch, soft: int) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, -1))


@pytest.mark.parametrize(
    ("files", "total"),
    [
        (1_000_000, 2 * 512 + SPARE),
        (-1, 2 * 512 + SPARE),  # no limit
        (1024, 1024 - 256 - RESERVE),
        (256, (256 - RESERVE) // 2),
    ],
)
def test_as_many_may_be_open_as_the_calls_need_and_this_process_can_have(
    monkeypatch: pytest.MonkeyPatch, files: int, total: int
) -> None:
    limit(monkeypatch, files)
    assert bounds(256, 256) == Bounds(total=total, share=total // 2)


def test_too_few_files_to_serve_anybody_is_told() -> None:
    with pytest.MonkeyPatch.context() as patch:
        limit(patch, RESERVE + 2 * LEAST - 1)
        with pytest.raises(SettingsError, match=r"let it open 160 or more \(ulimit -n\)"):
            bounds(256, 256)
        limit(patch, RESERVE + 2 * LEAST)
        assert bounds(256, 256).total == LEAST


def test_where_the_platform_tells_no_limit_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert bounds(256, 256).total == 2 * 512 + SPARE
