"""What a run showed, as it is committed, and the rows of docs/platforms.md that are made from it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.real.story import Ask

FOLDER = Path(__file__).parent / "transcripts"
CHECKOUT = str(Path(__file__).parents[2])
"""Where this checkout lies on the machine, which is nobody else's matter."""


@dataclass(frozen=True)
class Row:
    """One step of a story: what was asked, what was said, what was true."""

    work: str
    ask: str
    tool: str
    arguments: Mapping[str, Any]
    """Ids of the work by the names of their arguments: each run has others."""
    outcome: str
    work_stopped: str
    may_go_on: tuple[str, ...]
    state: str | None
    true: str | None
    """Of the work, right after the answer; nothing where the answer doesn't speak of it."""
    left: str | None = None
    """Of what had left the work, if anything had."""


@dataclass(frozen=True)
class Transcript:
    """A platform's run."""

    platform: str
    versions: Mapping[str, str]
    rows: tuple[Row, ...]

    def write(self, folder: Path = FOLDER) -> None:
        """Keep it, in place of the run before it."""
        folder.mkdir(exist_ok=True)
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False).replace(CHECKOUT, ".")
        (folder / f"{self.platform}.json").write_text(f"{text}\n", encoding="utf-8")


def read(text: str) -> Transcript:
    """A transcript, from JSON."""
    given = json.loads(text)
    rows = tuple(Row(**{**row, "may_go_on": tuple(row["may_go_on"])}) for row in given.pop("rows"))
    return Transcript(**given, rows=rows)


def kept() -> list[Transcript]:
    """The transcripts that are committed, by platform."""
    return [read(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def table(transcripts: Iterable[Transcript]) -> str:
    """The table of docs/platforms.md: a row for each cancel that was meant for work that was there."""
    rows = [
        ["platform", "version", "work", "asked", "said", "`work_stopped`", "`may_go_on`", "what was true"],
        ["---"] * 8,
    ]
    for transcript in transcripts:
        version = ", ".join(f"{name} {number}" for name, number in transcript.versions.items())
        for row in transcript.rows:
            if row.ask in {Ask.CANCEL, Ask.STRONGER, Ask.EVERYTHING}:
                true = f"{row.true}; what left it {row.left}" if row.left else str(row.true)
                said = [f"`{row.outcome}`", row.work_stopped, ", ".join(row.may_go_on), true]
                rows.append([transcript.platform, version, row.work, row.ask, *said])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
