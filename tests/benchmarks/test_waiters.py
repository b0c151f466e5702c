"""That calls which wait for work to end hold little of what the platform answered."""

import sys
from pathlib import Path

import pytest
from tests.benchmarks.waiters import measure

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
async def test_fifty_waiters_whose_platform_answers_with_a_mebibyte_each_cost_less_than_100_mib(tmp_path: Path) -> None:
    cost = await measure(50, tmp_path)
    assert cost.waiting - cost.before < 100
