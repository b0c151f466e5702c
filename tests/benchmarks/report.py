"""What a run found, as tables, and held against what was to be reached."""

import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tests.documents import put

Found: TypeAlias = Mapping[str, Any]
"""As bench.py measures it."""

PULLCORD, SDK, PIPES, HTTP, BRIDGE = (
    "pullcord",
    "floor: SDK's stdio",
    "floor: asyncio pipes",
    "floor: SDK's HTTP",
    "FastMCP's bridge",
)
SOAKED = (PULLCORD, PIPES)
"""Whose calls are made until they are very many."""


class Column(NamedTuple):
    """A metric as it is shown."""

    metric: str
    title: str
    scale: float = 1.0
    digits: int = 0


MS, MB = 1e3, 1e-6
COLUMNS = (
    Column("initialize", "initialize ms", MS),
    Column("list", "tools/list ms", MS),
    Column("start_cpu", "start CPU ms", MS),
    Column("idle", "idle MB", MB),
    Column("peak", "peak MB", MB),
    Column("bytes", "tools/list bytes"),
    Column("p50", "p50 ms", MS, 2),
    Column("p99", "p99 ms", MS, 2),
    Column("cpu", "CPU/call ms", MS, 2),
    Column("rate0", "64 in flight /s"),
    Column("rate50", "same, API 50 ms /s"),
)
LOADED = (
    Column("manifests", "manifests"),
    Column("load", "load ms", MS),
    Column("load_cpu", "load CPU ms", MS),
    Column("initialize", "initialize ms", MS),
    Column("rss", "idle MB", MB),
    Column("p50", "p50 ms", MS, 2),
)
LASTING = (
    Column("first_p50", "p50 ms, first tenth", MS, 2),
    Column("last_p50", "last tenth", MS, 2),
    Column("first_cpu", "CPU/call ms, first tenth", MS, 2),
    Column("last_cpu", "last tenth", MS, 2),
    Column("first_rss", "MB, first tenth", MB, 1),
    Column("last_rss", "last tenth", MB, 1),
)


class Ratio(NamedTuple):
    """What was to be reached, as a ratio to another contender."""

    what: str
    metric: str
    to: str
    limit: float
    least: bool = False
    transport: str = "stdio"


RATIOS = (
    Ratio("initialize, to the SDK's floor", "initialize", SDK, 1.06),
    Ratio("tools/list, to the SDK's floor", "list", SDK, 1.06),
    Ratio("CPU of a start, to the SDK's floor", "start_cpu", SDK, 1.06),
    Ratio("idle memory, to the SDK's floor", "idle", SDK, 1.10),
    Ratio("peak memory, to the SDK's floor", "peak", SDK, 1.10),
    Ratio("p50, to the pipe floor", "p50", PIPES, 1.08),
    Ratio("CPU per call, to the pipe floor", "cpu", PIPES, 1.15),
    Ratio("p50, to FastMCP's bridge", "p50", BRIDGE, 0.50),
    Ratio("64 in flight at 50 ms, to the pipe floor", "rate50", PIPES, 0.90, least=True),
    Ratio("64 in flight at 50 ms, to FastMCP's bridge", "rate50", BRIDGE, 2.40, least=True),
    Ratio("p50 over HTTP, to the SDK's floor", "p50", HTTP, 1.12, transport="http"),
)


class Verdict(NamedTuple):
    """What was reached of a goal."""

    what: str
    reached: float
    limit: float
    least: bool = False

    @property
    def good(self) -> bool:
        """Whether it was reached."""
        return self.reached >= self.limit if self.least else self.reached <= self.limit


