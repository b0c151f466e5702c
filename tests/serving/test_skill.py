"""The skill: how it is discovered and read, and whether it speaks of what there is. In both eras."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import MCPError, types
from pydantic import ConfigDict
from tests.environment import npm
from tests.support import Stage, stage

import pullcord
from pullcord.flow.wording import CANCELS
from pullcord.model.outcome import FINAL, OF_CANCELS
from pullcord.serving.skill import EXTENSION, SKILL

pytestmark = pytest.mark.anyio

TEXT = SKILL.load()
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"


class Found(types.Result):
    """Any result, with whatever members it has."""

    model_config = ConfigDict(extra="allow")


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


async def _ask(staged: Stage, method: str, **params: str) -> dict[str, Any]:
    request = types.Request[dict[str, str], str](method=method, params=params)
    result = await staged.client.session.send_request(request, Found)
    return result.model_dump(by_alias=True)


async def test_the_skill_is_announced_listed_and_handed_out_one_by_one(staged: Stage) -> None:
    assert (staged.client.server_capabilities.extensions or {})[EXTENSION] == {}
    (entry,) = (await _ask(staged, "skills/list"))["skills"]
    assert (await _ask(staged, "skills/get", uri=entry["uri"]))["skill"] == entry
    assert entry["uri"] == "skill://stop-agent-work/SKILL.md"
    assert entry["frontmatter"] == yaml.safe_load(TEXT.split("---")[1])
    assert entry["frontmatter"]["name"] == "stop-agent-work"


async def test_what_is_read_has_the_digest_and_the_size_that_the_list_says(staged: Stage) -> None:
    (entry,) = (await _ask(staged, "skills/list"))["skills"]
    (file,) = entry["resources"]
    (read,) = (await staged.client.read_resource(file["uri"])).contents
    assert isinstance(read, types.TextResourceContents)
    content = read.text.encode()
    assert read.mime_type == "text/markdown"
    assert file["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert file["size"] == len(content)


async def test_the_answers_say_how_long_they_may_be_kept() -> None:
    async with stage("auto") as staged:
        for answer in (await _ask(staged, "skills/list"), await _ask(staged, "skills/get", uri=SKILL.uri)):
            assert (answer["ttlMs"], answer["cacheScope"]) == (300_000, "public")


async def test_another_skill_is_an_error_that_names_the_one(staged: Stage) -> None:
    with pytest.raises(MCPError, match=r"There is one skill, skill://stop-agent-work/SKILL\.md\.") as raised:
        await _ask(staged, "skills/get", uri="skill://other/SKILL.md")
    assert (raised.value.error.code, raised.value.error.data) == (
        types.INVALID_PARAMS,
        {"uri": "skill://other/SKILL.md"},
    )


def _rows(section: str) -> list[list[str]]:
    """The rows of the table in a section of the skill."""
    (text,) = re.findall(rf"## {section}.*?(?=\n## |\Z)", TEXT, re.DOTALL)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"][2:]


@pytest.mark.parametrize("section", ["3. Follow", "4. Prove"])
def test_it_says_for_every_outcome_of_a_cancel_what_to_do_and_what_may_be_said(section: str) -> None:
    words = {word for row in _rows(section) for word in re.findall(r"`(\w+)`", row[0])}
    assert words == {str(word) for word in OF_CANCELS}
    assert {str(word) for word in CANCELS} == words


def test_it_calls_final_what_is_final_and_lets_only_proof_say_that_work_has_stopped() -> None:
    (final,) = [row for row in _rows("3. Follow") if row[1].startswith("Final")]
    assert set(re.findall(r"`(\w+)`", final[0])) == {str(word) for word in FINAL}
    assert [row[:2] for row in _rows("4. Prove") if row[2] == "It has stopped."] == [["`stopped`", "`yes`"]]


def test_it_names_every_word_of_may_go_on() -> None:
    for word in ("children", "background_tasks", "current_step", "requests", "processes", "restarts"):
        assert f"`{word}`" in TEXT


@pytest.mark.npm
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspectors_own_checks_hold(era: str) -> None:
    binary = npm("inspector", INSPECTOR) / "node_modules" / ".bin" / "mcp-inspector"
    source = f"PYTHONPATH={Path(pullcord.__file__).parents[1]}"
    server = [shutil.which("env") or "env", source, sys.executable, "-m", "pullcord", "serve", "--sandbox"]
    check = ["--method", "skills/list", "--verify", "--require-digests", "--protocol-era", era]
    done = subprocess.run(  # noqa: S603 - the tool that was just installed
        [binary, "--cli", *server, *check], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (report["outcome"], report["conformance"]) == ("verified", [])
