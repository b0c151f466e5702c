"""The journal of cancels: one JSON line before a cancel is sent, and one after.

The first line is on disk before the request is sent, so that it can be read even if the process is killed then. The
file is opened anew for each line: another program may rename it, and several servers may share it.
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

JOURNAL = "PULLCORD_JOURNAL"
"""The variable that names the journal's path."""
STDERR = "-"
"""The path that stands for the error output."""
PATIENCE = 5.0
"""Seconds in which a line must be written, so that no reader and no disk holds a cancel up for ever."""

_OWNER_ONLY = 0o600
_CHUNK = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe which is ready takes at once, without blocking and without another writer's bytes in between."""
_STALL = "its reader does not read on"
_REASONS = {
    errno.ELOOP: "it is a symbolic link, which may lead anywhere; name the file itself",
    errno.ENXIO: "nobody reads this pipe",
}


def stream(path: str) -> int | None:
    """The descriptor of a path such as -, /dev/stderr, /dev/stdout or /dev/fd/N; None: it is the path of a file."""
    descriptors = {STDERR: 2, "/dev/stderr": 2, "/dev/stdout": 1}
    match = re.fullmatch(r"/dev/fd/([0-9]{1,4})", path)
    return int(match[1]) if match else descriptors.get(path)


class Journal:
    """Writes lines.

    Args:
        path: of the file, which only its owner may read; or one that `stream` knows. A symbolic link is not followed.
        patience: seconds in which a line must be written; for tests.
    """

    def __init__(self, path: str, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._turn = threading.Lock()
        self._has_gap = False
        self.failures = 0
        """Lines that could not be written since the start."""

    def fault(self) -> str | None:
        """Make the file, and return why no line can be written; None: it can, as far as that is known."""
        error = self._attempt(b"", time.monotonic() + self._patience)
        return (error.strerror or str(error)) if error else None

    async def write(self, line: Mapping[str, Json]) -> None:
        """Write a line; when this returns it is on disk.

        Raises:
            OSError: it could not be written, or not in time.
        """
        record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}
        # ASCII, so that no reason of a caller can steer the terminal in which the file is shown.
        text = json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
        error: OSError | None = TimeoutError(errno.ETIMEDOUT, "the disk did not take the line in time")
        deadline = time.monotonic() + self._patience
        # Shielded, so that no line is cut because the caller went away. The thread stops by itself a second before it
        # is abandoned, unless the system blocks it.
        with anyio.move_on_after(self._patience + 1, shield=True):
            error = await anyio.to_thread.run_sync(self._attempt, text, deadline, abandon_on_cancel=True)
        if error:  # raised here, not in the thread: Python 3.11 stops tracing a coroutine that is woken by an error
            raise error

    def _attempt(self, line: bytes, deadline: float) -> OSError | None:
        try:
            self._append(line, deadline)
        except OSError as error:
            return OSError(error.errno, _REASONS.get(error.errno or 0, error.strerror))
        return None

    def _append(self, line: bytes, deadline: float) -> None:
        descriptor = stream(self._path)
        if descriptor is not None:
            _check_standard(descriptor)
            self._write_stream(descriptor, line, deadline)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fsync(descriptor)
            return
        descriptor, is_new = _open(self._path)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                self._write_stream(descriptor, line, deadline)
                return
            os.chmod(descriptor if os.chmod in os.supports_fd else self._path, _OWNER_ONLY)  # noqa: PTH101 - no path
            if status.st_size:
                os.lseek(descriptor, status.st_size - 1, os.SEEK_SET)
                # The unfinished line of a writer that died must not spoil this one.
                line = line if os.read(descriptor, 1) in {b"\n", b""} else b"\n" + line
            # At once, so that no other writer's line can come between its parts.
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.EIO, "the line was written only in part")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync(Path(self._path).parent)

    def _write_stream(self, descriptor: int, line: bytes, deadline: float) -> None:
        """Write a line to a pipe, a terminal or a socket, whose reader may stall."""
        if not self._turn.acquire(timeout=max(0, deadline - time.monotonic())):
            raise TimeoutError(errno.ETIMEDOUT, _STALL)
        try:
            remainder = b"\n" + line if self._has_gap and line else line
            while remainder:
                _await_room(descriptor, deadline)
                remainder = remainder[os.write(descriptor, remainder[:_CHUNK]) :]
                self._has_gap = bool(remainder)
        finally:
            self._turn.release()


def _await_room(descriptor: int, deadline: float) -> None:
    """Wait until a write of _CHUNK bytes would not block; where the system can't tell that, it may block."""
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
        raise TimeoutError(errno.ETIMEDOUT, _STALL)


def _check_standard(descriptor: int) -> None:
    """Refuse a standard descriptor that was closed at the start of this process: by now it may be another file's."""
    if {1: sys.__stdout__, 2: sys.__stderr__}.get(descriptor, sys) is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _open(path: str) -> tuple[int, bool]:
    """Open a file for appending.

    Returns:
        Its descriptor, and whether the file is new.
    """
    try:
        mode: int | None = Path(path).lstat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    # A pipe that is opened for reading, too, would take lines that no other process reads.
    access = os.O_WRONLY if mode is not None and stat.S_ISFIFO(mode) else os.O_RDWR
    # O_BINARY is Windows' own: without it a line's end would become two characters there.
    flags = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")]
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
