"""The guards of docs/frameworks.md, each tried on the real LangGraph server with a run that would go on for an hour."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import anyio
from tests.clients.client import Client, environment, installed
from tests.clients.frameworks import FRAMEWORKS
from tests.environment import CACHE
from tests.real.langgraph import PLATFORM
from tests.real.server import pinned, until
from tests.real.witness import Truth, truth

GUARDS: Mapping[str, Client] = {
    "guard-langgraph": FRAMEWORKS["in-langchain"]._replace(driver="guard_langgraph.py"),
    "guard-pydantic-ai": FRAMEWORKS["in-pydantic-ai"]._replace(driver="guard_pydantic_ai.py"),
}
BUDGET = 10
"""Bytes by which the run's file may grow: two seconds."""
HOUR = 3600
PATIENCE = 300
"""Seconds for one guard."""


async def faults(guard: Client) -> list[str]:
    """What did not hold of a guard, a sentence each."""
    python = installed(guard) / "bin" / "python"
    home = PLATFORM.server.install(*pinned("langgraph"))
    folder = CACHE / "real" / f"{Path(guard.driver).stem}.run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    file = folder / "work"
    with anyio.fail_after(PATIENCE):
        async with PLATFORM.server.running(home, folder) as running:
            ids = await running.start("task", file, HOUR)
            await _become(Truth.RUNS, file)
            done = await anyio.run_process(
                [str(python), str(guard.folder / guard.driver), ids["run_id"], str(file), str(BUDGET)],
                env={**environment(guard), **running.settings},
                stderr=subprocess.STDOUT,
                check=False,
            )
            *_, last = done.stdout.decode().splitlines() or ["nothing"]
            if done.returncode:
                return [f"it ended with status {done.returncode}: {last}"]
            told = json.loads(last)
            sentences = []
            if told["outcome"] != "stopped":
                sentences.append(f"the outcome is {told['outcome']}")
            if not BUDGET < told["spent"] < HOUR:
                sentences.append(f"{told['spent']} of {BUDGET} were spent")
            try:
                await _become(Truth.ENDED, file)
            except TimeoutError as error:
                sentences.append(str(error))
            return sentences


async def _become(true: Truth, file: Path) -> None:
    async def holds() -> bool:
        return await truth(file) is true

    await until(holds, f"a run that {true}")
