"""python -m tests.real [PLATFORM...]: whether pullcord is honest about work on servers that others wrote.

Each platform's server is installed below .cache/real/, started here, given work that can be seen, and stopped. Those
of ALWAYS are taken unless some are named. The run of a platform that held is kept in tests/real/transcripts/, of which
docs/platforms.md has a table. The exit status is 1 if an answer was not honest, or a server can't be had.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import anyio
import httpx2
from mcp import MCPError
from tests.environment import CACHE
from tests.real import a2a, agno, flower, langgraph, mastra, n8n, opencode, openhands, prefect, ray, restate
from tests.real.play import Callers, Played, played, serving
from tests.real.server import pinned, versions
from tests.real.story import Platform
from tests.real.transcript import Transcript

PLATFORMS = {
    "a2a": a2a.PLATFORM,
    "langgraph": langgraph.PLATFORM,
    "flower": flower.PLATFORM,
    "restate": restate.PLATFORM,
    "agno": agno.PLATFORM,
    "opencode": opencode.PLATFORM,
    "mastra": mastra.PLATFORM,
    "ray": ray.PLATFORM,
    "prefect": prefect.PLATFORM,
    "openhands": openhands.PLATFORM,
    "n8n": n8n.PLATFORM,
}
ALWAYS = ("a2a", "langgraph", "flower", "restate", "agno")
"""Those that are taken where none is named, in .ci/run, too; the others are large, and have to be named."""
PATIENCE = 900
"""Seconds for all stories of a platform."""


async def told(name: str, platform: Platform) -> list[Played]:
    """Tell a platform's stories on its server.

    Args:
        name: the platform's.
        platform: what to install, start, and tell.

    Raises:
        RuntimeError: the server can't be had on this machine; it says why.
        subprocess.CalledProcessError: it can't be installed; its tool has said why.
        ExceptionGroup: it doesn't start, or ended meanwhile.
        httpx2.HTTPError: it doesn't take work.
        MCPError: pullcord doesn't start; it has said why on standard error.
        TimeoutError: the stories took too long.
    """
    home = platform.server.install(*pinned(name))
    folder = CACHE / "real" / f"{name}.run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with anyio.fail_after(PATIENCE):
        async with (
            platform.server.running(home, folder) as running,
            serving(platform.instances, running.settings) as right,
            serving(platform.instances, {**running.settings, **running.wrong_key}) as wrong,
        ):
            callers = Callers(right, wrong)
            return [
                await played(story, platform, running, callers, folder / f"work-{number}")
                for number, story in enumerate(platform.stories)
            ]


async def tried(name: str, platform: Platform) -> list[str]:
    """Tell a platform's stories, and keep the transcript if they held; else what did not hold, a sentence each."""
    stories: list[Played] = []
    faults: list[str] = []
    try:
        stories = await told(name, platform)
    except* (httpx2.HTTPError, MCPError, RuntimeError, OSError, subprocess.SubprocessError) as errors:
        faults = list(sentences(errors))
    rows = tuple(row for story in stories for row in story.rows)
    faults += [fault for story in stories for fault in story.faults]
    if not faults:
        Transcript(name, versions(name, platform.server.told), rows).write()
    return faults


def sentences(error: BaseException) -> Iterator[str]:
    """What the errors of a group say."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from sentences(each)
    else:
        yield str(error)


async def main(names: list[str]) -> int:
    """Tell the stories of platforms, one platform after the other.

    Returns:
        The exit status: 1 if something did not hold.
    """
    failed = False
    for name in names or ALWAYS:
        began = time.monotonic()
        sys.stderr.write(f"{name}\n")
        faults = await tried(name, PLATFORMS[name])
        sys.stderr.write(f"{name}: {len(faults)} faults after {time.monotonic() - began:.0f} s\n")
        sys.stdout.writelines(f"{name}: {fault}\n" for fault in faults)
        failed = failed or bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - PLATFORMS.keys():
        sys.exit(f"{', '.join(sorted(unknown))}: the platforms are {', '.join(PLATFORMS)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped then, too
    sys.exit(anyio.run(main, sys.argv[1:]))
