"""What was asked and what came of it: one JSON line before a cancel is sent, and one after.

The first line is on disk before the request leaves, so that whatever kills the process, every cancel's intent can be
read. The file is opened anew for each line: an outside tool may rename it, and several servers may share it.
"""

import errno
import json
import os
import re
import select
import stat
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread

from pullcord.model.value import Json

STDERR = "-"
"""In place of a file: the error output."""
PATIENCE = 5.0
"""Seconds in which a line must be written: neither a reader that stalls nor a disk may hold a cancel for ever."""

_OWNER_ONLY = 0o600
_AT_ONCE = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe takes without blocking once it says that it takes any, and that no other writer's come between."""
_STALLED = "its reader does not read on"
_REASONS = {
    errno.ELOOP: "it is a symbolic link, which may lead anywhere; name the file itself",
    errno.ENXIO: "nobody reads this pipe",
}


def stream(path: str) -> int | None:
    """The descriptor that a path stands for: - or /dev/stderr, /dev/stdout, /dev/fd/N. None: it is a file's path."""
    named = {STDERR: 2, "/dev/stderr": 2, "/dev/stdout": 1}
    numbered = re.fullmatch(r"/dev/fd/([0-9]{1,4})", path)
    return int(numbered[1]) if numbered else named.get(path)


class Journal:
    """Writes lines.

    Args:
        path: the file, made readable for its owner only; or what `stream` takes for a descriptor. A symbolic link is
            not followed.
        patience: seconds in which a line must be written; for tests.
    """

    def __init__(self, path: str, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._turn = threading.Lock()
        self._torn = False

    def fault(self) -> str | None:
        """Why no line can be written, if that shows before the first one is. Where it can, it makes the file."""
        error = self._tried(b"", time.monotonic() + self._patience)
        return (error.strerror or str(error)) if error else None

    async def write(self, line: Mapping[str, Json]) -> None:
        """Write a line; when this returns it is on disk.

        Raises:
            OSError: it could not be written, or not in time.
        """
        stamped = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}
        # ASCII: whatever a caller gave as a reason, showing the file can't steer a terminal.
        text = json.dumps(stamped, separators=(",", ":")).encode("ascii") + b"\n"
        error: OSError | None = TimeoutError(errno.ETIMEDOUT, "the disk did not take the line in time")
        deadline = time.monotonic() + self._patience
        # Shielded: a line that is half written because the caller went away would be worth nothing. The thread gives up
        # by itself, a second before it is given up, unless the system holds it.
        with anyio.move_on_after(self._patience + 1, shield=True):
            error = await anyio.to_thread.run_sync(self._tried, text, deadline, abandon_on_cancel=True)
        if error:  # raised here, not in the thread: Python 3.11 stops tracing a coroutine that is woken by an error
            raise error

    def _tried(self, line: bytes, deadline: float) -> OSError | None:
        try:
            self._append(line, deadline)
        except OSError as error:
            return OSError(error.errno, _REASONS.get(error.errno or 0, error.strerror))
        return None

    def _append(self, line: bytes, deadline: float) -> None:
        descriptor = stream(self._path)
        if descriptor is not None:
            _exists(descriptor)
            self._say(descriptor, line, deadline)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fsync(descriptor)
            return
        descriptor, made = _open(self._path)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                self._say(descriptor, line, deadline)
                return
            os.chmod(descriptor if os.chmod in os.supports_fd else self._path, _OWNER_ONLY)  # noqa: PTH101 - no path
            if status.st_size:
                os.lseek(descriptor, status.st_size - 1, os.SEEK_SET)
                # A writer that died within its line must not spoil this one. One that is still at it: a blank line.
                line = line if os.read(descriptor, 1) in {b"\n", b""} else b"\n" + line
            # At once, so that no other writer's line can come between its parts.
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.EIO, "the line was written only in part")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if made:
            _sync(Path(self._path).parent)

    def _say(self, descriptor: int, line: bytes, deadline: float) -> None:
        """Write a line to a pipe, a terminal or a socket, whose reader may stall."""
        if not self._turn.acquire(timeout=max(0, deadline - time.monotonic())):
            raise TimeoutError(errno.ETIMEDOUT, _STALLED)
        try:
            rest = b"\n" + line if self._torn and line else line
            while rest:
                _await_room(descriptor, deadline)
                rest = rest[os.write(descriptor, rest[:_AT_ONCE]) :]
                self._torn = bool(rest)
        finally:
            self._turn.release()


def _await_room(descriptor: int, deadline: float) -> None:
    """Wait until a write of _AT_ONCE bytes would not block; where the platform can't tell, it may."""
    if not hasattr(select, "poll"):
        return
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    if not room.poll(max(0, deadline - time.monotonic()) * 1000):
        raise TimeoutError(errno.ETIMEDOUT, _STALLED)


def _exists(descriptor: int) -> None:
    """Refuse a standard descriptor that this process was started without: by now it may be another file's."""
    if {1: sys.__stdout__, 2: sys.__stderr__}.get(descriptor, sys) is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _open(path: str) -> tuple[int, bool]:
    """Open a file for appending; its descriptor, and whether it was made."""
    try:
        mode: int | None = Path(path).lstat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    # A pipe that was opened for reading, too, would take what nobody ever reads.
    access = os.O_WRONLY if mode is not None and stat.S_ISFIFO(mode) else os.O_RDWR
    flags = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK")]
    return os.open(path, access | os.O_APPEND | os.O_CREAT | sum(flags), _OWNER_ONLY), mode is None


def _sync(folder: Path) -> None:
    """Put a folder's new entry on disk, where the platform can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems can't
            raise
    finally:
        os.close(descriptor)


def milliseconds(since: float) -> int:
    """How long ago a reading of time.monotonic was."""
    return round((time.monotonic() - since) * 1000)
