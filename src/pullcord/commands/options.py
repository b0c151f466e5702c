"""The commands and their options, for argparse."""

import argparse
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pullcord import __version__
from pullcord.assembly.choice import Choice
from pullcord.commands.hosts import CLIENTS
from pullcord.commands.usage import Parser, one_of, port, whole_number
from pullcord.config.surface import GRANTS
from pullcord.flow.rate_limit import Limit, limit

HTTP: Mapping[str, tuple[str, dict[str, Any]]] = {
    "host": ("--host", {"metavar": "ADDRESS", "help": "where to listen (127.0.0.1)"}),
    "port": ("--port", {"type": port, "metavar": "N", "help": "the port (8642); 0: a free one"}),
    "allowed_hosts": (
        "--allowed-host",
        {"action": "append", "metavar": "NAME", "help": "callers reach it by this name, too (repeatable)"},
    ),
    "allowed_origins": (
        "--allowed-origin",
        {"action": "append", "metavar": "URL", "help": "web pages of this origin may call (repeatable)"},
    ),
    "token_file": ("--tokens", {"type": Path, "metavar": "FILE", "help": "callers need one of these tokens"}),
    "issuer": ("--issuer", {"metavar": "URL", "help": "callers need an access token (JWT) of this OAuth issuer"}),
    "resource": (
        "--resource",
        {"metavar": "URL", "help": "this server's public URL: where clients find the issuer"},
    ),
    "audiences": (
        "--audience",
        {"action": "append", "metavar": "TEXT", "help": "whom tokens are made for, if not the resource (repeatable)"},
    ),
    "caller_keys": (
        "--caller-keys",
        {"action": "store_true", "default": None, "help": "each request brings its own platform keys, in headers"},
    ),
    "max_calls": ("--max-calls", {"type": int, "metavar": "N", "help": "handle N requests at once (256)"}),
    "max_queue": ("--max-queue", {"type": int, "metavar": "N", "help": "let N more wait (256)"}),
    "probes": (
        "--probes",
        {"type": int, "metavar": "PORT", "help": "answer probes there, too, by http"},
    ),
    "certificate": ("--tls-cert", {"type": Path, "metavar": "FILE", "help": "the certificate, to serve https"}),
    "private_key": ("--tls-key", {"type": Path, "metavar": "FILE", "help": "the certificate's private key"}),
    "trusted_proxies": (
        "--trusted-proxy",
        {"action": "append", "metavar": "ADDRESS", "help": "this proxy or network ends TLS (repeatable)"},
    ),
}

