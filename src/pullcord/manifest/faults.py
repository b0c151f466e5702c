"""The faults of one file, as a person is told of them. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from pullcord.manifest.document import fault
from pullcord.model.pointer import Pointer

_LINES_LIMIT = 20
"""Further lines that are named of one fault."""


class Fault(NamedTuple):
    """What is wrong at one place of a file."""

    line: int
    """From 1."""
    pointer: Pointer
    what: str
    """And what to write instead."""


def told(name: str, faults: Iterable[Fault]) -> list[str]:
    """Faults in the order of their lines, each in one line. What is wrong in one way at several places is told once.

    Args:
        name: of the file.
        faults: as they were found. What a $ref names is read for each place that names it, and may be there more often.
    """
    habits: dict[str, list[Fault]] = {}
    for each in sorted(dict.fromkeys(faults), key=lambda each: each.line):
        habits.setdefault(each.what, []).append(each)
    return [fault(name, first.line, first.pointer, what + _also(more)) for what, (first, *more) in habits.items()]


def _also(faults: list[Fault]) -> str:
    lines = [str(each.line) for each in faults[:_LINES_LIMIT]]
    if not lines:
        return ""
    rest = f" and {len(faults) - len(lines)} more" if len(faults) > len(lines) else ""
    return f" (also in line{'s' * (len(lines) > 1)} {', '.join(lines)}{rest})"
