"""The command line: argv and environ are read here and nowhere else, and here is the only exit status."""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from pydantic import SecretStr

from pullcord import __version__, manifest, settings
from pullcord.brake import Brake, Limit, limit
from pullcord.config import CLIENTS
from pullcord.errors import FaultsError, SettingsError
from pullcord.operation import Catalogue
from pullcord.scope import GRANTS, Scope
from pullcord.settings import Settings

if TYPE_CHECKING:
    from pullcord.check import Line

Environ: TypeAlias = Mapping[str, str]

SANDBOX_NOTICE = "this is the sandbox: the platforms and their work are made up, and nothing real is stopped"

# By the field of http.Front that each sets; where one is not given, that one's default holds.
_HTTP: Mapping[str, tuple[str, dict[str, Any]]] = {
    "host": ("--host", {"metavar": "ADDRESS", "help": "where to listen (127.0.0.1)"}),
    "port": ("--port", {"type": int, "metavar": "N", "help": "the port (8642); 0: a free one"}),
    "hosts": (
        "--allowed-host",
        {"action": "append", "metavar": "NAME", "help": "callers reach it by this name, too (repeatable)"},
    ),
    "origins": (
        "--allowed-origin",
        {"action": "append", "metavar": "URL", "help": "web pages of this origin may call (repeatable)"},
    ),
    "tokens": ("--tokens", {"type": Path, "metavar": "FILE", "help": "callers need one of these tokens"}),
    "issuer": ("--issuer", {"metavar": "URL", "help": "callers need an access token (JWT) of this OAuth issuer"}),
    "audience": ("--audience", {"metavar": "URI", "help": "this server's public URL, for which they are issued"}),
    "caller_keys": (
        "--caller-keys",
        {"action": "store_true", "default": None, "help": "each request brings its own platform keys, in headers"},
    ),
    "calls": ("--max-calls", {"type": int, "metavar": "N", "help": "handle N requests at once (256)"}),
    "queue": ("--max-queue", {"type": int, "metavar": "N", "help": "let N more wait (256)"}),
    "certificate": ("--tls-cert", {"type": Path, "metavar": "FILE", "help": "the certificate, to serve https"}),
    "private_key": ("--tls-key", {"type": Path, "metavar": "FILE", "help": "the certificate's private key"}),
    "proxies": (
        "--trusted-proxy",
        {"action": "append", "metavar": "ADDRESS", "help": "this proxy or network ends TLS (repeatable)"},
    ),
}
STATE_KEY = "PULLCORD_STATE_KEY"
"""What replicas share, so that one may hear the answer to another's question to a person."""
STATE_KEY_LENGTH = 32


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

    serve = add("serve", _serve, "Serve MCP, on standard input and output or over HTTP.", choosing=True)
    serve.add_argument("--sandbox", action="store_true", help="run on made-up platforms, embedded")
    serve.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds for a whole call (30)")
    serve.add_argument("--connect-timeout", type=_seconds, default=5.0, metavar="S", help="seconds to connect (5)")
    serve.add_argument("--journal", metavar="FILE", help="record every cancel in a file, or - for standard error")
    serve.add_argument(
        "--limit", type=_limit, metavar="N/UNIT", help="send at most N cancels per second, minute or hour"
    )
    serve.add_argument("--confirm", action="store_true", help="ask a person before each cancel, through the client")
    serve.add_argument("--http", action="store_true", help="serve over Streamable HTTP")
    http = serve.add_argument_group("with --http")
    for field, (flag, how) in _HTTP.items():
        http.add_argument(flag, dest=field, **how)
    add("demo", _demo, "Tell the whole story against the embedded sandbox, over MCP.", choosing=False)
    tools = add("tools", _tools, "List the tools that would be offered.", choosing=True)
    tools.add_argument("--json", action="store_true", help="as MCP's tools/list answers")
    check = add("check", _check, "Check manifests and settings.", choosing=True)
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument("--live", action="store_true", help="ask each configured platform for something harmless")
    config = add("config", _config, "Print what to write into a client's settings.", choosing=True)
    config.add_argument("client", choices=CLIENTS, metavar="CLIENT", help=", ".join(CLIENTS))
    config.add_argument("--http", metavar="URL", help="reach a pullcord that serves over HTTP, instead of starting one")
    journal = add("journal", _journal, "Show the cancels that a journal records.", choosing=False)
    journal.add_argument("file", type=Path, metavar="FILE")
    journal.add_argument("--json", action="store_true", help="for programs")
    token = add(
        "token", _token, "Make a token for a caller of serve --http, and its line for --tokens.", choosing=False
    )
    token.add_argument("name", metavar="NAME", help="who will hold it; the journal shows it")
    token.add_argument(
        "--scope", action="append", choices=GRANTS, help="what it may do (repeatable; observe and cancel)"
    )
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


