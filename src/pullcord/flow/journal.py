"""What was asked and what came of it: one JSON line before a cancel is sent, and one after.

The first line is on disk before the request leaves, so that whatever kills the process, every cancel's intent can be
read. The file is opened anew for each line: an outside tool may rename it, and several servers may share it.
"""

import errno
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import anyio.to_thread

from pullcord.model.value import Json

STDERR = "-"
"""In place of a file: the error output."""

_OWNER_ONLY = 0o600


class Journal:
    """Writes lines.

    Args:
        path: the file, made readable for its owner only; or STDERR.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def fault(self) -> str | None:
        """Why no line can be written, if that shows before the first one is. Where it can, it makes the file."""
        error = self._tried(b"")
        return (error.strerror or str(error)) if error else None

    async def write(self, line: Mapping[str, Json]) -> None:
        """Write a line; when this returns it is on disk.

        Raises:
            OSError: it could not be written.
        """
        stamped = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}
        # ASCII: whatever a caller gave as a reason, showing the file can't steer a terminal.
        text = json.dumps(stamped, separators=(",", ":")).encode("ascii")
        # Shielded: a line that is half written because the caller went away would be worth nothing.
        with anyio.CancelScope(shield=True):
            error = await anyio.to_thread.run_sync(self._tried, text + b"\n")
        if error:  # raised here, not in the thread: Python 3.11 stops tracing a coroutine that is woken by an error
            raise error

    def _tried(self, line: bytes) -> OSError | None:
        try:
            self._append(line)
        except OSError as error:
            return error
        return None

    def _append(self, line: bytes) -> None:
        if self._path == STDERR:
            _write(sys.__stderr__.fileno() if sys.__stderr__ else -1, line)
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _OWNER_ONLY)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                _write(descriptor, line)
                return
            os.chmod(descriptor if os.chmod in os.supports_fd else self._path, _OWNER_ONLY)  # noqa: PTH101 - no path
            if status.st_size:
                os.lseek(descriptor, status.st_size - 1, os.SEEK_SET)
                # A writer that died within its line must not spoil this one. One that is still at it: a blank line.
                line = line if os.read(descriptor, 1) in {b"\n", b""} else b"\n" + line
            _write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write(descriptor: int, line: bytes) -> None:
    """Write a line at once, so that no other writer's can come between its parts."""
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.EIO, "the line was written only in part")


def milliseconds(since: float) -> int:
    """How long ago a reading of time.monotonic was."""
    return round((time.monotonic() - since) * 1000)
