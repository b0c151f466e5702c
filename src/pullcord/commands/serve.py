"""pullcord serve: MCP on standard input and output, or over HTTP."""

import argparse
import gc
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import anyio

from pullcord.commands.log_lines import apart
from pullcord.commands.options import HTTP
from pullcord.commands.reach import reached
from pullcord.commands.terminal import say
from pullcord.flow.engine import Engine
from pullcord.flow.journal import JOURNAL, stream
from pullcord.model.errors import SettingsError
from pullcord.serving.server import make
from pullcord.upstream.gateway import LIMITS, Limits

if TYPE_CHECKING:
    from pullcord.serving.elicitation import Elicitation

IN_A_TERMINAL: Mapping[bool, str] = {
    False: "serving MCP on standard input and output, for a program that speaks it: an MCP client starts this by itself"
    " (pullcord config prints its settings). Ctrl-C ends it. For a person there are pullcord ps and pullcord stop.",
    True: "serving MCP over HTTP, for programs that speak it. Ctrl-C ends it.",
}
"""Said to a person who starts the server in a terminal; by whether it serves over HTTP."""


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serve until the client leaves or a signal arrives.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status.

    Raises:
        SettingsError: the settings can't be used; nothing was served.
    """
    # Nearly every object that a start makes is kept: collecting garbage meanwhile takes a fifth of its time.
    gc.disable()
    journal = options.journal or environ.get(JOURNAL)
    try:
        with apart(journal, is_output_free=options.http):
            return anyio.run(_serve, options, environ, journal)
    finally:
        gc.enable()


async def _serve(options: argparse.Namespace, environ: Mapping[str, str], path: str | None) -> int:
    front_options = {field: value for field in HTTP if (value := getattr(options, field)) is not None}
    if front_options and not options.http:
        raise SettingsError([f"{HTTP[field][0]}: only with --http" for field in front_options])
    if path and not options.http and stream(path) == 1:
        raise SettingsError([f"--journal {path}: only with --http; here the standard output carries MCP"])
    limits = Limits(options.connect_timeout, options.timeout, options.max_calls or LIMITS.connections)
    async with reached(options, environ, journal=path, limits=limits) as (offer, engine):
        server = partial(make, offer, engine, sandbox=options.sandbox, panel=options.panel)
        if not options.http:
            _tell_terminal(is_http=False)
            from pullcord.serving.stdio import stdio  # noqa: PLC0415 - HTTP does without it

            mcp_server = server(elicitation=_elicitation({}, engine) if options.confirm else None)
            _collect_garbage()
            return await stdio(mcp_server)

        from pullcord.serving import access, http_server  # noqa: PLC0415 - standard input and output do without them
        from pullcord.serving.front import Front  # noqa: PLC0415 - as above
        from pullcord.upstream.way import transport  # noqa: PLC0415 - as above

        front = Front(**front_options, transport=partial(transport, environ))
        if faults := front.faults():
            raise SettingsError(faults)
        _tell_terminal(is_http=True)
        elicitation = _elicitation(environ, engine) if options.confirm else None
        mcp_server = server(elicitation=elicitation, view=access.view(offer, front))
        _collect_garbage()
        return await http_server.serve(mcp_server, front, say, surface=offer, engine=engine)


def _collect_garbage() -> None:
    """Look for garbage from now on, and only among what is made later: what is there by now is kept."""
    gc.freeze()
    gc.enable()


def _tell_terminal(*, is_http: bool) -> None:
    if sys.stdin and sys.stdin.isatty():
        say(IN_A_TERMINAL[is_http])


def _elicitation(environ: Mapping[str, str], engine: Engine) -> "Elicitation":
    from pullcord.serving.elicitation import Elicitation, state_key  # noqa: PLC0415 - only --confirm needs questions

    return Elicitation(state_key(environ), consents=engine.consents)
