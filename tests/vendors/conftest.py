"""One mock for all rows of a process: it is told anew before each."""

from collections.abc import AsyncIterator

import pytest
from tests.vendors.mock import Mock, listening


@pytest.fixture(name="mock", scope="session")
async def _mock() -> AsyncIterator[Mock]:
    async with listening() as mock:
        yield mock
