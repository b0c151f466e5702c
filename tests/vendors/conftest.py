"""One mock for all rows of a module: it is told anew before each.

No fixture that runs in an event loop outlives its module: the next module's tests would run in the same loop.
"""

from collections.abc import AsyncIterator

import pytest
from tests.vendors.mock import Mock, listening


@pytest.fixture(name="mock", scope="module")
async def _mock() -> AsyncIterator[Mock]:
    async with listening() as mock:
        yield mock
