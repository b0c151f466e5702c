"""The panel in Chromium: the scenarios of panel.test.mjs, each a sentence, in a host built on the reference library."""

import re

import pytest
from tests.panel.browser import HERE, run

SCENARIOS = "panel.test.mjs"


@pytest.mark.npm
def test_every_scenario_holds() -> None:
    done = run("--test", "--test-reporter=spec", SCENARIOS)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"pass (\d+)", done.stdout)
    written = len(re.findall(r"\btest\(", (HERE / SCENARIOS).read_text(encoding="utf-8")))
    assert passed
    assert int(passed[1]) > written, "those that differ between the eras ran in both"
