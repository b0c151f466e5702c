"""PULLCORD_GOLDEN=write pytest tests/real/test_transcript.py writes the table of docs/platforms.md anew."""

from dataclasses import replace
from pathlib import Path

from tests.documents import doc, hold
from tests.real.__main__ import ALWAYS, PLATFORMS
from tests.real.server import versions
from tests.real.story import Ask
from tests.real.transcript import Row, Transcript, kept, table
from tests.real.transcript import read as parsed

SHOWN = Transcript(
    "depot",
    {"depot": "1.2", "yard": "3"},
    (
        Row("a run", Ask.LOOK, "get_run", {"id": "<id>"}, "observed", "no", (), "running", "runs"),
        Row("a run", Ask.UNKNOWN, "cancel_run", {"id": "1"}, "not_found", "unknown", (), None, None),
        Row(
            "a run",
            Ask.CANCEL,
            "cancel_run",
            {"id": "<id>"},
            "stopped",
            "unknown",
            ("children", "requests"),
            "off",
            "runs",
        ),
    ),
)


def test_a_cancel_of_work_that_was_there_is_a_row() -> None:
    *_, row = table([SHOWN]).splitlines()
    assert row == "| depot | depot 1.2, yard 3 | a run | cancel | `stopped` | unknown | children, requests | runs |"
    assert len(table([SHOWN]).splitlines()) == 3


def test_a_row_tells_of_what_left_the_work_too() -> None:
    rows = tuple(replace(row, true="has ended", left="runs") for row in SHOWN.rows)
    *_, row = table([replace(SHOWN, rows=rows)]).splitlines()
    assert row.endswith(" | has ended; what left it runs |")


def test_a_transcript_is_read_as_it_was_written(tmp_path: Path) -> None:
    SHOWN.write(tmp_path)
    assert parsed((tmp_path / "depot.json").read_text(encoding="utf-8")) == SHOWN


def test_a_transcript_tells_nothing_of_the_machine_that_it_was_made_on(tmp_path: Path) -> None:
    row = replace(SHOWN.rows[0], arguments={"directory": str(Path(__file__).parents[2] / ".cache" / "real")})
    replace(SHOWN, rows=(row,)).write(tmp_path)
    (read_row,) = parsed((tmp_path / "depot.json").read_text(encoding="utf-8")).rows
    assert read_row.arguments == {"directory": "./.cache/real"}


def test_the_transcripts_are_of_the_versions_and_the_stories_that_there_are() -> None:
    for transcript in kept():
        platform = PLATFORMS[transcript.platform]
        assert transcript.versions == versions(transcript.platform, platform.server.told)
        assert [(row.work, row.ask) for row in transcript.rows] == [
            (story.work, step.ask) for story in platform.stories for step in story.steps
        ]


def test_each_platform_has_a_transcript_and_some_are_always_taken() -> None:
    assert {transcript.platform for transcript in kept()} == PLATFORMS.keys()
    assert set(ALWAYS) < PLATFORMS.keys()


def test_the_document_has_the_rows_of_the_transcripts() -> None:
    hold(doc("platforms"), "real", f"\n{table(kept())}\n")
