"""A model whose answers can be seen, for platforms whose work is an agent's."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.real.server import FIXTURES, free_ports, process


@asynccontextmanager
async def answering(folder: Path) -> AsyncIterator[int]:
    """The model, and its port on 127.0.0.1.

    Args:
        folder: for what it writes.
    """
    (port,) = free_ports(1)
    async with process([sys.executable, FIXTURES / "model" / "model.py", str(port)], folder / "model.log", {}):
        yield port
