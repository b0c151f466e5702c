"""That the benchmark measures what it says: by a run that is too small to tell anything of speed."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.benchmarks import bench, contenders, plot, report
from tests.benchmarks.bench import Plan
from tests.benchmarks.contenders import MANIFESTS, ROOT
from tests.benchmarks.report import COLUMNS, PIPES, PULLCORD, SDK, Found

from pullcord.manifest import loading

pytestmark = pytest.mark.anyio

SMALL = Plan(rounds=1, starts=1, calls=10, burst=320, soak=20, window=10, manifests=(4,))


def _program(path: Path, words: str) -> Path:
    path.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} {words}"$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
async def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A run on this checkout, without FastMCP, which has an environment of its own."""
    place = tmp_path_factory.mktemp("bench")
    python = _program(place / "python", "")
    _program(place / "pullcord", "-m pullcord ")
    those = [contenders.pullcord(python), *contenders.floors(python)[:2]]
    measured = await bench.run(SMALL, python, those, place)
    kept: Found = json.loads(json.dumps(measured))
    return {**kept, "machine": bench.machine(), "versions": contenders.versions(python)}


async def test_each_contender_is_measured_in_all_over_each_transport_that_it_has(found: Found) -> None:
    assert {transport: list(names) for transport, names in found["medians"].items()} == {
        "stdio": [PULLCORD, SDK, PIPES],
        "http": [PULLCORD],
    }
    for names in found["medians"].values():
        for medians in names.values():
            assert medians.keys() >= {column.metric for column in COLUMNS}
            assert all(value > 0 for value in medians.values())
            assert medians["initialize"] < medians["list"]
            assert medians["idle"] <= medians["peak"]
            assert medians["p50"] <= medians["p99"]


async def test_more_samples_than_one_are_taken_of_a_start(found: Found) -> None:
    samples = found["samples"]["stdio"][PULLCORD]
    assert len(samples["initialize"]) == SMALL.starts + SMALL.rounds
    assert len(samples["p50"]) == SMALL.rounds


async def test_a_start_with_all_platforms_is_held_against_one_with_few(found: Found) -> None:
    assert [len(values) for values in found["platforms"].values()] == [SMALL.starts] * 2
    verdict = next(each for each in report.verdicts(found) if "all platforms" in each.what)
    assert verdict.reached == found["platforms"]["all"][0] / found["platforms"]["few"][0]


async def test_the_soak_has_a_sample_for_each_window_of_each_contender(found: Found) -> None:
    assert found["soak"].keys() == {PULLCORD, PIPES}
    assert all(len(values) == 2 for samples in found["soak"].values() for values in samples.values())


async def test_the_four_cancel_tools_take_few_bytes(found: Found) -> None:
    verdict = next(each for each in report.verdicts(found) if each.what == "bytes of tools/list")
    assert verdict.good
    assert verdict.reached == found["medians"]["stdio"][PULLCORD]["bytes"] > 2000


async def test_a_goal_is_told_only_where_its_contender_took_part(found: Found) -> None:
    told = " ".join(verdict.what for verdict in report.verdicts(found))
    assert "SDK's floor" in told
    assert "FastMCP" not in told


@pytest.mark.parametrize(
    ("reached", "least", "good"), [(1.0, False, True), (1.1, False, False), (1.0, True, True), (0.9, True, False)]
)
async def test_a_goal_is_a_limit_from_above_or_from_below(reached: float, *, least: bool, good: bool) -> None:
    assert report.Verdict("", reached, 1.0, least=least).good is good


async def test_the_tables_name_the_machine_and_every_contender(found: Found) -> None:
    text = report.text(found)
    assert f"{found['machine']['cores']} cores" in text
    assert f"python {sys.version.split()[0]}" in text
    assert all(name in text for name in (PULLCORD, SDK, PIPES))


async def test_the_tables_replace_what_stood_between_the_marks_of_a_document(found: Found, tmp_path: Path) -> None:
    document = tmp_path / "docs" / "benchmarks.md"
    document.parent.mkdir()
    document.write_text("before\n<!-- speed -->\nold\n<!-- /speed -->\nafter\n", encoding="utf-8")
    report.write(document, found, tmp_path / "speed.svg")
    before, tables, after = document.read_text(encoding="utf-8").partition(report.markdown(found, "../speed.svg"))
    assert (before, after) == ("before\n<!-- speed -->\n", "\n<!-- /speed -->\nafter\n")
    assert "(../speed.svg)" in tables
    assert "| pullcord |" in tables


async def test_the_plot_is_svg_with_a_bar_for_each_contender_and_metric(found: Found) -> None:
    root = ET.fromstring(plot.draw(found))  # noqa: S314 - our own document
    bars = root.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 4 * len(found["medians"]["stdio"])
    assert max(float(bar.get("width", 0)) for bar in bars) > 0


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id": 1, "result": {"isError": true, "content": []}}',
        b'{"id": 1, "error": {"code": -32602, "message": "no"}}',
    ],
)
async def test_a_call_that_fails_ends_the_run_since_a_fast_failure_is_no_result(answer: bytes) -> None:
    with pytest.raises(SystemExit, match="a call failed"):
        bench.sound([b'{"id": 0, "result": {"content": []}}', answer])


async def test_generated_manifests_load_beside_those_that_they_are_copies_of(tmp_path: Path) -> None:
    shipped = loading.load(MANIFESTS)
    assert len(loading.load(MANIFESTS, contenders.copies(3, tmp_path))) == 2 * len(shipped)


async def test_the_bridge_is_given_the_same_four_cancels_in_plain_openapi() -> None:
    document = json.dumps(contenders.described())
    cancels = [operation.id for operation in loading.load(MANIFESTS).values() if operation.cancel]
    assert [name for name in cancels if f'"operationId": "{name}"' in document] == cancels
    assert document.count('"operationId"') == len(cancels)
    assert "$ref" not in document
    assert '"x-' not in document
