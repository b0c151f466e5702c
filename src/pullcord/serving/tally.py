"""Counts what a server over HTTP does, for metrics: calls by operation and outcome, and requests by status."""

from collections import Counter
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Tally:
    """What a server has done since its start."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        """By the tool's name and the outcome."""
        self.statuses: Counter[int] = Counter()
        """Answers to requests, by the HTTP status."""

    async def handle(self, ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        """Handle an MCP request, as middleware of the SDK's server, and count it if it is a call of a tool.

        Args:
            ctx: of the request.
            call_next: handles it.
        """
        result = await call_next(ctx)
        match ctx.params, result:  # both as they are on the wire
            case {"name": str(name)}, {"structuredContent": {"outcome": str(outcome)}}:
                self.calls[name, outcome] += 1
        return result


class TallyMiddleware:
    """Counts answers by their status.

    Args:
        app: answers requests.
        tally: takes the numbers.
    """

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self._app = app
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._tally.statuses[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, send_counted)