def _scope(options: argparse.Namespace, environ: Environ, *, brought: bool = False) -> Scope:
    """What the options and the environment ask for.

    Args:
        options: of the command line.
        environ: the settings.
        brought: whether each request brings the platforms' keys.

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
        found = settings.read(catalogue, environ, brought=brought)
    except FaultsError as error:
        faults += error.faults
    if faults:
        raise SettingsError(faults)
    return Scope.of(catalogue, found, options.only)


def _serve(options: argparse.Namespace, environ: Environ) -> int:
    # Nearly all that a start makes is kept: to look for garbage in it, again and again, is a fifth of the start.
    gc.disable()
    try:
        return anyio.run(_serving, options, environ)
    finally:
        gc.enable()


async def _serving(options: argparse.Namespace, environ: Environ) -> int:
    from pullcord.call import Desk
    from pullcord.gateway import CONNECTIONS, Gateway
    from pullcord.journal import Journal
    from pullcord.server import make

    given = {field: value for field in _HTTP if (value := getattr(options, field)) is not None}
    if given and not options.http:
        raise SettingsError([f"{_HTTP[field][0]}: only with --http" for field in given])
    async with AsyncExitStack() as stack:
        reached = await _embedded(stack) if options.sandbox else environ
        scope = _scope(options, reached, brought=options.caller_keys or False)
        gateway = Gateway(
            connect=options.connect_timeout, total=options.timeout, connections=options.calls or CONNECTIONS
        )
        path = options.journal or environ.get("PULLCORD_JOURNAL")
        journal = Journal(path) if path else None
        if journal and (fault := journal.fault()):
            raise SettingsError([f"the journal {path} can't be written, so no cancel could be sent: {fault}"])
        desk = Desk(gateway, journal, Brake(options.limit) if options.limit else None)
        gc.freeze()
        gc.enable()
        server = partial(make, scope, desk, sandbox=options.sandbox, confirm=options.confirm)
        await stack.enter_async_context(gateway)
        if not options.http:
            from pullcord.transport import stdio

            return await stdio(server())

        from pullcord import http

        front = http.Front(**given)
        if faults := front.faults():
            raise SettingsError(faults)
        speaking = server(state_key=_state_key(environ), view=front.view(scope))
        return await http.serve(speaking, front, _say, ready=http.reaches(scope), ending=gateway.ending)


def _state_key(environ: Environ) -> SecretStr | None:
    faults: list[str] = []
    key, source = settings.setting(STATE_KEY, environ, faults)
    if key and len(key) < STATE_KEY_LENGTH:
        faults.append(f"{source}: write {STATE_KEY_LENGTH} random characters or more, the same for every replica")
    if faults:
        raise SettingsError(faults)
    return SecretStr(key) if key else None


async def _embedded(stack: AsyncExitStack, port: int = 0) -> Environ:
    """Start the sandbox; the settings that reach it."""
    from pullcord.sandbox import Sandbox, running

    sandbox = Sandbox()
    try:
        base_url = await stack.enter_async_context(running(sandbox, port=port))
    except OSError as error:
        raise SettingsError([f"--port {port}: can't listen there: {error.strerror}"]) from None
    _say(SANDBOX_NOTICE)
    return sandbox.environment(base_url)


def _demo(_: argparse.Namespace, environ: Environ) -> int:
    from pullcord.demo import tell

    return anyio.run(partial(tell, partial(print, flush=True), colour=_colour(environ)))


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
    width = max(map(len, scope.tools), default=0)
    for operation in scope.tools.values():
        print(f"{operation.id:<{width}}  {operation.title}")
    return 0


def _token(options: argparse.Namespace, _: Environ) -> int:
    from pullcord.access import mint

    token, line = mint(options.name, options.scope or GRANTS)
    _say("this token is shown only now; give it to its caller, and add the line to the file of --tokens")
    print(f"token: {token}\nline:  {line}")
    return 0


def _check(options: argparse.Namespace, environ: Environ) -> int:
    from pullcord import check

    scope = _scope(options, environ)
    lines = check.report(scope)
    if options.live:
        lines = anyio.run(_live, lines, scope)
    if options.json:
        print(json.dumps({"platforms": lines}, ensure_ascii=False, indent=2))
    else:
        print(check.table(lines, colour=_colour(environ)))
    return 0 if not options.live or check.works(lines) else 1


async def _live(lines: list["Line"], scope: Scope) -> list["Line"]:
    from pullcord.check import live
    from pullcord.gateway import Gateway

    async with Gateway() as gateway:
        return await live(lines, scope, gateway, _say)


def _colour(environ: Environ) -> bool:
    """Whether a person's terminal reads what is printed, and may be given colours (https://no-color.org)."""
    return sys.stdout.isatty() and not environ.get("NO_COLOR")


