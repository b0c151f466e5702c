"""The commands and their options, as tables for argparse."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pullcord import __version__
from pullcord.assembly.choice import Choice
from pullcord.commands.hosts import CLIENTS
from pullcord.commands.usage import Parser, one_of, port, whole_number
from pullcord.config.surface import GRANTS
from pullcord.flow.rate_limit import Limit, limit

Option: TypeAlias = tuple[str, dict[str, Any]]
"""What argparse calls it, and what add_argument is told of it."""

HTTP: Mapping[str, Option] = {
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
        {"type": int, "metavar": "PORT", "help": "answer probes there, too, and metrics, by http"},
    ),
    "certificate": ("--tls-cert", {"type": Path, "metavar": "FILE", "help": "the certificate, to serve https"}),
    "private_key": ("--tls-key", {"type": Path, "metavar": "FILE", "help": "the certificate's private key"}),
    "trusted_proxies": (
        "--trusted-proxy",
        {"action": "append", "metavar": "ADDRESS", "help": "this proxy or network ends TLS (repeatable)"},
    ),
}


_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _limit(text: str) -> Limit:
    try:
        return limit(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the text is empty, and would fit everything; write some, or leave it out")
    return text


def _count(text: str) -> int:
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} can't be used; write a number, 1 or more")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour
        raise argparse.ArgumentTypeError(f"{text} can't be used; write seconds, more than 0 and at most 3600")
    return seconds


def _span(text: str) -> timedelta:
    match = re.fullmatch("([0-9]{1,6})([smhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no length of time; write a number and s, m, h or d, such as 2h")
    return int(match[1]) * timedelta(**{_SPANS[match[2]]: 1})


def _wait(least: int, most: int) -> Callable[[str], int]:
    def seconds_of(text: str) -> int:
        seconds = whole_number(text)
        if not least <= seconds <= most:
            raise argparse.ArgumentTypeError(f"{text} can't be used; write seconds, {least} to {most}")
        return seconds

    return seconds_of


class Command(NamedTuple):
    """What a command is, and what it takes."""

    what: str
    options: tuple[Option, ...] = ()
    """Its own, and its positional argument if it has one."""
    is_choosing: bool = False
    """Whether it also has the options that choose what is offered."""
    placeholder: str = ""
    """Its positional argument, in the line of usage."""
    fixed: Mapping[str, Any] = {}
    """Further options that its module reads, with values that can't be set."""


_JSON: Option = ("--json", {"action": "store_true", "help": "for programs"})

_MANIFEST: Option = (
    "--manifest",
    {
        "action": "append",
        "default": [],
        "metavar": "FILE",
        "type": Path,
        "help": "offer a platform of your own, too (repeatable)",
    },
)

_KEEPING: Sequence[Option] = (
    ("--journal", {"metavar": "FILE", "help": "record every cancel in a file, or - for standard error"}),
    ("--limit", {"type": _limit, "metavar": "N/UNIT", "help": "send at most N cancels per second, minute or hour"}),
)
"""Of commands that cancel: their record, and their limit."""

_LOOKING: Sequence[Option] = (
    (
        "--platform",
        {
            "action": "append",
            "default": [],
            "metavar": "P",
            "help": "only this platform; it need not be named elsewhere (repeatable)",
        },
    ),
    _MANIFEST,
    ("--match", {"type": _text, "metavar": "TEXT", "help": "only what has this in its name or ids"}),
    ("--sandbox", {"action": "store_true", "help": "on made-up platforms, embedded"}),
)
"""Of commands that look at what runs."""

_TARGETS: Sequence[Option] = (
    (
        "id",
        {"nargs": "*", "type": _text, "metavar": "ID", "help": "of work, the URL of its page, or TOOL NAME=VALUE ..."},
    ),
    *_LOOKING,
    ("--all", {"action": "store_true", "help": "all that runs"}),
)
"""Of commands about pieces of work."""

_ALONE: Mapping[str, Any] = {"only": [], "confirm": False, "caller_keys": None}
"""Of commands without clients: every tool is there, nobody is asked through a client, and no request brings keys."""

CHOOSING: Sequence[Option] = (
    (
        "--platform",
        {"action": "append", "default": [], "metavar": "P", "help": "offer this platform, too (repeatable)"},
    ),
    ("--only", {"action": "append", "default": [], "metavar": "TOOL", "help": "offer only this tool (repeatable)"}),
    _MANIFEST,
)
"""What chooses what is offered."""

