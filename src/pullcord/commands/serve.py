"""pullcord serve: MCP on standard input and output, or over HTTP."""

import argparse
import gc
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import anyio
from pydantic import SecretStr

from pullcord.assembly.choice import surface
from pullcord.commands.options import HTTP, choice
from pullcord.commands.terminal import SANDBOX_NOTICE, say
from pullcord.config.environment import own_value
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import RateLimit
from pullcord.flow.step import Engine
from pullcord.model.errors import SettingsError
from pullcord.serving.elicitation import Elicitation
from pullcord.serving.server import make
from pullcord.upstream.gateway import CONNECTIONS, Gateway

STATE_KEY = "PULLCORD_STATE_KEY"
"""What replicas share, so that one may hear the answer to another's question to a person."""
STATE_KEY_LENGTH = 32


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serve until the client leaves or a signal arrives; the exit status."""
    # Nearly all that a start makes is kept: to look for garbage in it, again and again, is a fifth of the start.
    gc.disable()
    try:
        return anyio.run(_serve, options, environ)
    finally:
        gc.enable()


async def _serve(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    given = {field: value for field in HTTP if (value := getattr(options, field)) is not None}
    if given and not options.http:
        raise SettingsError([f"{HTTP[field][0]}: only with --http" for field in given])
    async with AsyncExitStack() as stack:
        reached = await _sandbox(stack) if options.sandbox else environ
        offered = surface(choice(options), reached, brought=options.caller_keys or False)
        for settings in offered.settings.values():
            for each in settings.faults:
                say(each)
        gateway = Gateway(
            connect=options.connect_timeout, total=options.timeout, connections=options.calls or CONNECTIONS
        )
        path = options.journal or environ.get("PULLCORD_JOURNAL")
        journal = Journal(path) if path else None
        if journal and (fault := journal.fault()):
            raise SettingsError([f"the journal {path} can't be written, so no cancel could be sent: {fault}"])
        engine = Engine(gateway, journal, RateLimit(options.limit, gateway.now) if options.limit else None)
        gc.freeze()
        gc.enable()
        server = partial(make, offered, engine, sandbox=options.sandbox)
        await stack.enter_async_context(gateway)
        if not options.http:
            from pullcord.serving.stdio import stdio  # noqa: PLC0415 - HTTP does without it

            return await stdio(server(elicitation=Elicitation(None) if options.confirm else None))

        from pullcord.serving import application  # noqa: PLC0415 - standard input and output do without it

        front = application.Front(**given)
        if faults := front.faults():
            raise SettingsError(faults)
        elicitation = Elicitation(_state_key(environ)) if options.confirm else None
        speaking = server(elicitation=elicitation, view=front.view(offered))
        return await application.serve(speaking, front, say, ready=application.reaches(offered), ending=gateway.ending)


async def _sandbox(stack: AsyncExitStack) -> Mapping[str, str]:
    from pullcord.assembly.embedding import embedded  # noqa: PLC0415 - a real server has no sandbox

    reached = await stack.enter_async_context(embedded())
    say(SANDBOX_NOTICE)
    return reached


def _state_key(environ: Mapping[str, str]) -> SecretStr | None:
    text, source, fault = own_value(STATE_KEY, environ)
    if text and not fault and len(text) < STATE_KEY_LENGTH:
        fault = f"{source}: write {STATE_KEY_LENGTH} random characters or more, the same for every replica"
    if fault:
        raise SettingsError([fault])
    return SecretStr(text) if text else None
