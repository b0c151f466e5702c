"""docs/frameworks.md shows the code that `make clients` runs, and nothing else."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from tests.assembly.platforms import reached
from tests.clients.__main__ import EVERYONE
from tests.clients.client import RECIPES as RECIPE_FOLDER
from tests.clients.guards import GUARDS
from tests.clients.recipes.cord import stop_old_work
from tests.clients.recipes.http_client import client
from tests.documents import doc, hold
from tests.e2e.processes import finished, started

from pullcord.sandbox import Sandbox

RECIPES = sorted(RECIPE_FOLDER.glob("*.py"))
DOCUMENT = doc("frameworks")


def snippet(path: Path) -> str:
    """The lines of a recipe that a user copies: those between its marks."""
    (lines,) = re.findall(r"^# begin\n(.*?)^# end$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return f"```python\n{lines.strip()}\n```\n"


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_the_document_shows_the_code_that_runs(path: Path) -> None:
    hold(DOCUMENT, f"recipe {path.stem}", snippet(path))


def test_every_piece_of_python_in_the_document_is_a_recipe() -> None:
    pieces = re.findall(r"^```python\n.*?^```\n", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert sorted(pieces) == sorted(map(snippet, RECIPES))


@pytest.mark.anyio
async def test_a_program_of_ones_own_stops_what_is_old_and_tells_what_it_leaves_open() -> None:
    async with reached() as on:
        assert await stop_old_work(on.environ, timedelta(hours=1000)) == []
        assert on.sent == []
        left_open = await stop_old_work(on.environ, timedelta(minutes=49, seconds=30))
        assert on.sandbox.evershell.ids.busy_workspace in str(on.sent)
        assert all(answer.outcome not in {"stopped", "already_finished"} for answer in left_open)


@pytest.mark.anyio
async def test_a_client_with_a_token_calls_a_server_elsewhere_and_waits_for_the_end(tmp_path: Path) -> None:
    made = (await finished("token", "ada", "--scope", "observe", "--scope", "cancel")).stdout
    token, line = re.findall(r"^(?:token|line): +(\S+)$", made, re.MULTILINE)
    tokens = tmp_path / "tokens"
    tokens.write_text(line, encoding="utf-8")
    async with started("serve", "--http", "--sandbox", "--port", "0", "--tokens", str(tokens)) as process:
        assert process.stderr
        lines = BufferedByteReceiveStream(process.stderr)
        notes = [(await lines.receive_until(b"\n", 1000)).decode() for _ in range(2)]
        url = notes[1].split()[-1]
        async with client(url, token) as connected:
            ids = Sandbox().evershell.ids
            arguments = {"workspace_id": ids.busy_workspace, "wait_seconds": 120}
            answer = (await connected.call_tool("cancel_workspace_task", arguments)).structured_content
    assert answer
    assert answer["outcome"] == "stopped"


def test_every_recipe_is_run() -> None:
    drivers = {client.driver for client in EVERYONE.values() if client.folder == RECIPE_FOLDER}
    guards = {guard.driver for guard in GUARDS.values()}
    assert {path.name for path in RECIPES} == drivers | guards | {
        "cord.py",
        "http_client.py",
    }  # by the tests above
