"""What commands say to the person at the terminal, beside their output."""

import sys
from collections.abc import Mapping

SANDBOX_NOTICE = "this is the sandbox: the platforms and their work are made up, and nothing real is stopped"


def say(sentence: str) -> None:
    """Write a line to the error output, in pullcord's name."""
    print(f"pullcord: {sentence}", file=sys.stderr)


def has_colour(environ: Mapping[str, str]) -> bool:
    """Whether a person's terminal reads the output, and may be given colours (https://no-color.org)."""
    return sys.stdout.isatty() and not environ.get("NO_COLOR")
