"""Reads a command line; for one with faults it says what is wrong, which word was meant, and one line of usage."""

import argparse
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NoReturn

from pullcord.commands.terminal import say
from pullcord.model.nearest import question

_OPTION = re.compile(r"^  (?:-\w, )?(--[a-z][a-z-]*)", re.MULTILINE)
"""An option as the help of a command shows it."""


class Parser(argparse.ArgumentParser):
    """Reads one command's arguments; whole numbers are read as `whole_number` does."""

    def error(self, message: str) -> NoReturn:
        """End the process with status 2, after a line for each fault and one line of usage."""
        for line in message.splitlines():
            say(line.removeprefix("argument "))
        self.exit(2, f"{self.format_usage().strip()} ({self.prog} --help tells more)\n")


def read(program: Parser, commands: Mapping[str, Parser], argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line, or end the process where it has faults.

    Args:
        program: the parser of the whole command line.
        commands: the parser of each command's arguments, by the command's name.
        argv: the arguments, one at least.
    """
    first = argv[0]
    if first.startswith("-") and first not in {"-h", "--help", "--version"}:
        program.error(f"{first}: write the command before it, such as pullcord serve {first}")
    if not first.startswith("-") and first not in commands:
        words = [*commands, "--help", "--version"]
        program.error(f"{first}: there is no such command; {question(first, words, _one_of(commands))}")
    options, rest = program.parse_known_args(argv)
    if rest:
        command = commands[options.command]
        known_options = _OPTION.findall(command.format_help())
        names = [word.partition("=")[0] for word in rest if word.startswith("-")]
        faults = [
            "; ".join(filter(None, (f"{name}: there is no such option", question(name, known_options, ""))))
            for name in names
        ]
        command.error("\n".join(faults) or f"{' '.join(rest)}: nothing more is expected")
    return options


def whole_number(text: str) -> int:
    """The whole number that a text says.

    Raises:
        ArgumentTypeError: it says none.
    """
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number; write one, such as 20")
    return int(text)


def port(text: str) -> int:
    """The number of a port, 0 to 65535, that a text says.

    Raises:
        ArgumentTypeError: it says none.
    """
    number = whole_number(text)
    if not 0 <= number <= 65535:  # noqa: PLR2004 - RFC 9293, section 3.1: 16 bits
        raise argparse.ArgumentTypeError(f"{text} is no port; write 0 to 65535")
    return number


def one_of(words: Collection[str]) -> Callable[[str], str]:
    """A function that returns a text if it is one of the words, and raises ArgumentTypeError if not."""

    def word(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text} is not known; {question(text, words, _one_of(words))}")
        return text

    return word


def _one_of(words: Collection[str]) -> str:
    return f"write one of {', '.join(words)}"
