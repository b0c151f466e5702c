"""The panel in Chromium: the scenarios of the *.test.mjs files, each a sentence.

Those of panel.test.mjs run in a host built on the reference library, those of inspector.test.mjs in the Inspector.
"""

import re

import pytest
from tests.panel.browser import HERE, run

pytestmark = pytest.mark.npm


@pytest.mark.parametrize("scenarios", ["panel.test.mjs", "inspector.test.mjs"])
def test_every_scenario_holds(scenarios: str) -> None:
    done = run(scenarios, options=["--test", "--test-reporter=spec"])
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"pass (\d+)", done.stdout)
    written = len(re.findall(r"\btest\(", (HERE / scenarios).read_text(encoding="utf-8")))
    assert passed
    assert int(passed[1]) > written, "those that differ between the eras ran in both"
