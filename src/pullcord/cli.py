"""The command line: argv and environ are read here and nowhere else, and here is the only exit status."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio

from pullcord import __version__, manifest, settings
from pullcord.brake import Brake, Limit, limit
from pullcord.errors import FaultsError, SettingsError
from pullcord.operation import Catalogue
from pullcord.scope import Scope
from pullcord.settings import Settings

Environ: TypeAlias = Mapping[str, str]

SANDBOX_NOTICE = "this is the sandbox: the platforms and their work are made up, and nothing real is stopped"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments; None: the process's own.

    Returns:
        The exit status: 0 if all went well, 1 if what was asked for didn't happen, 2 if it could not be started.
    """
    argv = sys.argv[1:] if argv is None else argv
    parser = _parser()
    if not argv and sys.stdin.isatty():
        parser.print_help()
        return 0
    options = parser.parse_args(argv or ["serve"])
    run: Callable[[argparse.Namespace, Environ], int] = options.run
    try:
        return run(options, os.environ)
    except FaultsError as error:
        for fault in error.faults:
            _say(fault)
        return 2
    except KeyboardInterrupt:
        return 130


def _say(what: str) -> None:
    print(f"pullcord: {what}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pullcord",
        description="Stops work on agent platforms, over MCP. Without a command: serve, on standard input and output.",
    )
    parser.add_argument("--version", action="version", version=f"pullcord {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    chosen = argparse.ArgumentParser(add_help=False)
    chosen.add_argument(
        "--platform", action="append", default=[], metavar="P", help="offer only this platform (repeatable)"
    )
    chosen.add_argument(
        "--only", action="append", default=[], metavar="OP", help="offer only this operation (repeatable)"
    )
    chosen.add_argument(
        "--manifest",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="add a platform of your own (repeatable)",
    )

    def add(
        name: str, run: Callable[[argparse.Namespace, Environ], int], what: str, *, choosing: bool
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what, parents=[chosen] if choosing else [])
        command.set_defaults(run=run)
        return command

    serve = add("serve", _serve, "Serve MCP on standard input and output.", choosing=True)
    serve.add_argument("--sandbox", action="store_true", help="run on made-up platforms, embedded")
    serve.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds for a whole call (30)")
    serve.add_argument("--connect-timeout", type=_seconds, default=5.0, metavar="S", help="seconds to connect (5)")
    serve.add_argument("--journal", metavar="FILE", help="record every cancel in a file, or - for standard error")
    serve.add_argument(
        "--limit", type=_limit, metavar="N/UNIT", help="send at most N cancels per second, minute or hour"
    )
    serve.add_argument("--confirm", action="store_true", help="ask a person before each cancel, through the client")
    add("demo", _demo, "Tell the whole story against the embedded sandbox, over MCP.", choosing=False)
    tools = add("tools", _tools, "List the tools that would be offered.", choosing=True)
    tools.add_argument("--json", action="store_true", help="as MCP's tools/list answers")
    check = add("check", _check, "Check manifests and settings.", choosing=True)
    check.add_argument("--json", action="store_true", help="for programs")
    journal = add("journal", _journal, "Show the cancels that a journal records.", choosing=False)
    journal.add_argument("file", type=Path, metavar="FILE")
    journal.add_argument("--json", action="store_true", help="for programs")
    sandbox = add("sandbox", _sandbox, "Serve the sandbox's platforms over HTTP, on this machine.", choosing=False)
    sandbox.add_argument("--port", type=int, default=0, metavar="N", help="the port (a free one)")
    return parser


def _limit(text: str) -> Limit:
    try:
        return limit(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour
        raise argparse.ArgumentTypeError("write seconds, more than 0 and at most 3600")
    return seconds


def _scope(options: argparse.Namespace, environ: Environ) -> Scope:
    """What the options and the environment ask for.

    Raises:
        SettingsError: with every fault of the choice, the manifests and the settings.
    """
    shipped = {path.stem: path for path in manifest.shipped()}
    faults = [
        f"--platform {name}: there is no such platform; write one of {', '.join(shipped)}, or add one with --manifest"
        for name in options.platform
        if name not in shipped
    ]
    chosen = [path for name, path in shipped.items() if name in options.platform] or list(shipped.values())
    catalogue: Catalogue = {}
    found: Mapping[str, Settings] = {}
    try:
        catalogue = manifest.load([*chosen, *options.manifest])
        faults += [
            f"--only {name}: there is no such operation; write one of {', '.join(catalogue)}"
            for name in options.only
            if name not in catalogue
        ]
        found = settings.read(catalogue, environ)
    except FaultsError as error:
        faults += error.faults
    if faults:
        raise SettingsError(faults)
    return Scope.of(catalogue, found, options.only)


def _serve(options: argparse.Namespace, environ: Environ) -> int:
    return anyio.run(_serving, options, environ)


async def _serving(options: argparse.Namespace, environ: Environ) -> int:
    from pullcord.call import Desk
    from pullcord.gateway import Gateway
    from pullcord.journal import Journal
    from pullcord.server import make
    from pullcord.transport import stdio

    async with AsyncExitStack() as stack:
        if options.sandbox:
            environ = await _embedded(stack)
        scope = _scope(options, environ)
        gateway = await stack.enter_async_context(Gateway(connect=options.connect_timeout, total=options.timeout))
        path = options.journal or environ.get("PULLCORD_JOURNAL")
        desk = Desk(gateway, Journal(path) if path else None, Brake(options.limit) if options.limit else None)
        return await stdio(make(scope, desk, sandbox=options.sandbox, confirm=options.confirm))


async def _embedded(stack: AsyncExitStack, port: int = 0) -> Environ:
    """Start the sandbox; the settings that reach it."""
    from pullcord.sandbox import Sandbox, running

    sandbox = Sandbox()
    base_url = await stack.enter_async_context(running(sandbox, port=port))
    _say(SANDBOX_NOTICE)
    return sandbox.environment(base_url)


def _demo(_: argparse.Namespace, __: Environ) -> int:
    from pullcord.demo import tell

    return anyio.run(tell, partial(print, flush=True))


def _tools(options: argparse.Namespace, environ: Environ) -> int:
    from pullcord.tools import tool

    scope = _scope(options, environ)
    if options.json:
        tools = [
            tool(operation).model_dump(mode="json", by_alias=True, exclude_none=True)
            for operation in scope.tools.values()
        ]
        print(json.dumps({"tools": tools}, ensure_ascii=False, indent=2))
        return 0
    width = max(len(name) for name in scope.tools)
    for operation in scope.tools.values():
        print(f"{operation.id:<{width}}  {operation.title}")
    return 0


def _check(options: argparse.Namespace, environ: Environ) -> int:
    from pullcord.check import report, table

    lines = report(_scope(options, environ))
    print(json.dumps({"platforms": lines}, ensure_ascii=False, indent=2) if options.json else table(lines))
    return 0


def _journal(options: argparse.Namespace, _: Environ) -> int:
    from pullcord import journal

    try:
        with options.file.open(encoding="utf-8", errors="replace") as lines:
            entries, spoiled = journal.read(lines)
    except OSError as error:
        raise SettingsError([f"{options.file}: this journal can't be read: {error.strerror}"]) from None
    print(json.dumps({"cancels": entries}, ensure_ascii=False, indent=2) if options.json else journal.table(entries))
    if spoiled:
        _say(f"{spoiled} lines of {options.file} can't be read, and were left out")
    return 0


def _sandbox(options: argparse.Namespace, _: Environ) -> int:
    return anyio.run(_standing, options.port)


async def _standing(port: int) -> int:
    from pullcord.transport import until_signal

    async with AsyncExitStack() as stack:
        for name, value in (await _embedded(stack, port)).items():
            print(f"export {name}={value}", flush=True)
        return await until_signal()
