"""Bounds on what callers may ask for over HTTP at once, and on how long they may take; each is told."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pullcord.serving.refusal import REFUSED, refusal

BODY_LIMIT = 256 * 1024
"""Bytes of a request's body: many times what a call needs."""
RETRY_AFTER = 1
"""Seconds after which a request that found no place may come again."""
_ENDING = "This server is ending. Nothing was sent; make the same call again."
_DROPPED = (
    "This server had to end before the call was done. A cancel may have been sent: look at the work before you call"
    " again."
)


class Admission:
    """What the server is doing, how much of it there may be, and how long clients may take.

    Args:
        calls: requests that are handled at once.
        queue: further requests that wait for a place.
        arriving: seconds in which a request's body must be here.
        waiting: seconds that a request waits for a place.
        sending: seconds that a client may take to make room for a piece of the answer.
    """

    def __init__(
        self, calls: int, queue: int, *, arriving: float = 10.0, waiting: float = 10.0, sending: float = 30.0
    ) -> None:
        self.arriving = arriving
        self.waiting = waiting
        self.sending = sending
        self._calls = calls
        self._queue = queue
        self._places = anyio.Semaphore(calls, fast_acquire=True)
        self._draining = anyio.Event()
        self._handled: set[anyio.CancelScope] = set()
        self._left = anyio.Event()

    @property
    def draining(self) -> bool:
        """Whether the server is ending: it takes no more requests."""
        return self._draining.is_set()

    def drain(self) -> None:
        """Take no more requests; those that wait for a place get none."""
        self._draining.set()

    async def enter(self, receive: Receive) -> bool:
        """Take a place, or wait for one as long as the client does; whether that worked.

        Args:
            receive: the request's, whose body was read.
        """
        if self._places.value:
            self._places.acquire_nowait()
            return True
        entered = False
        if self._places.statistics().tasks_waiting < self._queue:
            async with anyio.create_task_group() as tasks:

                async def until(happens: Callable[[], Awaitable[object]]) -> None:
                    await happens()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until, receive)  # nothing else can come but that the client is gone
                tasks.start_soon(until, self._draining.wait)
                with anyio.move_on_after(self.waiting):
                    await self._places.acquire()
                    entered = True
                tasks.cancel_scope.cancel()
        return entered

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()
        self._left.set()

    async def handle(self, ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        """Handle an MCP request, as middleware of the SDK's server.

        Its caller may have gone before it ends: then it holds no place any more, but is still known.

        Raises:
            MCPError: it was dropped.
        """
        with anyio.CancelScope() as scope:
            self._handled.add(scope)
            try:
                return await call_next(ctx)
            finally:
                self._handled.discard(scope)
                self._left.set()
        raise MCPError(code=REFUSED, message=_DROPPED)

    def drop(self) -> bool:
        """End what is handled; a cancel on its way to a platform is finished first. Whether there was anything."""
        for scope in self._handled:
            scope.cancel()
        return bool(self._handled)

    async def idle(self) -> None:
        """Wait until nothing is handled any more."""
        while self._places.value < self._calls or self._handled:
            self._left = anyio.Event()
            await self._left.wait()


class AdmissionMiddleware:
    """Lets requests in, one at each place.

    Args:
        app: what is behind it.
        admission: the places.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        try:
            body, refused = await self._body(scope, receive)
        except ClientDisconnect:
            return  # nobody is there to be answered
        if refused is None and not await self._admission.enter(receive):
            busy = "This server is busy. Nothing was sent; make the same call again a little later."
            refused = refusal(503, _ENDING if self._admission.draining else busy, retry_after=RETRY_AFTER)
        if refused:
            await refused(scope, receive, send)
            return
        arrived: list[Message] = [{"type": "http.request", "body": body}]

        async def replay() -> Message:
            return arrived.pop() if arrived else await receive()

        async def hurry(message: Message) -> None:
            with anyio.fail_after(self._admission.sending):
                await send(message)

        try:
            await self._app(scope, replay, hurry)
        finally:
            self._admission.leave()

    async def _body(self, scope: Scope, receive: Receive) -> tuple[bytes, Response | None]:
        """A request's body, or why it is refused.

        Raises:
            ClientDisconnect: the client went away within it.
        """
        if scope["method"] != "POST":
            return b"", refusal(405, "There are no sessions and no streams to open here: POST only.", Allow="POST")
        if self._admission.draining:
            return b"", refusal(503, _ENDING, retry_after=RETRY_AFTER)
        body = bytearray()
        try:
            with anyio.fail_after(self._admission.arriving):
                async for chunk in Request(scope, receive).stream():
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        return b"", refusal(413, f"The request is larger than {BODY_LIMIT} bytes.")
        except TimeoutError:
            return b"", refusal(408, "The request took too long to arrive. Nothing was sent.")
        return bytes(body), None
