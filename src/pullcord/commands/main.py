"""The command line's entry: the process's own arguments and environment are read here, and nowhere else."""

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from pullcord.commands.log_lines import logged
from pullcord.commands.options import parsers
from pullcord.commands.terminal import say, write_any_text
from pullcord.commands.usage import read
from pullcord.model.errors import FaultsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments; None: the process's own.

    Returns:
        The exit status: 0 if all went well, 1 if what was asked for didn't happen, 2 if it could not be started.
    """
    argv = sys.argv[1:] if argv is None else argv
    write_any_text()
    program, commands = parsers()
    if not argv and sys.stdin.isatty():
        program.print_help()
        return 0
    options = read(program, commands, argv or ["serve"])
    try:
        command = _command(options.command)
        with logged():
            status: int = command.run(options, os.environ)
    except FaultsError as error:
        for fault in error.faults:
            say(fault)
        return 2
    except BrokenPipeError:
        # The reader of the output has gone, as head does. Python would write the rest at its end, and report an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _command(name: str) -> ModuleType:
    """The module of a command: only this one, and what it needs, is imported, for a start belongs to every session."""
    # All that an import makes is kept: collecting garbage meanwhile, or looking through it later, finds none and takes
    # time.
    gc.disable()
    try:
        module = importlib.import_module(f"pullcord.commands.{name}")
        gc.freeze()
    finally:
        gc.enable()
    return module
