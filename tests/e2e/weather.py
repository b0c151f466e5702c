"""The way from pullcord to the sandbox, with troubles where a test puts them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2
from tests.support import respond

from pullcord.sandbox import Sandbox
from pullcord.upstream.connections import LostError


@dataclass
class Trouble:
    """What the network does to the first requests for a path.

    Attributes:
        path: how the path ends.
        times: how many requests.
        answer: what stands for the platform's answer; None: the answer is lost.
        arrives: whether the platform gets the request.
        first: what happens just before.
    """

    path: str
    times: int = 1
    answer: Callable[[], httpx2.Response] | None = None
    arrives: bool = False
    first: Callable[[Sandbox], object] = lambda _: None
    met: int = 0


@dataclass
class Weather(httpx2.AsyncBaseTransport):
    """The way to a sandbox, where the troubles lie."""

    troubles: tuple[Trouble, ...] = ()
    sandbox: list[Sandbox] = field(default_factory=list)
    """The one, once it stands."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        (sandbox,) = self.sandbox
        onward = httpx2.ASGITransport(app=sandbox.app)
        for trouble in self.troubles:
            if request.url.path.endswith(trouble.path) and trouble.met < trouble.times:
                trouble.met += 1
                trouble.first(sandbox)
                if trouble.arrives:
                    await onward.handle_async_request(request)
                if trouble.answer:
                    return trouble.answer()
                raise LostError("the connection broke")
        return await onward.handle_async_request(request)


def refusal(status: int, body: Mapping[str, object] | None = None, **headers: str) -> Callable[[], httpx2.Response]:
    """Makes refusals of the platform's own; without a body they suit each platform."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: respond(status, body, named)
