"""The story that the demo tells: in memory with time that passes at once, and as the command that a user runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from tests.e2e.weather import Trouble, Weather, refusal
from tests.support import Stage, stage
from tests.transport import Over

from pullcord.commands.demo import SCENES, Story, tell
from pullcord.sandbox import CONFIDENTIAL

pytestmark = pytest.mark.anyio

ANSI = re.compile(r"\x1b\[\d+m")


async def told(on: Stage, *, colour: bool = False) -> tuple[int, str]:
    """The exit status, and all that was said."""
    lines: list[str] = []

    async def sleep(seconds: float) -> None:
        on.clock.pass_seconds(seconds)

    with anyio.fail_after(60):
        status = await Story(on.client, lines.append, sleep, colour=colour).tell()
    return status, "\n".join(lines) + "\n"


def parts(story: str) -> dict[str, str]:
    """What is told under each title."""
    titled = re.split(r"^(?=\S)", story, flags=re.MULTILINE)[1:]
    return {title: text for title, _, text in (part.partition("\n") for part in titled)}


def steady(story: str) -> list[str]:
    """The lines without those of a wait, whose number varies."""
    return [line for line in story.splitlines() if not re.search(r" of \d+ s: ", line)]


async def test_it_tells_of_each_cancel_tool_until_the_work_has_really_stopped() -> None:
    async with stage() as on:
        status, story = await told(on)
    assert status == 0
    scenes = [f"{number}. {scene.work}" for number, scene in enumerate(SCENES, 1)]
    part = parts(story)
    assert list(part) == ["What runs?", *scenes, "Everything else", "All that can be stopped has stopped"]
    used = [re.findall(r"^   cancel       (\w+)$", part[scene], re.MULTILINE) for scene in scenes]
    assert used == [["cancel_task"], ["cancel_task", "cancel_turn"], ["cancel_workspace_task"], ["stop_task"]]
    assert all("ended because it was cancelled." in " ".join(part[scene].split()) for scene in scenes)
    assert re.search(r"of 20 s: .+: running", part[scenes[2]])
    assert re.search(r"^   cancel       cancel_turn +[0-9a-f]{24} stopped$", part["Everything else"], re.MULTILINE)
    assert re.search(r" [1-9] items$", part["Everything else"].rstrip())
    assert "what it still shows waits" in " ".join(part["All that can be stopped has stopped"].split())


async def test_it_takes_less_than_half_a_minute_of_the_sandboxs_time() -> None:
    async with stage() as on:
        start = on.clock.now
        status, _ = await told(on)
    assert status == 0
    assert (on.clock.now - start).total_seconds() < 28


async def test_a_reader_that_leaves_ends_it_without_a_trace() -> None:
    def leave(_: str) -> None:
        raise BrokenPipeError

    with anyio.fail_after(300), pytest.raises(BrokenPipeError):
        await tell(leave)


async def test_it_fits_a_terminal_and_shows_nothing_confidential() -> None:
    async with stage() as on:
        _, story = await told(on)
    assert max(len(line) for line in story.splitlines()) <= 80
    assert "\x1b" not in story
    assert CONFIDENTIAL not in story


async def test_colours_add_nothing_but_colour() -> None:
    async with stage() as plain, stage() as coloured:
        _, story = await told(plain)
        _, painted = await told(coloured, colour=True)
    assert steady(ANSI.sub("", painted)) == steady(story)
    assert {"\x1b[32mstopped\x1b[0m", "\x1b[33mstopping\x1b[0m"} <= set(re.findall(r"\x1b\[3\dm\w+\x1b\[0m", painted))


async def test_work_that_is_not_there_to_be_stopped_is_a_failure() -> None:
    async with stage() as on:
        del on.sandbox.everruns.tasks[on.sandbox.everruns.ids.background_task]
        status, story = await told(on)
    assert status == 1
    assert parts(story)["Failed"].strip() == "nothing that runs is called 'Crawl the old site'"


async def test_work_that_goes_on_and_a_tool_that_stopped_nothing_are_failures() -> None:
    weather = Weather((Trouble("/stop", times=999, answer=refusal(403)),))
    async with stage(transport=Over(weather)) as on:
        weather.sandbox.append(on.sandbox)
        status, story = await told(on)
    assert status == 1
    failed = parts(story)["Failed"]
    assert failed.startswith("   something still runs, or may run\n   stop_task: xpander.ai refused the key;")
    assert failed.rstrip().endswith("   stop_task stopped nothing")


async def test_a_server_that_does_not_start_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    said: list[str] = []
    with anyio.fail_after(300):
        assert await tell(said.append) == 1
    assert [line.partition(":")[0] for line in said] == ["Failed"]


async def test_a_server_that_never_answers_is_a_failure_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec cat >/dev/null\n", encoding="utf-8")
    silent.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(silent))
    said: list[str] = []
    with anyio.fail_after(300):
        assert await tell(said.append, limit=2) == 1
    assert [line.partition(":")[0] for line in said] == ["Failed"]


def test_the_command_tells_it_over_a_real_connection_and_ends_well() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "pullcord", "demo"], capture_output=True, text=True, timeout=300, check=False
    )
    assert (demo.returncode, demo.stderr.count("\n")) == (0, 1), demo.stdout + demo.stderr
    assert "this is the sandbox" in demo.stderr
    assert list(parts(demo.stdout))[-1] == "All that can be stopped has stopped"
    assert "\x1b" not in demo.stdout
