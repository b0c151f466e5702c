"""pullcord token: a token for a caller of serve --http."""

import argparse
from collections.abc import Mapping

from pullcord.commands.terminal import say
from pullcord.config.surface import GRANTS
from pullcord.serving.tokens import mint


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print a new token, and its line for a token file; the exit status."""
    token, line = mint(options.name, options.scope or GRANTS)
    say("this token is shown only now; give it to its caller, and add the line to the file of --tokens")
    print(f"token: {token}\nline:  {line}")
    return 0
