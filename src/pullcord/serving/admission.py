"""Bounds on the requests that are handled over HTTP at once, and on how long clients may take."""

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pullcord.serving.refusal import REFUSED, refusal

BODY_LIMIT = 256 * 1024
"""Bytes of a request's body: many times what a call needs."""
RETRY_AFTER = 1
"""Seconds after which a request that found no place may come again."""
CANCELS_PART = 8
"""One place in so many is for cancels alone."""
ON_WATCH = "pullcord.on_watch"
"""The key of a request's scope with the function to call once the request only watches work."""
_ENDING = "This server is ending. Nothing was sent; make the same call again."
_DROPPED = (
    "This server had to end before the call was done. A cancel may have been sent: look at the work before you call"
    " again."
)


@dataclass(eq=False, slots=True)
class Place:
    """The place of one request, or its turn in the queue for one."""

    caller: Hashable | None
    """Whose it is; None: callers can't be told apart here."""
    is_cancel: bool
    is_called: anyio.Event = field(default_factory=anyio.Event)
    """Set when the request need not wait in the queue any more: it has a place, or must give way."""


class _Group:
    """Requests in the same state, in the order in which they came into it.

    They are counted as they come and go: with hundreds of them, counting them for each request would take longer than
    the request.
    """

    def __init__(self) -> None:
        self._places: dict[Place, None] = {}
        self.by_caller: Counter[Hashable | None] = Counter()
        """How many requests each caller has here; 0 for those that have none."""
        self.looks = 0
        """How many of them don't cancel."""

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, place: Place) -> bool:
        return place in self._places

    def add(self, place: Place) -> None:
        self._places[place] = None
        self.by_caller[place.caller] += 1
        self.looks += not place.is_cancel

    def discard(self, place: Place) -> None:
        if place in self._places:
            del self._places[place]
            self.looks -= not place.is_cancel
            self.by_caller[place.caller] -= 1
            if not self.by_caller[place.caller]:
                del self.by_caller[place.caller]

    def firsts(self) -> Collection[Place]:
        """The first cancel and the first look of each caller: those after them have no better claim to a place."""
        firsts: dict[tuple[Hashable | None, bool], Place] = {}
        for each in self._places:
            firsts.setdefault((each.caller, each.is_cancel), each)
        return firsts.values()

    def newest_look(self, caller: Hashable | None = None) -> Place | None:
        """The look that came last, of one caller or of all; None: there is none."""
        looks = (each for each in reversed(self._places) if not each.is_cancel and caller in {None, each.caller})
        return next(looks, None)

    def has_room(self, place: Place, most: int) -> bool:
        """Whether there is room for one more, where there may be so many."""
        return len(self) < most and not self.has_share(place, most)

    def has_share(self, place: Place, most: int) -> bool:
        """Whether a request's caller has its share here already: half of so many."""
        return place.caller is not None and self.by_caller[place.caller] >= math.ceil(most / 2)