_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parsers() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, whose `command` names the module; and the parser of each command."""
    program = Parser(
        prog="pullcord",
        usage="%(prog)s COMMAND [OPTION ...]",
        description="Stops work on agent platforms, over MCP. Without a command: serve, on standard input and output.",
    )
    program.add_argument("--version", action="version", version=f"pullcord {__version__}")
    subcommands = program.add_subparsers(required=True, metavar="COMMAND", dest="command", prog="pullcord")
    commands: dict[str, Parser] = {}

    selection = _choice_options()

    def add(name: str, description: str, *, is_choosing: bool, placeholder: str = "") -> Parser:
        parser = subcommands.add_parser(
            name,
            usage=f"%(prog)s{placeholder} [OPTION ...]",
            help=description,
            description=description,
            parents=[selection] if is_choosing else [],
        )
        parser.register("type", int, whole_number)
        commands[name] = parser
        return parser

    serve = add("serve", "Serve MCP, on standard input and output or over HTTP.", is_choosing=True)
    _add_serving(serve)
    add("demo", "Tell the whole story against the embedded sandbox, over MCP.", is_choosing=False)
    _add_ps(add("ps", "Show what runs now, on every platform that can be reached.", is_choosing=False))
    stop = "Stop work, wait for its end, and say what is known: ids, URLs, or what fits the options."
    _add_stop(add("stop", stop, is_choosing=False, placeholder=" [ID ...]"))
    wait = "Wait for the end of what was asked to stop."
    _add_wait(add("wait", wait, is_choosing=False, placeholder=" [ID ...]"))
    tools = add("tools", "List the tools that would be offered.", is_choosing=True)
    tools.add_argument("--json", action="store_true", help="as MCP's tools/list answers")
    check = add("check", "Check manifests and settings.", is_choosing=True)
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument("--live", action="store_true", help="ask each configured platform for something harmless")
    check.add_argument("--new", metavar="NAME", help="write a commented start of a manifest, NAME.yaml, and no more")
    manifest = add("manifest", "Make a manifest from a vendor's own document and an overlay.", is_choosing=False)
    manifest.add_argument(
        "--from",
        dest="vendor",
        type=Path,
        required=True,
        metavar="FILE",
        help="the vendor's OpenAPI document",
    )
    manifest.add_argument(
        "--overlay", type=Path, required=True, metavar="FILE", help="what to add and to leave out (OpenAPI Overlay 1.1)"
    )
    config = add("config", "Print what to write into a client's settings.", is_choosing=True, placeholder=" CLIENT")
    config.add_argument("client", type=one_of(CLIENTS), metavar="CLIENT", help=", ".join(CLIENTS))
    config.add_argument("--http", metavar="URL", help="reach a pullcord that serves over HTTP, instead of starting one")
    journal = add("journal", "Show the cancels that a journal records.", is_choosing=False, placeholder=" FILE")
    journal.add_argument("file", type=Path, metavar="FILE")
    journal.add_argument("--json", action="store_true", help="for programs")
    token = add(
        "token",
        "Make a token for a caller of serve --http, and its line for --tokens.",
        is_choosing=False,
        placeholder=" NAME",
    )
    token.add_argument("name", metavar="NAME", help="who will hold it; the journal shows it")
    token.add_argument(
        "--scope",
        action="append",
        type=one_of(GRANTS),
        metavar="SCOPE",
        help="what it may do, observe or cancel (repeatable; both)",
    )
    sandbox = add("sandbox", "Serve the sandbox's platforms over HTTP, on this machine.", is_choosing=False)
    sandbox.add_argument("--port", type=port, default=0, metavar="N", help="the port (a free one)")
    return program, commands


def _choice_options() -> Parser:
    """A parser of the options that choose what is offered."""
    parser = Parser(add_help=False)
    _add_platforms(parser, "offer this platform, too (repeatable)")
    parser.add_argument("--only", action="append", default=[], metavar="TOOL", help="offer only this tool (repeatable)")
    return parser


def _add_platforms(parser: Parser, description: str) -> None:
    """The options that choose platforms."""
    parser.add_argument("--platform", action="append", default=[], metavar="P", help=description)
    parser.add_argument(
        "--manifest",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="offer a platform of your own, too (repeatable)",
    )


def _add_looking(command: Parser) -> None:
    """The options of commands that look at what runs."""
    _add_platforms(command, "only this platform; it need not be named elsewhere (repeatable)")
    command.set_defaults(only=[])
    command.add_argument("--match", metavar="TEXT", help="only what has this in its name or ids")
    command.add_argument("--sandbox", action="store_true", help="on made-up platforms, embedded")


def _add_targets(command: Parser) -> None:
    """What commands about pieces of work take for them."""
    command.add_argument("id", nargs="*", metavar="ID", help="of work, the URL of its page, or TOOL NAME=VALUE ...")
    _add_looking(command)
    command.add_argument("--all", action="store_true", help="all that runs")


def _add_ps(ps: Parser) -> None:
    """The options of ps."""
    _add_looking(ps)
    ps.add_argument("--json", action="store_true", help="for programs")
    ps.add_argument("--watch", action="store_true", help="look again every 5 s, until Ctrl-C")


def _add_stop(stop: Parser) -> None:
    """The options of stop."""
    _add_targets(stop)
    stop.add_argument("--older", type=_span, metavar="AGE", help="only what began so long ago: 90s, 30m, 2h, 1d")
    stop.add_argument("--most", type=int, default=20, metavar="N", help="take no more than N that fit (20)")
    stop.add_argument("--dry-run", action="store_true", help="show what would be stopped, and no more")
    stop.add_argument("--yes", action="store_true", help="stop without asking")
    stop.add_argument(
        "--wait", type=_wait(300), default=60, metavar="S", help="wait up to 300 s for the end of each (60)"
    )
    stop.add_argument("--strict", action="store_true", help="exit 0 only if each end is proved, too")
    stop.add_argument("--reason", metavar="TEXT", help="why, for the journal, and for platforms that take one")
    _add_keeping(stop)


def _add_wait(wait: Parser) -> None:
    """The options of wait."""
    _add_targets(wait)
    wait.set_defaults(older=None, most=1000)
    wait.add_argument("--journal", metavar="FILE", help="what this journal records as asked to stop, and no end of")
    wait.add_argument("--wait", type=_wait(86400), default=300, metavar="S", help="wait up to S seconds (300)")


def _add_keeping(command: Parser) -> None:
    """The options of commands that cancel: their record, and their limit."""
    command.add_argument("--journal", metavar="FILE", help="record every cancel in a file, or - for standard error")
    command.add_argument(
        "--limit", type=_limit, metavar="N/UNIT", help="send at most N cancels per second, minute or hour"
    )


def _add_serving(serve: Parser) -> None:
    """The options of serve."""
    serve.add_argument("--sandbox", action="store_true", help="run on made-up platforms, embedded")
    serve.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds for a whole call (30)")
    serve.add_argument("--connect-timeout", type=_seconds, default=5.0, metavar="S", help="seconds to connect (5)")
    _add_keeping(serve)
    serve.add_argument("--confirm", action="store_true", help="ask a person before each cancel, through the client")
    serve.add_argument("--http", action="store_true", help="serve over Streamable HTTP")
    http = serve.add_argument_group("with --http")
    for field, (flag, settings) in HTTP.items():
        http.add_argument(flag, dest=field, **settings)


def choice(options: argparse.Namespace) -> Choice:
    """The choice that the options of a command make."""
    return Choice(platforms=options.platform, only=options.only, manifests=options.manifest)


def _limit(text: str) -> Limit:
    try:
        return limit(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _span(text: str) -> timedelta:
    found = re.fullmatch("([0-9]{1,6})([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is no length of time; write a number and s, m, h or d, such as 2h")
    return int(found[1]) * timedelta(**{_SPANS[found[2]]: 1})


def _wait(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        seconds = whole_number(text)
        if not 0 <= seconds <= most:
            raise argparse.ArgumentTypeError(f"{text} can't be used; write seconds, 0 to {most}")
        return seconds

    return read


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour
        raise argparse.ArgumentTypeError(f"{text} can't be used; write seconds, more than 0 and at most 3600")
    return seconds
