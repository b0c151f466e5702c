"""What was asked and what came of it: one JSON line before a cancel is sent, and one after.

The first line is on disk before the request leaves, so that whatever kills the process, every cancel's intent can be
read. The file is opened anew for each line: an outside tool may rotate it, and several servers may share it.
"""

import errno
import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypedDict

import anyio.to_thread

from pullcord import clean
from pullcord.operation import Json

STDERR = "-"
"""In place of a file: the error output."""


class Journal:
    """Writes lines.

    Args:
        path: the file, made readable for its owner only; or STDERR.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    async def write(self, line: Mapping[str, Json]) -> None:
        """Write a line; when this returns it is on disk.

        Raises:
            OSError: it could not be written.
        """
        stamped = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}
        text = json.dumps(stamped, ensure_ascii=False, separators=(",", ":"))
        # Shielded: a line that is half written because the caller went away would be worth nothing.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._append, f"{text}\n".encode())

    def _append(self, line: bytes) -> None:
        if self._path == STDERR:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            if regular:
                os.fchmod(descriptor, 0o600)
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    line = b"\n" + line  # another writer died within its line: it must not spoil this one
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.EIO, "the line was written only in part")
            if regular:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Entry(TypedDict):
    """A cancel, as the journal tells it."""

    id: str
    time: str
    operation: str
    platform: str
    target: Json
    reason: Json
    client: str
    outcome: str | None
    """None: it was about to be sent, and nothing is known of what came of it."""
    status: Json
    duration_ms: Json


def read(lines: Iterable[str]) -> tuple[list[Entry], int]:
    """The cancels of a journal, in the order in which they began.

    Returns:
        The cancels, and how many lines could not be read.
    """
    entries: dict[str, Entry] = {}
    spoiled = 0
    for text in lines:
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            if line["event"] == "intent":
                entries[line["id"]] = {
                    "id": line["id"],
                    "time": line["time"],
                    "operation": line["operation"],
                    "platform": line["platform"],
                    "target": line["target"],
                    "reason": line["reason"],
                    "client": line["client"],
                    "outcome": None,
                    "status": None,
                    "duration_ms": None,
                }
            else:
                entries[line["id"]] |= {
                    "outcome": line["outcome"],
                    "status": line["status"],
                    "duration_ms": line["duration_ms"],
                }
        except (ValueError, KeyError, TypeError, RecursionError):
            spoiled += 1
    return list(entries.values()), spoiled


def table(entries: list[Entry]) -> str:
    """The cancels as a person reads them; nothing in them can steer a terminal."""
    return "\n".join(_block(entry) for entry in entries)


def _block(entry: Entry) -> str:
    target = entry["target"] if isinstance(entry["target"], dict) else {}
    lines = [
        f"{entry['time'][:19].replace('T', ' ')}  {entry['operation']}  {entry['outcome'] or 'UNFINISHED'}",
        *(f"  {name} {value}" for name, value in target.items()),
        *([f"  reason: {entry['reason']}"] if entry["reason"] else []),
    ]
    return "\n".join(line[: len(line) - len(line.lstrip())] + clean.text(line) for line in lines)


def milliseconds(since: float) -> int:
    """How long ago a reading of time.monotonic was."""
    return round((time.monotonic() - since) * 1000)
