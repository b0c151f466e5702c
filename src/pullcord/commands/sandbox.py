"""pullcord sandbox: the made-up platforms, over HTTP on this machine."""

import argparse
from collections.abc import Mapping

import anyio

from pullcord.commands.reach import sandboxed
from pullcord.commands.terminal import say
from pullcord.serving.signals import until_signal


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Serve the sandbox until a signal arrives, and print the settings that reach it; the exit status."""
    return anyio.run(_serve, options.port)


async def _serve(port: int) -> int:
    async with sandboxed({}, port) as variables:
        for name, value in variables.items():
            print(f"export {name}={value}", flush=True)
        say("set these in another terminal: what pullcord does there reaches this sandbox, until Ctrl-C ends it here")
        return await until_signal()
