"""A key in a file can be replaced while pullcord runs."""

import os
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
