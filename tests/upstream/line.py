"""A platform that answers step by step, over a transport in memory; waits are counted, not slept."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import httpx2
from tests.support import respond, shipped
from tests.transport import mock

from pullcord.model.operation import Catalogue, Operation
from pullcord.model.projection import WHOLE
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream.connections import LostError, UnsentError
from pullcord.upstream.gateway import Gateway, Limits
from pullcord.upstream.request import Request

Step: TypeAlias = "int | Exception | Callable[[], httpx2.Response]"
"""A status of the platform's own, an error, or what makes an answer."""

CURRENT = "cancel_turn"
TASK = "cancel_task"
GET = "get_task"
ALL = [CURRENT, TASK, GET]

ARGUMENTS = {"session_id": "session_1", "task_id": "task_1"}
NAMED: dict[str, Json] = {
    "id": "task_1",
    "session_id": "session_1",
    "task": {"id": "task_1", "session_id": "session_1"},
}
"""A body that names the work of these arguments, whichever of the operations was called."""
JSON = {"content-type": "application/json"}
ANSWERED = Reply(200, JSON, NAMED)
"""What is made of a success."""

REFUSED = UnsentError("the connection could not be made")
"""What a transport raises where surely nothing left this machine."""
BROKEN = LostError("the connection broke")
"""What it raises where something may have."""


@functools.cache
def unabridged() -> Catalogue:
    """The shipped operations, of whose replies everything is kept."""
    return {name: replace(each, kept=lambda: WHOLE) for name, each in shipped().items()}


class Line:
    """A platform that answers step by step; the last step answers all that follows."""

    def __init__(self, *steps: Step, total: float = 30) -> None:
        self.steps = steps
        self.seen: list[httpx2.Request] = []
        self.slept: list[float] = []
        self.clock = 0.0
        transport = mock(self._answer)
        self.gateway = Gateway(transport, limits=Limits(total=total), now=lambda: self.clock, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        step = self.steps[min(len(self.seen), len(self.steps) - 1)]
        self.seen.append(request)
        match step:
            case Exception():
                raise step
            case int():
                return respond(step, None if step >= 400 else NAMED)
        return step()

    async def send(self, name: str) -> Reply:
        async with self.gateway as gateway:
            return await gateway.send(unabridged()[name], request(unabridged()[name]))


def request(operation: Operation, url: str = "https://platform.example/x") -> Request:
    """A request of an operation, whatever it asks for."""
    return Request(operation.method, url, {"Host": "platform.example", "Content-Length": "0"}, ARGUMENTS)


def late(status: int, seconds: str) -> Callable[[], httpx2.Response]:
    """Makes answers that name a wait."""
    return lambda: respond(status, None, {"Retry-After": seconds})


def html(status: int, headers: Mapping[str, str] | None = None) -> Callable[[], httpx2.Response]:
    """Makes pages."""
    return lambda: respond(status, b"<html>", headers)


async def at_once(_: float) -> None:
    """Waits for nothing."""
