"""Values that are read from files, and read again when the files change: a key can be replaced while pullcord runs."""

import logging
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeAlias, TypeVar

_log = logging.getLogger(__name__)

T = TypeVar("T")
Stamp: TypeAlias = tuple[int, ...] | None
"""Times, size and inode of a file, which differ once its content was changed; None: the file isn't there."""


class Source(NamedTuple, Generic[T]):
    """How a value is read, and the files that it is read from."""

    read: Callable[[], T]
    files: Sequence[Path]
    unread: Callable[[T], str | None] = lambda _: None
    """Why a file could not be read for this value just now, for the log; None: all were read."""


class Rotating(Mapping[str, T]):
    """Values by name, each read again by the first look-up after one of its files has changed.

    A look-up costs one stat for each file. A file that isn't regular, such as a pipe, can be read only once, and is
    never read again. What a reading raises goes to the caller, and the next look-up reads again. So it does where a
    file could not be read, too; a value that was read before stays until it can.

    Args:
        sources: how each value is read, by the value's name.
    """

    def __init__(self, sources: Mapping[str, Source[T]]) -> None:
        self._sources = {name: source._replace(files=_rereadable(source.files)) for name, source in sources.items()}
        self._known = {name: _read(source) for name, source in self._sources.items()}
        self._stale: set[str] = set()
        """The names of the values that stay although a file has changed."""

    def __getitem__(self, name: str) -> T:
        """The value as its files are now."""
        source, latest = self._sources[name], self._known[name]
        if _stamps(source.files) == latest.stamps:
            return latest.value
        reading = _read(source)
        if reading.stamps is None and latest.stamps is not None:
            if name not in self._stale:
                _log.warning("%s; what was read before stays in use", source.unread(reading.value))
            self._stale.add(name)
            return latest.value
        self._stale.discard(name)
        self._known[name] = reading
        return reading.value

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._sources)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sources)


class _Reading(NamedTuple, Generic[T]):
    """A value, as it was read."""

    stamps: Sequence[Stamp] | None
    """Of its files; None: one of them was not read."""
    value: T


def _read(source: Source[T]) -> _Reading[T]:
    # The stamps are taken first, so that the next look-up notices a change during the reading.
    stamps, value = _stamps(source.files), source.read()
    return _Reading(None if source.unread(value) else stamps, value)


def _rereadable(files: Sequence[Path]) -> Sequence[Path]:
    """The files, if all of them can be read again; else none."""
    return files if all(map(_is_regular, files)) else ()


def _is_regular(file: Path) -> bool:
    """Whether a file is regular, or is missing, so that it may become a regular one."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return True


def _stamps(files: Sequence[Path]) -> list[Stamp]:
    return [_stamp(file) for file in files]


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev
