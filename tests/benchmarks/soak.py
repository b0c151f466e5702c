"""Twenty thousand cancels through one server, one in twenty of them spoilt: run by hand, it prints what came of them.

    python -m tests.benchmarks.soak [CANCELS]

Each call must be answered once, no cancel may reach the platform more often than is safe, and memory must stay flat.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import anyio
from tests.faults.faults import FAULTS, Fault
from tests.faults.matrix import COLUMNS, Column, due
from tests.faults.proxy import Proxy, proxy
from tests.faults.wire import Server, serving

from pullcord.sandbox import Sandbox, running

CANCELS = 20_000
SPOILT = 0.05
AT_ONCE = 32
LATER = 10
"""Parts in which memory is looked at: the first warms up, the others must stay level."""
ROOM = 8
"""MiB by which the last part may lie above the second."""

_TOOLS = [column for column in COLUMNS if column.method == "POST"]
# What only ends with the call's time, or costs the proxy much, would be most of the soak.
_FAULTS = [fault for fault in FAULTS if not any(word in fault.name for word in ("stall", "drip", "hints", "MB"))]


class Tally:
    """What came of the cancels."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.spoilt = 0
        self.sent = 0
        self.wrong: list[str] = []


async def _cancel(
    sandbox: Sandbox, standing: Proxy, server: Server, tally: Tally, column: Column, fault: Fault | None
) -> None:
    target = column.target(sandbox)
    if fault:
        tally.spoilt += 1
        standing.spoils["POST", target.word] = [fault.spoil]
    said = await server.call(column.tool, target.arguments)
    sent = sum(arrival.method == "POST" and target.word in arrival.path for arrival in sandbox.requests)
    standing.spoils.pop(("POST", target.word), None)
    expected = due(fault or Fault("none", outcome=""), column, once=False)
    tally.outcomes[said["outcome"]] += 1
    tally.sent += sent
    if (said["outcome"], sent) != expected[:2]:
        tally.wrong.append(f"{fault and fault.name}, {column.tool}: {said['outcome']}, {sent} sent, not {expected}")


async def _soak(cancels: int, folder: Path) -> int:
    chance = random.Random(1)  # noqa: S311 - the same faults in each run, and no secret
    tally = Tally()
    memory: list[float] = []
    sandbox = Sandbox(wind_down=600)
    async with running(sandbox) as base_url, proxy(base_url) as standing:
        environ = sandbox.environment(f"http://127.0.0.1:{standing.port}")
        began = time.monotonic()
        async with serving("modern", environ, folder / "stderr", "--journal", str(folder / "journal")) as server:
            cancel = partial(_cancel, sandbox, standing, server, tally)
            for _ in range(LATER):
                for start in range(0, cancels // LATER, AT_ONCE):
                    async with anyio.create_task_group() as group:
                        for _ in range(min(AT_ONCE, cancels // LATER - start)):
                            fault = chance.choice(_FAULTS) if chance.random() < SPOILT else None
                            group.start_soon(cancel, chance.choice(_TOOLS), fault)
                    sandbox.requests.clear()
                    sandbox.everruns.tasks.clear()
                    sandbox.everruns.sessions = {
                        name: session
                        for name, session in sandbox.everruns.sessions.items()
                        if name == sandbox.everruns.ids.active_session
                    }
                    sandbox.evershell.workspaces.clear()
                    sandbox.evershell.tasks.clear()
                    sandbox.xpander.tasks.clear()
                memory.append(server.memory())
        seconds = time.monotonic() - began
        lines = len([line for line in (folder / "journal").read_text(encoding="ascii").splitlines() if line])
    answered = sum(tally.outcomes.values())
    repeated = [number for number, count in server.answers.items() if count != 1]
    levels = ", ".join(f"{each:.1f}" for each in memory)
    said = [
        f"{answered} of {cancels} cancels answered, {tally.spoilt} spoilt, {tally.sent} requests at the platforms",
        ", ".join(f"{outcome} {count}" for outcome, count in tally.outcomes.most_common()),
        f"{len(repeated)} answered more or less than once; {len(tally.wrong)} came out wrong; {lines} journal lines",
        f"memory after each tenth: {levels} MiB; ended with status {server.process.returncode} after {seconds:.0f} s",
        *tally.wrong[:20],
    ]
    flat = memory[-1] - memory[1] < ROOM
    held = answered == cancels and not repeated and not tally.wrong and lines == 2 * cancels and flat
    print(*said, "held" if held else "did not hold", sep="\n")  # noqa: T201 - what the command is for
    return 0 if held else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.exit(asyncio.run(_soak(int(sys.argv[1]) if sys.argv[1:] else CANCELS, Path(made))))
