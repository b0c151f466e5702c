"""What is read from files, read again when they change: a key can be replaced while pullcord runs."""

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")
Stamp: TypeAlias = tuple[int, ...] | None
"""What differs once a file has another content; None: it isn't there."""


class Source(NamedTuple, Generic[T]):
    """How a value is read, and the files that it is read from."""

    read: Callable[[], T]
    files: Sequence[Path]


class Rotating(Mapping[str, T]):
    """Values by name, each read again by the first look-up after one of its files has changed.

    A look-up costs one stat for each file. What isn't a regular file, such as a pipe, can be read only once, and is
    never read again.

    Args:
        sources: how each is read.
    """

    def __init__(self, sources: Mapping[str, Source[T]]) -> None:
        self._sources = {name: source._replace(files=_again(source.files)) for name, source in sources.items()}
        # The stamp is taken first: what changes while it is read is noticed by the next look-up.
        self._known = {name: (_stamps(source.files), source.read()) for name, source in self._sources.items()}

    def __getitem__(self, name: str) -> T:
        """The value as its files are now."""
        source = self._sources[name]
        stamps, value = self._known[name]
        now = _stamps(source.files)
        if now != stamps:
            value = source.read()
            self._known[name] = now, value
        return value

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._sources)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sources)


def _again(files: Sequence[Path]) -> Sequence[Path]:
    """The files, if all of them can be read again."""
    return files if all(map(_is_regular, files)) else ()


def _is_regular(file: Path) -> bool:
    """Whether it is a regular file, or may become one."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return True


def _stamps(files: Sequence[Path]) -> list[Stamp]:
    return [_stamp(file) for file in files]


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev
