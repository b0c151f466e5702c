"""Which failures of the conformance suite have no reason, and which reasons no failure."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import yaml

HELD_ENOUGH = 80
"""Checks that held when this was written, with some to spare: a suite that tested hardly anything shows nothing."""


class Check(NamedTuple):
    """One check of the suite, and what came of it."""

    scenario: str
    id: str
    status: str
    message: str = ""

    @property
    def name(self) -> str:
        """As the baseline names it."""
        return f"{self.scenario}/{self.id}"


def baseline() -> Mapping[str, str]:
    """What may fail: patterns of names, and the reasons."""
    text = (Path(__file__).parent / "baseline.yaml").read_text(encoding="utf-8")
    return {pattern: group["reason"] for group in yaml.safe_load(text) for pattern in group["checks"]}


def judge(checks: Iterable[Check], excused: Mapping[str, str]) -> list[str]:
    """What is wrong with a run, a line each."""
    checks = list(checks)
    failed = [check for check in checks if check.status == "FAILURE"]
    held = [check for check in checks if check.status == "SUCCESS"]
    faults = [
        f"{check.name} failed: {check.message}"
        for check in failed
        if not any(fnmatchcase(check.name, pattern) for pattern in excused)
    ]
    faults += [
        f"{pattern}: nothing of this failed; take it out of the baseline"
        for pattern in excused
        if not any(fnmatchcase(check.name, pattern) for check in failed)
    ]
    if len(held) < HELD_ENOUGH:
        faults.append(f"only {len(held)} checks held; the suite did not really run")
    return faults
