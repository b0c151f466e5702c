"""Some manifests are made with an overlay from the vendor's own document, of which an excerpt stands here."""

import re
import sys
from pathlib import Path

import pytest

from pullcord.commands.main import main

ROOT = Path(__file__).parents[2]
OVERLAYS = ROOT / "manifests" / "overlays"
MADE = sorted(path.stem for path in OVERLAYS.glob("*.yaml"))
"""The platforms whose manifests are made."""
GITHUB = OVERLAYS / "github.yaml"


def excerpt(platform: str) -> Path:
    return Path(__file__).parent / platform / "excerpt.json"


def made(vendor: Path, overlay: Path) -> int:
    return main(["manifest", "--from", str(vendor), "--overlay", str(overlay)])


@pytest.mark.parametrize("platform", MADE)
def test_the_manifest_is_what_the_overlay_makes_of_the_vendors_document(
    platform: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(excerpt(platform), OVERLAYS / f"{platform}.yaml") == 0
    manifest = ROOT / "manifests" / "platforms" / f"{platform}.yaml"
    assert capsys.readouterr().out == manifest.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("platform", "old", "new", "target"),
    [
        ("github", "/actions/runs/{run_id}/cancel", "/actions/runs/{run_id}/stop", "{run_id}/cancel'].post"),
        ("github", '"post"', '"put"', "{run_id}/cancel'].post"),
        ("github", '"#/components/parameters/actor"', '"#/components/parameters/person"', "parameters/actor"),
        ("github", '"workflow-run-status"', '"run-status"', "['workflow-run-status']"),
        ("github", '"202"', '"200"', "responses['202'].content"),
        ("openai", "/batches/{batch_id}/cancel", "/batches/{batch_id}/stop", "{batch_id}/cancel'].post"),
        ("openai", '"Batch": {', '"Job": {', "schemas.Batch.properties"),
        ("openai", '"404"', '"410"', "responses['404'].content"),
    ],
)
def test_what_a_vendor_has_moved_is_noticed(
    platform: str, old: str, new: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = OVERLAYS / f"{platform}.yaml"
    text = excerpt(platform).read_text(encoding="utf-8")
    assert old in text
    moved = tmp_path / "moved.json"
    moved.write_text(text.replace(old, new), encoding="utf-8")
    lines = overlay.read_text(encoding="utf-8").splitlines()
    line = next(number for number, each in enumerate(lines, 1) if "target:" in each and target in each)
    assert made(moved, overlay) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert re.search(
        rf"{platform}\.yaml:{line} /actions/[0-9]+/target: this names nothing in the vendor's document", errors
    )


def test_a_manifest_that_is_not_right_is_shown_with_its_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "half.yaml"
    overlay.write_text("overlay: 1.1.0\ninfo: {title: Half, version: '1'}\nactions: []\n", encoding="utf-8")
    assert made(excerpt("github"), overlay) == 1
    out, errors = capsys.readouterr()
    assert out.startswith(
        "# Made with pullcord manifest: the overlay half.yaml, which gives the reasons, on\n# excerpt.json\n"
    )
    assert "x-platform is missing" in errors


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made(tmp_path / "none.json", GITHUB) == 2
    assert "none.json: this file can't be read: No such file or directory" in capsys.readouterr().err
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert made(binary, GITHUB) == 2
    assert "binary.json: this file can't be read: it is not UTF-8 text" in capsys.readouterr().err


def test_without_what_reads_json_paths_it_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "pullcord.manifest.overlay", raising=False)
    monkeypatch.setitem(sys.modules, "jsonpath_rfc9535", None)
    assert made(excerpt("github"), GITHUB) == 2
    assert "install pullcord[overlay]" in capsys.readouterr().err
