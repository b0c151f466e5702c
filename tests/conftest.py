"""What every test shares: one event loop library, and no settings of the machine's own."""

import os

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("EVERRUNS_", "EVERSHELL_", "XPANDER_", "PULLCORD_"))]:
        monkeypatch.delenv(name)