def verdicts(found: Found) -> list[Verdict]:
    """Every goal whose contenders took part."""
    ours = found["medians"]["stdio"][PULLCORD]
    lasting = {row["name"]: row for row in _lasting(found)}[PULLCORD]
    most = found["manifests"][-1]
    return [
        *(
            Verdict(ratio.what, rows[PULLCORD][ratio.metric] / rows[ratio.to][ratio.metric], ratio.limit, ratio.least)
            for ratio, rows in ((ratio, found["medians"].get(ratio.transport, {})) for ratio in RATIOS)
            if ratio.to in rows
        ),
        Verdict("bytes of tools/list", ours["bytes"], 7500),
        Verdict(
            "CPU of a start with all platforms named, to one with none",
            statistics.median(found["platforms"]["all"]) / statistics.median(found["platforms"]["few"]),
            1.10,
        ),
        Verdict("p50, last tenth of all calls to the first", lasting["last_p50"] / lasting["first_p50"], 1.10),
        Verdict("CPU per call, last tenth to the first", lasting["last_cpu"] / lasting["first_cpu"], 1.10),
        Verdict("memory, last tenth to the first", lasting["last_rss"] / lasting["first_rss"], 1.05),
        Verdict(f"seconds to load {most['manifests']:.0f} manifests", most["load"], 1.0),
    ]


def _lasting(found: Found) -> list[dict[str, Any]]:
    rows = []
    for name, samples in found["soak"].items():
        row: dict[str, Any] = {"name": name}
        for metric, values in samples.items():
            tenth = max(1, len(values) // 10)
            row |= {
                f"first_{metric}": statistics.median(values[:tenth]),
                f"last_{metric}": statistics.median(values[-tenth:]),
            }
        rows.append(row)
    return rows


def tables(found: Found) -> list[tuple[str, list[list[str]]]]:
    """Each with its caption; the first row names the columns."""
    shown = []
    for transport, by_name in found["medians"].items():
        rows = [{"name": name, **values} for name, values in by_name.items()]
        caption = "Over stdio" if transport == "stdio" else "Over Streamable HTTP"
        shown.append((f"{caption} (medians).", _table(rows, COLUMNS, transport)))
    calls = sum(len(samples["p50"]) for samples in found["soak"].values()) // len(found["soak"]) * found["window"]
    shown.append((f"Over {calls:,} calls in one process.", _table(_lasting(found), LASTING, "")))
    shown.append(("With many manifests.", _table(found["manifests"], LOADED, None)))
    reached = [
        [
            each.what,
            _number(each.reached),
            f"{'≥' if each.least else '≤'} {_number(each.limit)}",
            "yes" if each.good else "no",
        ]
        for each in verdicts(found)
    ]
    shown.append(("What was to be reached.", [["", "measured", "asked", "reached"], *reached]))
    return shown


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], name: str | None) -> list[list[str]]:
    """Rows of text.

    Args:
        rows: values by metric.
        columns: which of them are shown.
        name: the title of the rows' names; None if they have none.
    """
    named = name is not None
    head = [*([name or ""] if named else []), *(column.title for column in columns)]
    body = [
        [*([row["name"]] if named else []), *(f"{row[each.metric] * each.scale:,.{each.digits}f}" for each in columns)]
        for row in rows
    ]
    return [head, *body]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _where(found: Found) -> str:
    machine, versions = found["machine"], found["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['system']}, {machine['date']}; {packages}."
        " Client, server and API share the cores."
    )


def text(found: Found) -> str:
    """For a terminal."""
    parts = [_where(found)]
    for caption, rows in tables(found):
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        parts.append("\n".join([caption, *lines]))
    return "\n\n".join(parts)


def markdown(found: Found, plot: str | None) -> str:
    """For docs/benchmarks.md: all but what was to be reached, which is for those who work on it.

    Args:
        found: what was measured.
        plot: the path of the picture from there; None: there is none.
    """
    parts = [f"![Start, memory, latency and throughput of each]({plot})"] if plot else []
    for caption, rows in tables(found)[:-1]:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        rule = "| --- |" + " ---: |" * (len(rows[0]) - 1)
        parts.append("\n".join([caption, "", lines[0], rule, *lines[1:]]))
    parts.append(f"Measured by `make bench` on {_where(found)}")
    return "\n\n".join(parts)


def write(document: Path, found: Found, plot: Path | None) -> None:
    """Put the tables between a document's marks.

    Args:
        document: the file.
        found: what was measured.
        plot: the picture, which the document then shows; None: there is none.
    """
    link = Path(os.path.relpath(plot, document.parent)).as_posix() if plot else None
    put(document, "speed", f"{markdown(found, link)}\n")