def _config(options: argparse.Namespace, _: Environ) -> int:
    from pullcord import config

    chosen = [(f"--{name}", str(value)) for name in ("platform", "only") for value in getattr(options, name)]
    chosen += [("--manifest", str(path.absolute())) for path in options.manifest]
    if options.http:
        faults = [f"--http: {fault}" for fault in settings.url_faults(options.http)]
        faults += [f"{option} is chosen where that pullcord is started; leave it out here" for option, _ in chosen]
        snippet = config.remote(options.client, options.http)
        if snippet is None:
            title = CLIENTS[options.client].title
            faults.append(f"--http: {title} takes no address in a file; add it under Settings, Connectors")
        if faults or snippet is None:
            raise SettingsError(faults)
    else:
        scope = _scope(options, {})
        serve = [*_started(), "serve", *(word for pair in chosen for word in pair)]
        snippet = config.local(options.client, serve, scope, str(Path.home() / ".config" / "pullcord"))
    print(snippet.text)
    for note in snippet.notes:
        _say(note)
    return 0


def _started() -> list[str]:
    """How this pullcord was started, by absolute paths."""
    program = Path(sys.argv[0])
    return [str(program.absolute())] if program.stem == "pullcord" else [sys.executable, "-m", "pullcord"]


def _journal(options: argparse.Namespace, _: Environ) -> int:
    from pullcord import journal

    try:
        with options.file.open(encoding="utf-8", errors="replace") as lines:
            entries, left_out = journal.read(lines)
    except OSError as error:
        raise SettingsError([f"{options.file}: this journal can't be read: {error.strerror}"]) from None
    print(json.dumps({"cancels": entries}, indent=2) if options.json else journal.table(entries))
    if left_out:
        _say(f"{left_out} lines of {options.file} can't be read, or end what began in another file")
    return 0


def _sandbox(options: argparse.Namespace, _: Environ) -> int:
    return anyio.run(_standing, options.port)


async def _standing(port: int) -> int:
    from pullcord.transport import until_signal

    async with AsyncExitStack() as stack:
        for name, value in (await _embedded(stack, port)).items():
            print(f"export {name}={value}", flush=True)
        return await until_signal()
