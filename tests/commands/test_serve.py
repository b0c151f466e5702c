"""pullcord serve: what is refused before anything is served."""

import socket
from collections.abc import Iterator

import pytest

from pullcord.commands.main import main


def test_options_for_http_are_refused_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", "--caller-keys"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "pullcord: --port: only with --http",
        "pullcord: --caller-keys: only with --http",
    ]


@pytest.fixture
def taken_port() -> Iterator[str]:
    """A port on which another program listens, so that serving ends at once."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def test_a_key_of_its_own_is_told_where_callers_bring_the_keys_and_ends_no_server(
    taken_port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XPANDER_API_KEY", "k")
    assert main(["serve", "--http", "--caller-keys", "--port", taken_port]) == 2
    first, last = capsys.readouterr().err.splitlines()
    assert first == "pullcord: XPANDER_API_KEY is set, but with --caller-keys each request brings its own; unset it"
    assert f"--port {taken_port}: Address already in use" in last


def test_a_taken_port_is_told_after_the_state_key_was_read(
    taken_port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULLCORD_STATE_KEY", "k" * 32)
    assert main(["serve", "--http", "--port", taken_port, "--confirm"]) == 2
    assert f"--port {taken_port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"PULLCORD_STATE_KEY": "short"}, "PULLCORD_STATE_KEY: write 32 random characters or more"),
        ({"PULLCORD_STATE_KEY_FILE": "/"}, "PULLCORD_STATE_KEY_FILE: the file that it names can't be read"),
        ({"PULLCORD_STATE_KEY_FILE": "/none"}, "PULLCORD_STATE_KEY_FILE: there is nothing in the file that it names"),
    ],
)
def test_a_state_key_that_cant_protect_is_refused(
    settings: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert main(["serve", "--http", "--port", "0", "--confirm"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1"])
def test_a_journal_does_not_go_where_mcp_goes(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--journal", path]) == 2
    assert capsys.readouterr().err == (
        f"pullcord: --journal {path}: only with --http; here the standard output carries MCP\n"
    )
