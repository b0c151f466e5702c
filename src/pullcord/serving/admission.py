"""Bounds on the requests that are handled over HTTP at once, and on how long clients may take."""

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
    """The places for requests: a request is handled while it holds one.

    Args:
        calls: the number of places.
        queue: further requests that wait for a place.
        arriving: seconds in which the body of a request must arrive.
        waiting: seconds that a request waits for a place.
        sending: seconds in which a client must read a piece of the answer.
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
        self._scopes: set[anyio.CancelScope] = set()
        self._departure = anyio.Event()

    @property
    def draining(self) -> bool:
        """Whether the server is ending, and takes no more requests."""
        return self._draining.is_set()

    def drain(self) -> None:
        """Take no more requests; those that wait for a place get none."""
        self._draining.set()

    async def enter(self, receive: Receive) -> bool:
        """Take a place, or wait for one as long as the client does; return whether there was one.

        Args:
            receive: of the request, whose body was read: it returns when the client goes away.
        """
        if self._places.value:
            self._places.acquire_nowait()
            return True
        has_place = False
        if self._places.statistics().tasks_waiting < self._queue:
            async with anyio.create_task_group() as tasks:

                async def until(happens: Callable[[], Awaitable[object]]) -> None:
                    await happens()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until, receive)  # after the body only the client's going away can be received
                tasks.start_soon(until, self._draining.wait)
                with anyio.move_on_after(self.waiting):
                    await self._places.acquire()
                    has_place = True
                tasks.cancel_scope.cancel()
        return has_place

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()
        self._departure.set()

    async def handle(self, ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        """Handle an MCP request, as middleware of the SDK's server.

        Where the client goes away, the request holds no place any more, but `drop` and `idle` still heed it.

        Args:
            ctx: of the request.
            call_next: handles it.

        Raises:
            MCPError: `drop` ended it.
        """
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                return await call_next(ctx)
            finally:
                self._scopes.discard(scope)
                self._departure.set()
        raise MCPError(code=REFUSED, message=_DROPPED)

    def drop(self) -> bool:
        """End all requests, once cancels that are under way to a platform are done; return whether there were any."""
        for scope in self._scopes:
            scope.cancel()
        return bool(self._scopes)

    async def idle(self) -> None:
        """Wait until no request is handled any more."""
        while self._places.value < self._calls or self._scopes:
            self._departure = anyio.Event()
            await self._departure.wait()


class AdmissionMiddleware:
    """Gives each request a place, or refuses it.

    Args:
        app: handles requests that have a place.
        admission: the places.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        try:
            body, answer = await self._body(scope, receive)
        except ClientDisconnect:
            return  # the client is gone, and reads no answer
        if answer is None and not await self._admission.enter(receive):
            message = "This server is busy. Nothing was sent; make the same call again a little later."
            answer = refusal(503, _ENDING if self._admission.draining else message, retry_after=RETRY_AFTER)
        if answer:
            await answer(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body}]

        async def receive_again() -> Message:
            return messages.pop() if messages else await receive()

        async def send_in_time(message: Message) -> None:
            with anyio.fail_after(self._admission.sending):
                await send(message)

        try:
            await self._app(scope, receive_again, send_in_time)
        finally:
            self._admission.leave()

    async def _body(self, scope: Scope, receive: Receive) -> tuple[bytes, Response | None]:
        """The body of a request; or else the answer that refuses the request.

        Raises:
            ClientDisconnect: the client went away before the body was complete.
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
