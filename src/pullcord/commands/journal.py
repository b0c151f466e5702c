"""pullcord journal: the cancels that a journal records."""

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pullcord.commands.terminal import say
from pullcord.model import sanitize
from pullcord.model.errors import SettingsError
from pullcord.model.value import Json

Entry: TypeAlias = dict[str, Json]
"""A cancel, from its two lines in the journal: its outcome is null where the second was not written. Or from the one
line of a cancel that this server refused: then obstacle says why, and nothing was sent."""

_INTENT = ("id", "time", "operation", "platform", "target", "reason", "client")
_RESULT = ("outcome", "status", "duration_ms")
_REFUSAL = ("outcome", "obstacle")


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print the cancels, as a table or with --json; the exit status.

    Raises:
        SettingsError: the file can't be read.
    """
    try:
        with options.file.open(encoding="utf-8", errors="replace") as lines:
            entries, rest = read(lines)
    except OSError as error:
        raise SettingsError([f"{options.file}: this journal can't be read: {error.strerror}"]) from None
    print(json.dumps({"cancels": entries}, indent=2) if options.json else table(entries))
    if rest:
        say(f"{rest} lines of {options.file} can't be read, or end what began in another file")
    return 0


def read(lines: Iterable[str]) -> tuple[list[Entry], int]:
    """The cancels of a journal, in the order in which they began.

    Returns:
        The cancels, and the number of other lines: unreadable ones, and ends of cancels that began in another file.
    """
    entries: dict[str, Entry] = {}
    rest = 0
    for text in lines:
        try:
            line = json.loads(text)
            if line["event"] == "intent":
                entries[line["id"]] = _opened(line)
            elif line["event"] == "refusal":
                entries[line["id"]] = _opened(line) | {name: line[name] for name in _REFUSAL}
            else:
                entries[line["id"]] |= {name: line[name] for name in _RESULT}
        except (ValueError, KeyError, TypeError, RecursionError):
            rest += bool(text.strip())
    return list(entries.values()), rest


def _opened(line: Entry) -> Entry:
    """The cancel that a line begins, of which nothing else is known yet."""
    return {name: line[name] for name in _INTENT} | dict.fromkeys((*_RESULT, *_REFUSAL))


def table(entries: Iterable[Entry]) -> str:
    """The cancels as a table for a person, without characters that steer a terminal."""
    head = ("time", "operation", "outcome", "status", "ms", "client", "target", "reason")
    rows = [tuple(map(str.upper, head)), *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    target = entry["target"] if isinstance(entry["target"], dict) else {}
    cells = (
        str(entry["time"])[:19].replace("T", " "),
        entry["operation"],
        f"{entry['outcome'] or 'UNFINISHED'}{', not sent' if entry['obstacle'] else ''}",
        entry["status"],
        entry["duration_ms"],
        entry["client"],
        ", ".join(f"{name} {value}" for name, value in target.items()),
        entry["reason"],
    )
    return tuple("" if value is None else sanitize.text(str(value)) for value in cells)
