"""Redis: the real server, as Debian has it; and one that answers what a test says, in Redis' own protocol."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
from tests.real.server import free_ports, process, until

OK = b"+OK\r\n"


@asynccontextmanager
async def real(folder: Path, port: int = 0) -> AsyncIterator[str]:
    """A Redis server on this machine, with nothing in it; its URL.

    Args:
        folder: takes what it writes.
        port: where it listens; 0: a free one.
    """
    assert shutil.which("redis-server"), "there is no Redis: apt-get install redis-server"
    (free,) = free_ports(1)
    port = port or free
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]

    async def listens() -> bool:
        try:
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(b"PING\r\n")
                return await stream.receive() == b"+PONG\r\n"
        except OSError:
            return False

    async with process(command, folder / f"redis-{port}.log", {}):
        await until(listens, "Redis")
        yield f"redis://127.0.0.1:{port}/1"


class Scripted:
    """A server that answers each command by its name, as Redis' protocol (RESP 2) writes it; others with OK.

    Attributes:
        answers: by the name of a command; None: no answer comes.
        commands: the words of each command that came.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes | None] = {}
        self.commands: list[list[str]] = []
        self.url = ""

    async def serve(self, stream: anyio.abc.ByteStream) -> None:
        """Answer the commands of one connection."""
        async with stream:
            received = b""
            while True:
                try:
                    received += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
                while (words := _command(received)) is not None:
                    self.commands.append(words)
                    received = received[len(_written(words)) :]
                    answer = self.answers.get(words[0].upper(), OK)
                    if answer == b"":
                        return
                    if answer is not None:
                        await stream.send(answer)


def _written(words: list[str]) -> bytes:
    lines = [f"*{len(words)}", *(line for word in words for line in (f"${len(word.encode())}", word)), ""]
    return "\r\n".join(lines).encode()


def _command(received: bytes) -> list[str] | None:
    """The first command in what was received; None: it has not all come yet."""
    head, _, rest = received.decode().partition("\r\n")
    words: list[str] = []
    while head and len(words) < int(head[1:]):
        length, _, rest = rest.partition("\r\n")
        if not length or len(rest) < int(length[1:]) + 2:
            return None
        words.append(rest[: int(length[1:])])
        rest = rest[int(length[1:]) + 2 :]
    return words or None


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    """A scripted server on this machine."""
    server = Scripted()
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        server.url = f"redis://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/1"
        tasks.start_soon(listener.serve, server.serve)
        yield server
        tasks.cancel_scope.cancel()
