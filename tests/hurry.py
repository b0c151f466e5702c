"""An event loop whose time passes at once where nothing else is to be done: hours of waiting, in no time."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class _Selector(selectors.SelectSelector):
    """Waits for nothing but what is there; what it would have waited is added up."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # nothing will be due: only another thread or process can end this
            return super().select()
        ready = super().select(0)
        if not ready:
            self.passed += max(timeout, 0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._selected = _Selector()
        super().__init__(self._selected)

    def time(self) -> float:
        return self._selected.passed


HURRIED: tuple[str, Mapping[str, Any]] = ("asyncio", {"loop_factory": _Loop})
"""A backend for pytest's fixture anyio_backend."""