COMMANDS: Mapping[str, Command] = {
    "serve": Command(
        "Serve MCP, on standard input and output or over HTTP.",
        (
            ("--sandbox", {"action": "store_true", "help": "run on made-up platforms, embedded"}),
            ("--timeout", {"type": _seconds, "default": 30.0, "metavar": "S", "help": "seconds for one request (30)"}),
            ("--connect-timeout", {"type": _seconds, "default": 5.0, "metavar": "S", "help": "seconds to connect (5)"}),
            *_KEEPING,
            ("--confirm", {"action": "store_true", "help": "ask a person before each cancel, through the client"}),
            (
                "--no-panel",
                {"dest": "panel", "action": "store_false", "help": "offer hosts no panel with buttons (MCP Apps)"},
            ),
            ("--http", {"action": "store_true", "help": "serve over Streamable HTTP"}),
        ),
        is_choosing=True,
    ),
    "demo": Command("Tell the whole story against the embedded sandbox, over MCP."),
    "ps": Command(
        "Show what runs now, on every platform that can be reached.",
        (
            *_LOOKING,
            _JSON,
            ("--watch", {"action": "store_true", "help": "look again every 5 s, until Ctrl-C"}),
        ),
        fixed={**_ALONE, "limit": None},
    ),
    "stop": Command(
        "Stop work, wait for its end, and say what is known: ids, URLs, or what fits the options.",
        (
            *_TARGETS,
            ("--older", {"type": _span, "metavar": "AGE", "help": "only what began so long ago: 90s, 30m, 2h, 1d"}),
            ("--most", {"type": _count, "default": 20, "metavar": "N", "help": "take no more than N that fit (20)"}),
            ("--dry-run", {"action": "store_true", "help": "show what would be stopped, and no more"}),
            ("--yes", {"action": "store_true", "help": "stop without asking"}),
            (
                "--wait",
                {
                    "type": _wait(0, 300),
                    "default": 60,
                    "metavar": "S",
                    "help": "wait up to 300 s for each end (60)",
                },
            ),
            ("--strict", {"action": "store_true", "help": "exit 0 only if each end is proved, too"}),
            ("--reason", {"metavar": "TEXT", "help": "why, for the journal, and for platforms that take one"}),
            _JSON,
            *_KEEPING,
        ),
        placeholder=" [ID ...]",
        fixed=_ALONE,
    ),
    "wait": Command(
        "Wait for the end of what was asked to stop.",
        (
            *_TARGETS,
            ("--journal", {"metavar": "FILE", "help": "what this journal records as asked to stop, and no end of"}),
            (
                "--wait",
                {"type": _wait(1, 86400), "default": 300, "metavar": "S", "help": "wait up to S seconds (300)"},
            ),
            _JSON,
        ),
        placeholder=" [ID ...]",
        fixed={**_ALONE, "limit": None, "older": None, "most": 1000},
    ),
    "tools": Command(
        "List the tools that would be offered.",
        (("--json", {"action": "store_true", "help": "as MCP's tools/list answers"}),),
        is_choosing=True,
    ),
    "check": Command(
        "Check manifests and settings.",
        (
            _JSON,
            ("--live", {"action": "store_true", "help": "ask each configured platform for something harmless"}),
            ("--new", {"metavar": "NAME", "help": "write a commented start of a manifest, NAME.yaml, and no more"}),
        ),
        is_choosing=True,
    ),
    "manifest": Command(
        "Make a manifest from a vendor's own document and an overlay.",
        (
            (
                "--from",
                {
                    "dest": "vendor",
                    "type": Path,
                    "required": True,
                    "metavar": "FILE",
                    "help": "the vendor's OpenAPI document",
                },
            ),
            (
                "--overlay",
                {
                    "type": Path,
                    "required": True,
                    "metavar": "FILE",
                    "help": "what to add and to leave out (OpenAPI Overlay 1.1)",
                },
            ),
        ),
    ),
    "config": Command(
        "Print what to write into a client's settings.",
        (
            ("client", {"nargs": "?", "type": one_of(CLIENTS), "metavar": "CLIENT", "help": ", ".join(CLIENTS)}),
            ("--http", {"metavar": "URL", "help": "reach a pullcord that serves over HTTP, instead of starting one"}),
        ),
        is_choosing=True,
        placeholder=" CLIENT",
    ),
    "journal": Command(
        "Show the cancels that a journal records.",
        (("file", {"type": Path, "metavar": "FILE"}), _JSON),
        placeholder=" FILE",
    ),
    "token": Command(
        "Make a token for a caller of serve --http, and its line for --tokens.",
        (
            ("name", {"metavar": "NAME", "help": "who will hold it; the journal shows it"}),
            (
                "--scope",
                {
                    "action": "append",
                    "type": one_of(GRANTS),
                    "metavar": "SCOPE",
                    "help": "what it may do, observe or cancel (repeatable; both)",
                },
            ),
        ),
        placeholder=" NAME",
    ),
    "sandbox": Command(
        "Serve the sandbox's platforms over HTTP, on this machine.",
        (("--port", {"type": port, "default": 0, "metavar": "N", "help": "the port (a free one)"}),),
    ),
}
"""By its name, which is that of its module."""


def parsers() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, whose `command` names the module; and the parser of each command."""
    program = Parser(
        prog="pullcord",
        usage="%(prog)s COMMAND [OPTION ...]",
        allow_abbrev=False,
        description="Stops work on agent platforms, over MCP. Without a command: serve, on standard input and output.",
    )
    program.add_argument("--version", action="version", version=f"pullcord {__version__}")
    subcommands = program.add_subparsers(required=True, metavar="COMMAND", dest="command", prog="pullcord")
    parsers: dict[str, Parser] = {}
    for name, command in COMMANDS.items():
        usage = f"%(prog)s{command.placeholder} [OPTION ...]"
        # A word that was not finished may mean another option: it is asked about, as any other that is not known.
        parser = subcommands.add_parser(
            name, usage=usage, help=command.what, description=command.what, allow_abbrev=False
        )
        parser.register("type", int, whole_number)
        for flag, settings in (*(CHOOSING if command.is_choosing else ()), *command.options):
            parser.add_argument(flag, **settings)
        parser.set_defaults(**command.fixed)
        parsers[name] = parser
    http = parsers["serve"].add_argument_group("with --http")
    for field, (flag, settings) in HTTP.items():
        http.add_argument(flag, dest=field, **settings)
    return program, parsers


def choice(options: argparse.Namespace) -> Choice:
    """The choice that the options of a command make."""
    return Choice(platforms=options.platform, only=options.only, manifests=options.manifest)
