"""The faults of one file, and the lines of text that tell a person of them. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from pullcord.manifest.document import fault
from pullcord.model.pointer import Pointer

_LINES_LIMIT = 20
"""Further lines of the file that are named for one fault, at most."""


class Fault(NamedTuple):
    """A fault at one place of a file."""

    line: int
    """From 1."""
    pointer: Pointer
    what: str
    """What is wrong, and what to write instead."""


def lines(name: str, faults: Iterable[Fault]) -> list[str]:
    """A line of text for each fault, in the order of the file's lines; the same fault at several places gets one.

    Args:
        name: of the file.
        faults: in any order; the same one may be there several times, since what a $ref or an alias of YAML names is
            read wherever it is named.
    """
    distinct: dict[tuple[int, str], Fault] = {}
    for each in faults:
        distinct.setdefault((each.line, each.what), each)
    by_sentence: dict[str, list[Fault]] = {}
    for each in sorted(distinct.values(), key=lambda each: each.line):
        by_sentence.setdefault(each.what, []).append(each)
    return [
        fault(name, first.line, first.pointer, what + _also(others)) for what, (first, *others) in by_sentence.items()
    ]


def _also(faults: list[Fault]) -> str:
    numbers = [str(each.line) for each in faults[:_LINES_LIMIT]]
    if not numbers:
        return ""
    rest = f" and {len(faults) - len(numbers)} more" if len(faults) > len(numbers) else ""
    return f" (also in line{'s' * (len(numbers) > 1)} {', '.join(numbers)}{rest})"
