"""`pullcord check` for the author of a manifest."""

import json
import re
from pathlib import Path

import pytest

from pullcord.commands.main import main
from pullcord.manifest.sample import sample


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_manifest_is_written_and_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--new", "acme"]) == 0
    assert capsys.readouterr().out == (
        "acme.yaml: written. Fit it to the platform, then run: pullcord check --manifest acme.yaml\n"
    )
    assert main(["check", "--manifest", "acme.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "acme.yaml: fine"


def test_where_a_manifest_is_checked_what_nobody_named_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--new", "acme"])
    capsys.readouterr()
    main(["check"])
    assert "Not offered" in capsys.readouterr().out
    main(["check", "--manifest", "acme.yaml"])
    assert "Not offered" not in capsys.readouterr().out


def test_the_platform_whose_manifest_is_checked_comes_before_those_that_are_always_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("acme.yaml").write_text(sample("acme"), encoding="utf-8")
    main(["check", "--manifest", "acme.yaml"])
    titles = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert titles == ["acme.yaml", "acme", "Everruns", "EverShell", "xpander.ai"]
    main(["check", "--manifest", "acme.yaml", "--json"])
    names = [line["platform"] for line in json.loads(capsys.readouterr().out)["platforms"]]
    assert names == ["acme", "everruns", "evershell", "xpander"]


def test_a_file_that_is_there_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Path("acme.yaml").write_text("mine", encoding="utf-8")
    assert main(["check", "--new", "acme"]) == 1
    assert capsys.readouterr().err == "pullcord: acme.yaml is there already; name another, or move it away\n"
    assert Path("acme.yaml").read_text(encoding="utf-8") == "mine"


def test_where_nothing_can_be_written_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["check", "--new", "acme"]) == 1
    assert re.fullmatch(
        r"pullcord: acme\.yaml can't be written: No such file.*; go to a folder where you may write\n",
        capsys.readouterr().err,
    )


def test_what_is_no_platforms_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--new", "../acme"]) == 2
    assert "is no platform's name" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_what_is_said_in_vain_is_told_before_the_settings_and_fails_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = sample("acme").replace("x-expose: [/id, /status, /started_at]", "x-expose: [/id, /statu]")
    Path("acme.yaml").write_text(text, encoding="utf-8")
    assert main(["check", "--manifest", "acme.yaml"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"acme\.yaml:\d+ /paths/.*/x-expose/1: no schema .* has /statu, .*; write /status \(also in line \d+\)",
        first,
    )
    assert second == "acme: set PULLCORD_PLATFORM_ACME_API_KEY"


def test_programs_are_told_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("acme.yaml").write_text(sample("acme"), encoding="utf-8")
    assert main(["check", "--json", "--manifest", "acme.yaml"]) == 0
    assert json.loads(capsys.readouterr().out)["manifests"] == {"acme.yaml": []}
