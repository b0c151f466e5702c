"""A key in a file can be replaced while pullcord runs."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.depot import depot

from pullcord.config import settings
from pullcord.config.rotation import Rotating, Source
from pullcord.config.settings import Settings
from pullcord.config.surface import Surface

DEPOT = depot()
FIRST, SECOND = "first-0123456789", "second-0123456789"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "key"


def surface(file: Path, **environ: str) -> Surface:
    return Surface.of(DEPOT, settings.read(DEPOT, {"DEPOT_KEY_FILE": str(file), "DEPOT_TENANT": "acme", **environ}))


def current(scope: Surface) -> Settings:
    return scope.settings_of(DEPOT["get_run"])


def key(scope: Surface) -> str | None:
    found = current(scope).key
    return found.get_secret_value() if found else None


@pytest.fixture
def exhausted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """A moment in which the process has opened as many files as it may."""

    def fail(*_: object, **__: object) -> str:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    @contextmanager
    def moment() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_text", fail)
            yield

    return moment


def test_a_key_that_is_written_anew_is_used_from_then_on(file: Path) -> None:
    file.write_text(FIRST, encoding="utf-8")
    scope = surface(file)
    assert key(scope) == FIRST
    file.write_text(SECOND, encoding="utf-8")
    assert key(scope) == SECOND
    assert list(scope.settings) == ["depot"]
    assert len(scope.settings) == 1


def test_a_key_of_the_same_length_and_time_is_used_too_where_another_file_takes_its_place(file: Path) -> None:
    """As Kubernetes replaces a secret: by a link to another folder."""
    file.write_text(FIRST, encoding="utf-8")
    scope = surface(file)
    other = file.with_name("other")
    other.write_text(FIRST[::-1], encoding="utf-8")
    times = file.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    assert key(scope) == FIRST[::-1]


def test_without_a_change_nothing_is_read_again(file: Path) -> None:
    file.write_text(FIRST, encoding="utf-8")
    scope = surface(file)
    assert current(scope) is current(scope)


def test_a_key_may_come_and_go(file: Path) -> None:
    scope = surface(file)
    assert "get_run" not in scope.tools
    assert current(scope).missing == ("DEPOT_KEY",)
    file.write_text(FIRST, encoding="utf-8")
    assert current(scope).obstacle is None
    assert key(scope) == FIRST
    file.unlink()
    assert current(scope).missing == ("DEPOT_KEY",)


def test_a_key_that_became_unusable_is_told_and_not_sent(file: Path) -> None:
    file.write_text(FIRST, encoding="utf-8")
    scope = surface(file)
    file.write_text("two words", encoding="utf-8")
    assert current(scope).obstacle == (
        "DEPOT_KEY_FILE: the key holds white space or characters that a header can't carry; check it"
    )


def test_a_key_whose_file_cannot_be_read_for_a_moment_stays_and_the_new_one_is_read_at_the_next_look_up(
    file: Path, exhausted: Callable[[], AbstractContextManager[None]], caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(FIRST, encoding="utf-8")
    scope = surface(file)
    for before, after in ((FIRST, SECOND), (SECOND, FIRST + SECOND)):
        file.write_text(after, encoding="utf-8")
        with exhausted():
            assert [key(scope), key(scope)] == [before, before]
            assert current(scope).obstacle is None
        assert key(scope) == after
    reason = "DEPOT_KEY_FILE: the file that it names can't be read: Too many open files"
    told = f"{reason}; what was read before stays in use"
    assert caplog.messages == [told, told], "once each time, however often it is looked up"


def test_a_key_that_was_never_read_is_told_as_unreadable_until_it_can_be_read(
    file: Path, exhausted: Callable[[], AbstractContextManager[None]], caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(FIRST, encoding="utf-8")
    with exhausted():
        scope = surface(file)
        told = "DEPOT_KEY_FILE: the file that it names can't be read: Too many open files"
        assert [current(scope).obstacle, current(scope).obstacle] == [told, told]
    assert key(scope) == FIRST
    assert caplog.messages == []


def test_a_key_whose_file_goes_away_while_it_cannot_be_read_is_gone(
    file: Path, exhausted: Callable[[], AbstractContextManager[None]]
) -> None:
    file.write_text(FIRST, encoding="utf-8")
    scope = surface(file)
    file.write_text(SECOND, encoding="utf-8")
    with exhausted():
        assert key(scope) == FIRST
    file.unlink()
    assert current(scope).missing == ("DEPOT_KEY",)


def test_other_variables_are_read_again_from_their_files_as_well(file: Path) -> None:
    file.write_text("https://one.example", encoding="utf-8")
    scope = Surface.of(DEPOT, settings.read(DEPOT, {"DEPOT_KEY": FIRST, "DEPOT_URL_FILE": str(file)}))
    file.write_text("https://another.example", encoding="utf-8")
    assert current(scope).base_url == "https://another.example"


def test_without_files_there_is_nothing_to_look_at() -> None:
    assert type(settings.read(DEPOT, {"DEPOT_KEY": FIRST})) is dict


def test_what_can_be_read_only_once_is_not_read_again(file: Path) -> None:
    """A shell hands out a secret by a pipe: <(command)."""
    os.mkfifo(file)
    texts = iter([FIRST, SECOND])
    found = Rotating({"a": Source(partial(next, texts), [file])})
    os.utime(file, (1, 1))
    assert found["a"] == FIRST


def test_a_file_that_nobody_may_look_at_is_as_one_that_is_not_there(tmp_path: Path) -> None:
    found = Rotating({"a": Source(lambda: 1, [Path("x" * 5000), tmp_path / "none"])})
    assert found["a"] == 1
