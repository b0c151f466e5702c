"""The one room that sends: it bounds each call, and repeats only what is safe.

A reply or a failure comes back, never an exception: what a platform or the network does wrong is an outcome.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import anyio
import anyio.lowlevel
from opentelemetry import propagate

from pullcord.model.operation import Operation
from pullcord.model.reply import Reply
from pullcord.upstream import problem
from pullcord.upstream.request import Request

if TYPE_CHECKING:
    import httpx2

    from pullcord.upstream.exchange import Exchange

REPEATS = 2
"""Further tries after a failure to connect, or after a 429 or 503 that names a short wait."""
FIRST_WAIT = 0.1
"""Seconds before the first repeat; a failure to connect doubles them."""
SHORT_WAIT = 5
"""Seconds that are waited out within a call."""


class Limits(NamedTuple):
    """How long and how many."""

    connect: float = 5.0
    """Seconds for one connection, and for the wait for one that is free."""
    total: float = 30.0
    """Seconds for a request, repeats included."""
    connections: int = 256
    """Requests that are on the wire at once; further ones wait."""


LIMITS = Limits()


class Gateway:
    """Sends requests.

    Args:
        transport: carries the requests, as httpx2 calls it; for tests; None: connections of our own.
        environ: names the proxy and the certificates to trust, as httpx2 reads them; None: no variables.
        limits: of time and connections.
        now: the time in seconds, from any start; for tests.
        sleep: waits for seconds; for tests.
    """

    def __init__(
        self,
        transport: "httpx2.AsyncBaseTransport | None" = None,
        *,
        environ: Mapping[str, str] | None = None,
        limits: Limits = LIMITS,
        now: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self.ending = anyio.Event()
        """Set where the process is about to end: nothing is waited for any more."""
        self._transport = transport
        self._environ = environ or {}
        self._limits = limits

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if "_exchange" in vars(self):
            await self._exchange.close()

    @cached_property
    def _exchange(self) -> "Exchange":
        # What speaks HTTP is imported by the first call: a start does without it.
        from pullcord.upstream.connections import Connections  # noqa: PLC0415
        from pullcord.upstream.exchange import Exchange  # noqa: PLC0415

        limits = self._limits
        return Exchange(self._transport or Connections(self._environ, limits.connections), limits.connect)

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than this process lives."""
        async with anyio.create_task_group() as tasks:

            async def until_ending() -> None:
                await self.ending.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_ending)
            await self.sleep(seconds)
            tasks.cancel_scope.cancel()

    async def send(
        self,
        operation: Operation,
        request: Request,
        *,
        deadline: float | None = None,
        recheck: Callable[[], Awaitable[bool]] | None = None,
    ) -> Reply:
        """Send a request, and again where that is safe, within the whole call's time.

        A cancel that is on the wire is finished even if the caller goes away, so that its outcome is known.

        Args:
            operation: what is called: it tells whether repeating is safe.
            request: as request.build makes it.
            deadline: when the whole call must be over, on this gateway's clock; None: only this request is bounded.
            recheck: whether a repeat still makes sense, looked up right before each; None: it does.

        Returns:
            The reply, or why there is none and whether the platform may have acted.
        """
        propagate.inject(request.headers)  # continues the caller's trace; nothing where no SDK is installed
        await anyio.lowlevel.checkpoint_if_cancelled()
        own = self.now() + self._limits.total
        deadline = own if deadline is None else min(own, deadline)
        repeats = 0
        lost: Reply | None = None
        while True:
            answer = await self._attempt(request, deadline, shield=operation.cancel is not None)
            answer = answer._replace(retry_after=problem.retry_after(operation.platform, answer))
            wait = self._wait(operation, answer, repeats, lost)
            if wait is None or self.now() + wait >= deadline:
                # What an earlier try may have done, a later one that failed can't undo, whatever it says.
                over = answer.succeeded
                return lost if lost and operation.cancel and not over else answer
            if _is_lost(answer):
                lost = answer
            repeats += 1
            await self.sleep(wait)
            if recheck and not await recheck():
                return lost or answer

    def _wait(self, operation: Operation, answer: Reply, repeats: int, lost: Reply | None) -> float | None:
        """Seconds before the next try; None if there must be none."""
        if repeats == REPEATS:
            return None
        if _is_lost(answer):
            return FIRST_WAIT if operation.repeatable and lost is None else None
        if answer.failure is not None:
            return FIRST_WAIT * (1 << repeats)
        if _did_nothing(answer):
            seconds = answer.retry_after
            return seconds if seconds is not None and seconds <= SHORT_WAIT else None
        return None

    async def _attempt(self, request: Request, deadline: float, *, shield: bool) -> Reply:
        try:
            exchange = self._exchange
        except ImportError:
            return Reply.unsent("pullcord's own files went while it ran; it must be started again")
        with anyio.move_on_after(deadline - self.now(), shield=shield):
            return await exchange.send(request)
        return Reply.lost("no answer came in time")


def _is_lost(answer: Reply) -> bool:
    """Whether nothing tells what the platform did. An unreadable refusal still is one: its status tells."""
    if answer.failure is not None:
        return answer.sent
    return answer.unreadable is not None and (answer.status or 0) // 100 in {2, 5} and not _did_nothing(answer)


def _did_nothing(answer: Reply) -> bool:
    return answer.status in {429, 503}
