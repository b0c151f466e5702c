"""The commands and their options, as tables for argparse."""

import argparse
from collections.abc import Mapping, Sequence
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
        {"type": int, "metavar": "PORT", "help": "answer probes there, too, by http"},
    ),
    "certificate": ("--tls-cert", {"type": Path, "metavar": "FILE", "help": "the certificate, to serve https"}),
    "private_key": ("--tls-key", {"type": Path, "metavar": "FILE", "help": "the certificate's private key"}),
    "trusted_proxies": (
        "--trusted-proxy",
        {"action": "append", "metavar": "ADDRESS", "help": "this proxy or network ends TLS (repeatable)"},
    ),
}


def _limit(text: str) -> Limit:
    try:
        return limit(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour
        raise argparse.ArgumentTypeError(f"{text} can't be used; write seconds, more than 0 and at most 3600")
    return seconds


class Command(NamedTuple):
    """What a command is, and what it takes."""

    what: str
    options: tuple[Option, ...] = ()
    """Its own, and its positional argument if it has one."""
    is_choosing: bool = False
    """Whether it also has the options that choose what is offered."""
    placeholder: str = ""
    """Its positional argument, in the line of usage."""


_JSON: Option = ("--json", {"action": "store_true", "help": "for programs"})

CHOOSING: Sequence[Option] = (
    (
        "--platform",
        {"action": "append", "default": [], "metavar": "P", "help": "offer this platform, too (repeatable)"},
    ),
    ("--only", {"action": "append", "default": [], "metavar": "TOOL", "help": "offer only this tool (repeatable)"}),
    (
        "--manifest",
        {
            "action": "append",
            "default": [],
            "metavar": "FILE",
            "type": Path,
            "help": "offer a platform of your own, too (repeatable)",
        },
    ),
)
"""What chooses what is offered."""

COMMANDS: Mapping[str, Command] = {
    "serve": Command(
        "Serve MCP, on standard input and output or over HTTP.",
        (
            ("--sandbox", {"action": "store_true", "help": "run on made-up platforms, embedded"}),
            ("--timeout", {"type": _seconds, "default": 30.0, "metavar": "S", "help": "seconds for a whole call (30)"}),
            ("--connect-timeout", {"type": _seconds, "default": 5.0, "metavar": "S", "help": "seconds to connect (5)"}),
            ("--journal", {"metavar": "FILE", "help": "record every cancel in a file, or - for standard error"}),
            (
                "--limit",
                {"type": _limit, "metavar": "N/UNIT", "help": "send at most N cancels per second, minute or hour"},
            ),
            ("--confirm", {"action": "store_true", "help": "ask a person before each cancel, through the client"}),
            ("--http", {"action": "store_true", "help": "serve over Streamable HTTP"}),
        ),
        is_choosing=True,
    ),
    "demo": Command("Tell the whole story against the embedded sandbox, over MCP."),
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
            ("client", {"type": one_of(CLIENTS), "metavar": "CLIENT", "help": ", ".join(CLIENTS)}),
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
        description="Stops work on agent platforms, over MCP. Without a command: serve, on standard input and output.",
    )
    program.add_argument("--version", action="version", version=f"pullcord {__version__}")
    subcommands = program.add_subparsers(required=True, metavar="COMMAND", dest="command", prog="pullcord")
    parsers: dict[str, Parser] = {}
    for name, command in COMMANDS.items():
        usage = f"%(prog)s{command.placeholder} [OPTION ...]"
        parser = subcommands.add_parser(name, usage=usage, help=command.what, description=command.what)
        parser.register("type", int, whole_number)
        for flag, settings in (*(CHOOSING if command.is_choosing else ()), *command.options):
            parser.add_argument(flag, **settings)
        parsers[name] = parser
    http = parsers["serve"].add_argument_group("with --http")
    for field, (flag, settings) in HTTP.items():
        http.add_argument(flag, dest=field, **settings)
    return program, parsers


def choice(options: argparse.Namespace) -> Choice:
    """The choice that the options of a command make."""
    return Choice(platforms=options.platform, only=options.only, manifests=options.manifest)
