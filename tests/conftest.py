"""What every test shares: one event loop library, and no settings of the machine's own."""

import os
import signal

import mcp.client.stdio  # noqa: F401 - children write to what stderr is at this import: before any test captures it
import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is says nothing of the code; and what CI tries, it tries each time.
settings.register_profile(
    "pullcord", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("pullcord")

# What is started with nohup ignores the signal, and so would every server that a test tells to end by it.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("EVERRUNS_", "EVERSHELL_", "XPANDER_", "PULLCORD_"))]:
        monkeypatch.delenv(name)
