"""Tokens of a file: who holds one, and what is wrong with a line."""

import errno
import hmac
import os
from pathlib import Path

import anyio
import pytest
from tests.serving.site import bare, minted, refused

from pullcord.commands.main import main
from pullcord.model.errors import SettingsError
from pullcord.serving.tokens import TokenFile, mint

pytestmark = pytest.mark.anyio


async def test_a_token_is_known_by_its_hash_and_grants_its_scopes(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ci="observe", ada="observe cancel")
    tokens = TokenFile(path)
    known = await tokens.verify(bare(callers["ada"]))
    assert (known.client_id, known.scopes) == ("ada", ["observe", "cancel"])
    assert known.token == ""
    known = await tokens.verify(bare(callers["ci"]))
    assert (known.client_id, known.scopes) == ("ci", ["observe"])
    assert bare(callers["ada"]) not in path.read_text()
    for stranger in ("", "pullcord_", bare(callers["ada"])[:-1], path.read_text().split(":")[2].strip()):
        assert await refused(tokens, stranger) == "it is in no line of the file of --tokens"


async def test_every_line_is_compared_so_that_time_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, first="observe", second="observe", third="observe")
    compared: list[str] = []
    compare = hmac.compare_digest

    def counted(one: str, other: str) -> bool:
        compared.append(one)
        return compare(one, other)

    tokens = TokenFile(path)
    monkeypatch.setattr("hmac.compare_digest", counted)
    await tokens.verify(bare(callers["first"]))
    assert len(compared) == 3


async def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    before = bare(minted(path, ci="observe")["ci"])
    tokens = TokenFile(path)
    await tokens.verify(before)
    after = bare(minted(path, ci="observe cancel")["ci"])
    assert await refused(tokens, before)
    await tokens.verify(after)


async def test_a_file_that_is_gone_lets_nobody_in_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens"
    token = bare(minted(path, ci="observe")["ci"])
    tokens = TokenFile(path)
    kept = path.read_bytes()
    path.unlink()
    assert await refused(tokens, token)
    assert await refused(tokens, token)
    assert [record.message for record in caplog.records] == [
        f"--tokens {path}: the file can't be read: No such file or directory"
    ]
    path.write_bytes(kept)
    await tokens.verify(token)


async def test_a_line_that_is_broken_later_lets_nobody_in_and_the_others_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ci="observe", ada="cancel")
    tokens = TokenFile(path)
    path.write_text(path.read_text().replace("ci:observe", "ci:everything"))
    assert await refused(tokens, bare(callers["ci"]))
    await tokens.verify(bare(callers["ada"]))
    assert [record.message for record in caplog.records] == [
        f"--tokens {path}:1: this is no name:scopes:sha256; write what `pullcord token` prints"
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
async def test_a_file_may_hold_what_editors_write(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ci="observe")
    path.write_text(f"{mark}{path.read_text()}\n  # who may call\n\t#\r\n \n", encoding="utf-8")
    await TokenFile(path).verify(bare(callers["ci"]))


def test_every_fault_of_a_file_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    _, line = mint("ada", ["observe"])
    path.write_text(
        f"# who may call\n\n{line}\nada\nada:root:{'1' * 64}\nada:observe:0\n two words:observe:{'1' * 64}\n"
        f"nobody:observe,cancel:{'0' * 64}\n"
    )
    with pytest.raises(SettingsError) as error:
        TokenFile(path)
    assert [fault.partition(": ")[0] for fault in error.value.faults] == [
        f"--tokens {path}:{n}" for n in (4, 5, 6, 7, 8)
    ]
    assert "this is an example's line; write what `pullcord token` prints" in error.value.faults[-1]
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="it is not UTF-8 text"):
        TokenFile(path)


def test_tokens_are_random_and_their_names_fit_a_line() -> None:
    assert mint("ada", ["observe"])[0] != mint("ada", ["observe"])[0]
    assert len(mint("ada", ["observe"])[0]) > 50
    with pytest.raises(SettingsError, match="'a:b' is no name"):
        mint("a:b", ["observe"])


def test_a_token_is_shown_once_with_the_line_that_lets_it_in(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "tokens"
    assert main(["token", "ci", "--scope", "observe"]) == 0
    printed = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    path.write_text(printed["line"].strip())
    token = printed["token"].strip()
    assert path.read_text().startswith("ci:observe:")
    assert token not in path.read_text()
    known = anyio.run(TokenFile(path).verify, token)
    assert known.scopes == ["observe"]
    assert main(["token", "ada"]) == 0
    assert "ada:observe,cancel:" in capsys.readouterr().out
    assert main(["token", "a b"]) == 2


async def test_a_file_that_could_not_be_read_for_a_moment_is_read_at_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where the process has opened as many files as it may, just when the tokens were replaced."""
    path = tmp_path / "tokens"
    minted(path, ci="observe")
    tokens = TokenFile(path)
    after = bare(minted(path, ci="observe cancel")["ci"])

    def exhausted(*_: object, **__: object) -> str:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as moment:
        moment.setattr(Path, "read_text", exhausted)
        assert await refused(tokens, after)
        assert await refused(tokens, after)
    await tokens.verify(after)
    assert len(caplog.messages) == 1
