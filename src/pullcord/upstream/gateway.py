"""Sends requests: it bounds each call in time, and repeats only what is safe to repeat.

It returns a reply and raises nothing: what a platform or the network does wrong becomes an outcome.
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
from pullcord.upstream.request import Request

if TYPE_CHECKING:
    from pullcord.upstream.connections import Transport
    from pullcord.upstream.exchange import Exchange

REPEATS = 2
"""Further tries of a request at most, for whatever reason."""
FIRST_WAIT = 0.1
"""Seconds before a repeat where the platform names no longer wait; after failures to connect it doubles each time."""
SHORT_WAIT = 5
"""The longest wait in seconds, named by a platform, that a call waits out."""
_TOO_MANY = 429
_SERVER_ERROR = 5
"""The first digit of server errors (RFC 9110, section 15.6): the platform may have acted before it failed."""


class Limits(NamedTuple):
    """Bounds in time and number."""

    connect: float = 5.0
    """Seconds to open a connection, and to wait for a free one."""
    total: float = 30.0
    """Seconds for a request, repeats included."""
    connections: int = 256
    """Requests under way at once; further ones wait."""


LIMITS = Limits()


class Gateway:
    """Sends requests.

    Args:
        transport: carries the requests; for tests; None: `connections.Connections`.
        environ: names the proxy and the certificates to trust, as httpx2 reads them; None: no variables.
        limits: of time and connections.
        now: the time in seconds, from any start; for tests.
        sleep: waits for seconds; for tests.
    """

    def __init__(
        self,
        transport: "Transport | None" = None,
        *,
        environ: Mapping[str, str] | None = None,
        limits: Limits = LIMITS,
        now: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self.ending = anyio.Event()
        """Set when the process is about to end: then nothing waits any more."""
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
        """Wait for seconds, or until `ending` is set."""
        watching = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:

            async def until_ending() -> None:
                with watching:
                    await self.ending.wait()
                    tasks.cancel_scope.cancel()

            tasks.start_soon(until_ending)
            await self.sleep(seconds)
            # Not the whole group: Python 3.11 traces no coroutine on into which a cancellation was thrown.
            watching.cancel()

    async def send(
        self,
        operation: Operation,
        request: Request,
        *,
        deadline: float | None = None,
        recheck: Callable[[], Awaitable[bool]] | None = None,
        tells: Callable[[Reply], bool] | None = None,
    ) -> Reply:
        """Send a request, and repeat it where that is safe, within the time of the whole call.

        A cancel that was begun is finished even if its caller is cancelled, so that its outcome is known.

        Args:
            operation: the one that is called: it tells whether repeating is safe.
            request: as request.build makes it.
            deadline: when the call must be over, in seconds on this gateway's clock; None: only this request is
                bounded.
            recheck: called right before each repeat: whether it still makes sense; None: it does.
            tells: whether an answer with the status of a failure tells what the platform did; None: none does.

        Returns:
            The last reply that is the platform's own word; else the first after which the platform may have acted;
            else why nothing was sent.
        """
        propagate.inject(request.headers)  # continues the caller's trace; nothing where no SDK is installed
        await anyio.lowlevel.checkpoint_if_cancelled()
        limit = self.now() + self._limits.total
        deadline = limit if deadline is None else min(limit, deadline)
        doubt: Reply | None = None
        earlier: Reply | None = None
        has_failed = False
        repeats = 0

        def is_silent(answer: Reply) -> bool:
            return _has_failed(answer) and not (tells and tells(answer))

        while True:
            answer = await self._attempt(operation, request, deadline)
            answer = answer._replace(repeated=doubt is not None)
            wait = _wait(operation, answer, repeats, failed_before=has_failed)
            if wait is None or self.now() + wait >= deadline:
                break
            await self.sleep(wait)
            if (recheck and not await recheck()) or self.now() >= deadline:
                break
            has_failed = has_failed or _has_failed(answer)
            doubt = answer if is_silent(answer) else doubt
            earlier = answer if answer.status is not None else earlier
            repeats += 1
        # An earlier try may have acted; a later one that tells nothing of the platform does not change that.
        if doubt and (answer.failure is not None or not answer.genuine or is_silent(answer)):
            return doubt._replace(repeated=True)
        # Where only the repeat could not be sent, what was answered before still holds.
        return earlier if earlier and answer.failure is not None and not answer.sent else answer

    async def _attempt(self, operation: Operation, request: Request, deadline: float) -> Reply:
        try:
            exchange = self._exchange
        except ImportError:
            return Reply.unsent("pullcord's own files went while it ran; it must be started again")
        seconds = deadline - self.now()
        if seconds <= 0:
            return Reply.unsent("there was no time left for it")
        with anyio.move_on_after(seconds, shield=operation.cancel is not None):
            answer = await exchange.send(operation, request, seconds)
            # What somebody in between wrote is no word of the platform: no state, link or part is read in it.
            return answer if answer.genuine else answer._replace(body=None)
        return Reply.lost("no answer came in time")


def _wait(operation: Operation, answer: Reply, repeats: int, *, failed_before: bool) -> float | None:
    """Seconds before the next try; None: there must be none.

    Args:
        operation: the one that is called.
        answer: the reply to the last try.
        repeats: the repeats so far.
        failed_before: whether an earlier try had an answer of a failed server, or none.
    """
    if repeats == REPEATS:
        return None
    if answer.failure is not None and not answer.sent:
        return FIRST_WAIT * (1 << repeats)
    if not operation.repeatable:
        return None
    retry_after = answer.retry_after
    if _has_failed(answer):
        wait = max(FIRST_WAIT, retry_after or 0)
        return wait if wait <= SHORT_WAIT and not failed_before else None
    if answer.status == _TOO_MANY and answer.genuine and retry_after is not None and retry_after <= SHORT_WAIT:
        return retry_after
    return None


def _has_failed(answer: Reply) -> bool:
    """Whether the platform may have received the request, and by its status the answer does not tell what it did."""
    if answer.failure is not None:
        return answer.sent
    return (answer.status or 0) // 100 == _SERVER_ERROR or (answer.succeeded and answer.unreadable is not None)