class Admission:
    """The places for requests: a request is handled while it holds one, and one that waits for work to end holds none.

    Where callers can be told apart, none has more than half of the places, of the queue, and of those that wait for
    work. Looks leave an eighth of the places to cancels, and have as many more turns in the queue; a cancel goes before
    all looks in it, and where it is full, a look gives way. Of several, the caller with the fewest places is next.

    Args:
        calls: the number of places.
        queue: further requests that wait for a place.
        cancels: the names of the tools that cancel.
        arriving: seconds in which the body of a request must arrive.
        waiting: seconds that a request waits for a place.
        sending: seconds in which a client must read a piece of the answer.
    """

    def __init__(
        self,
        calls: int,
        queue: int,
        *,
        cancels: Collection[str] = (),
        arriving: float = 10.0,
        waiting: float = 10.0,
        sending: float = 30.0,
    ) -> None:
        self.cancels = cancels
        self.arriving = arriving
        self.waiting = waiting
        self.sending = sending
        self._calls = calls
        self._queue = queue
        self._kept = calls // CANCELS_PART
        self._held, self._line, self._watching = _Group(), _Group(), _Group()
        self._draining = anyio.Event()
        self._scopes: set[anyio.CancelScope] = set()
        self._departure = anyio.Event()
        self.refused = 0
        """Requests that found no place since the start."""

    def numbers(self) -> dict[str, int]:
        """How many requests are handled, wait in the queue for a place, and wait for work to end."""
        return {"handled": len(self._held), "queued": len(self._line), "waiting": len(self._watching)}

    @property
    def draining(self) -> bool:
        """Whether the server is ending, and takes no more requests."""
        return self._draining.is_set()

    def drain(self) -> None:
        """Take no more requests; those that wait for a place get none."""
        self._draining.set()

    async def enter(self, place: Place, receive: Receive) -> bool:
        """Take a place, or wait for one as long as the client does; return whether there was one.

        Args:
            place: the one to take, or to wait for.
            receive: of the request, whose body was read: it returns when the client goes away.
        """
        if self._is_free_for(place):
            self._held.add(place)
        elif self._queues(place):
            async with anyio.create_task_group() as tasks:

                async def until(happens: Callable[[], Awaitable[object]]) -> None:
                    await happens()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until, receive)  # after the body only the client's going away can be received
                tasks.start_soon(until, self._draining.wait)
                with anyio.move_on_after(self.waiting):
                    await place.is_called.wait()
                tasks.cancel_scope.cancel()
        self._line.discard(place)
        has_place = place in self._held
        self.refused += not has_place
        return has_place

    def watch(self, place: Place) -> None:
        """Give a place back for a request that only watches work; where very many do so, it keeps its place.

        Args:
            place: of the request.
        """
        if place in self._held and self._watching.has_room(place, self._calls + self._queue):
            self._held.discard(place)
            self._watching.add(place)
            self._call()

    def leave(self, place: Place) -> None:
        """Give a place back, or leave the queue.

        Args:
            place: of a request that is done.
        """
        for group in (self._held, self._line, self._watching):
            group.discard(place)
        self._call()
        self._departure.set()

    def _call(self) -> None:
        """Give the places that are free to those who wait for one."""
        while candidates := [each for each in self._line.firsts() if self._is_free_for(each)]:
            place = min(candidates, key=lambda each: (not each.is_cancel, self._held.by_caller[each.caller]))
            self._line.discard(place)
            self._held.add(place)
            place.is_called.set()

    def _is_free_for(self, place: Place) -> bool:
        is_for_cancels = not place.is_cancel and self._held.looks >= self._calls - self._kept
        return not is_for_cancels and self._held.has_room(place, self._calls)

    def _queues(self, place: Place) -> bool:
        """Join the queue; return whether there was room, if need be by sending a look away from it."""
        turns = self._queue if place.is_cancel or not self._queue else self._queue + self._kept
        has_share = self._line.has_share(place, turns)
        if has_share or len(self._line) >= turns:
            look = self._line.newest_look(place.caller if has_share else None)
            if not place.is_cancel or not look:
                return False
            self._line.discard(look)
            look.is_called.set()
        self._line.add(place)
        return True

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
        while self._held or self._watching or self._scopes:
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
        has_arrived = False
        # One for the whole request, whose deadline moves along: one for each message costs more than the message.
        with anyio.CancelScope(deadline=anyio.current_time() + self._admission.arriving) as patience:
            try:
                body, answer = await self._body(scope, receive)
            except ClientDisconnect:
                return  # the client is gone, and reads no answer
            has_arrived = True
            patience.deadline = math.inf

            async def send_in_time(message: Message) -> None:
                patience.deadline = min(patience.deadline, anyio.current_time() + self._admission.sending)
                await send(message)
                patience.deadline = math.inf

            await (answer or partial(self._admit, body))(scope, receive, send_in_time)
        if not has_arrived:
            answer = refusal(408, "The request took too long to arrive. Nothing was sent.")
            await answer(scope, receive, send)

    async def _admit(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        place = Place(_caller(scope), self._is_cancel(body))
        try:
            if await self._admission.enter(place, receive):
                await self._handle(place, body, scope, receive, send)
                return
        finally:
            self._admission.leave(place)
        message = "This server is busy. Nothing was sent; make the same call again a little later."
        await refusal(503, _ENDING if self._admission.draining else message, retry_after=RETRY_AFTER)(
            scope, receive, send
        )

    async def _handle(self, place: Place, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = [{"type": "http.request", "body": body}]

        async def receive_again() -> Message:
            return messages.pop() if messages else await receive()

        await self._app({**scope, ON_WATCH: partial(self._admission.watch, place)}, receive_again, send)

    def _is_cancel(self, body: bytes) -> bool:
        """Whether a request calls a tool that cancels."""
        try:
            message = from_json(body)
        except ValueError:
            return False  # the SDK tells what is wrong with it
        match message:
            case {"method": "tools/call", "params": {"name": str(name)}}:
                return name in self._admission.cancels
        return False

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
        async for chunk in Request(scope, receive).stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                return b"", refusal(413, f"The request is larger than {BODY_LIMIT} bytes.")
        return bytes(body), None


def _caller(scope: Scope) -> Hashable | None:
    """Who sent a request, by its token; None: it has none."""
    user = scope.get("user")
    return (user.access_token.client_id, user.access_token.subject) if isinstance(user, AuthenticatedUser) else None
