"""Serves MCP over HTTP, and answers probes and metrics on a port of their own, until a signal to end."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from starlette.applications import Starlette

from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.serving.admission import Admission
from pullcord.serving.application import GRACE, HEALTH, READY, application, places, probes, reaches
from pullcord.serving.connections import Bounds, bounds, open_files
from pullcord.serving.front import PATH, Front
from pullcord.serving.listening import listening
from pullcord.serving.signals import ending_signals
from pullcord.serving.tally import Tally

PROBES = Bounds(total=32, share=32, idle=5.0)
"""The bounds on connections to the probes' own port."""


async def serve(
    server: Server[Any], front: Front, say: Callable[[str], object], *, surface: Surface, engine: Engine
) -> int:
    """Serve until a signal to end; then finish the requests that are handled, for GRACE seconds at most.

    A second signal ends those that only wait; a cancel that is under way to a platform is still finished and recorded.

    Args:
        server: answers MCP requests.
        front: where, for whom, and how many requests at once.
        say: called with sentences for the operator, such as where callers reach the server.
        surface: what may be called.
        engine: makes the calls; at the first signal those that watch work answer at once.

    Returns:
        The exit status: 0, or 1 if calls had to be cut off.

    Raises:
        SettingsError: a file can't be used, or the server can't listen there.
    """
    admission, ready, tally = places(front, surface), reaches(surface), None
    limits = bounds(front.max_calls, front.max_queue)
    with ending_signals() as signals:
        async with AsyncExitStack() as stack:
            if front.probes is not None:
                from pullcord.serving.metrics import metrics  # noqa: PLC0415 - only this port has them

                tally = Tally()
                app = Starlette(routes=[*probes(admission, ready=ready), metrics(tally, admission, engine.journal)])
                probe_server = listening(app, Front(host=front.host, port=front.probes), PROBES)
                probe_origin = await stack.enter_async_context(probe_server)
            mcp_server = listening(application(server, front, admission, ready=ready, tally=tally), front, limits)
            origin = await stack.enter_async_context(mcp_server)
            say(f"serving MCP at {origin}{PATH}")
            files = open_files()
            files_text = f"; this process may open {files} files" if files else ""
            say(f"at most {limits.total} connections at once, {limits.share} of them from one address{files_text}")
            if front.probes is not None:
                say(f"answering probes at {probe_origin}{HEALTH} and {probe_origin}{READY}, metrics at /metrics")
            await anext(signals)
            engine.gateway.ending.set()
            is_done = await _drain(admission, signals)
    if not is_done:
        say(f"calls were cut off that were not done {GRACE:.0f} s after the signal to end, or at a second one")
    return int(not is_done)


async def _drain(admission: Admission, signals: AsyncIterator[signal.Signals]) -> bool:
    """Wait for the requests that are handled; return whether all of them were finished."""
    admission.drain()
    was_cut = False
    with anyio.move_on_after(GRACE) as grace:
        async with anyio.create_task_group() as tasks:

            async def hurry() -> None:
                nonlocal was_cut
                async for _ in signals:
                    was_cut = admission.drop() or was_cut

            tasks.start_soon(hurry)
            await admission.idle()
            tasks.cancel_scope.cancel()
    return not grace.cancelled_caught and not was_cut
