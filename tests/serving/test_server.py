"""The MCP server: what it lists, what it says of itself, and what it answers to what is no tool. In both eras."""

import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from xml.parsers import expat

import pytest
from mcp import Client, MCPError, types
from tests.support import BASE_URL, Stage, answering, shipped, stage

from pullcord.assembly.choice import Choice, surface
from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.manifest.index import index
from pullcord.serving.instructions import LIMIT, instructions
from pullcord.serving.server import make
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

CANCELS = ["cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"]


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


async def _listed(staged: Stage) -> list[types.Tool]:
    return (await staged.client.list_tools()).tools


async def test_each_operation_is_a_tool_of_its_name(staged: Stage) -> None:
    first, *others = [tool.name for tool in await _listed(staged)]
    assert (first, sorted(others)) == ("find_running", sorted(shipped()))


async def test_without_keys_only_the_look_at_all_platforms_and_the_cancels_are_listed() -> None:
    keys = dict.fromkeys(["EVERRUNS_API_KEY", "EVERSHELL_API_KEY", "XPANDER_API_KEY"], "")
    async with stage(environ=keys) as staged:
        assert [tool.name for tool in await _listed(staged)] == ["find_running", *CANCELS]


async def test_a_list_of_names_narrows_the_tools() -> None:
    async with stage(only=["cancel_turn", "get_session"]) as staged:
        assert sorted(tool.name for tool in await _listed(staged)) == ["cancel_turn", "get_session"]


async def test_a_tool_that_is_not_there_is_a_protocol_error_that_names_the_nearest(staged: Stage) -> None:
    for name, message in [
        ("cancel_tasks", "There is no tool of this name. Did you mean cancel_task?"),
        ("launch", "There is no tool of this name. tools/list names all."),
    ]:
        with pytest.raises(MCPError) as raised:
            await staged.client.call_tool(name, {})
        assert (raised.value.error.code, raised.value.error.message) == (types.INVALID_PARAMS, message)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_tool_that_lacks_its_key_says_which(mode: str) -> None:
    async with stage(mode, environ={"XPANDER_API_KEY": ""}) as staged:
        with pytest.raises(MCPError, match="get_execution is no tool yet, since XPANDER_API_KEY is not set"):
            await staged.client.call_tool("get_execution", {})


async def test_a_call_without_arguments_is_one_with_none(staged: Stage) -> None:
    result = await staged.client.call_tool("list_workspaces")

    assert result.structured_content is not None
    assert result.structured_content["outcome"] == "observed"


async def test_an_error_is_marked_and_told_in_both_halves(staged: Stage) -> None:
    result = await staged.client.call_tool("cancel_turn", {"session_id": f"session_{'0' * 32}"})
    (block,) = result.content

    assert isinstance(block, types.TextContent)
    assert result.is_error
    assert json.loads(block.text) == result.structured_content
    assert ", " not in block.text.split('"message"')[0], "compact"


@pytest.mark.parametrize("sandbox", [False, True])
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_server_says_what_it_is(mode: str, *, sandbox: bool) -> None:
    scope = Surface.of(shipped(), settings.read(shipped(), {"EVERRUNS_API_URL": BASE_URL}))
    server = make(scope, Engine(Gateway(answering(200))), sandbox=sandbox)
    async with Client(server, mode=mode, cache=None) as client:
        told, info = client.instructions or "", client.server_info

    assert ("This is a sandbox" in told) is sandbox
    for word in ("Everruns", "EverShell", "xpander.ai", "Final", "work_stopped", "may_go_on", "allowed_actions"):
        assert word in told
    assert info is not None
    assert (info.name, info.website_url) == ("pullcord", "https://github.com/pullcord/pullcord")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_its_picture_is_a_drawing_that_no_host_has_to_fetch(mode: str) -> None:
    async with stage(mode) as staged:
        info = staged.client.server_info
    assert info is not None
    assert info.icons is not None
    (icon,) = info.icons
    head, _, content = icon.src.partition(",")
    drawing = b64decode(content, validate=True)
    assert (head, icon.mime_type, icon.sizes) == ("data:image/svg+xml;base64", "image/svg+xml", ["any"])
    elements: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: elements.append((name, attributes))
    parser.Parse(drawing, True)  # noqa: FBT003 - expat takes it by position only
    assert elements[0] == ("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 24 24"})
    assert [name for name, _ in elements[1:]] == ["path", "path"]
    assert len(icon.src) < 300


def test_the_instructions_name_the_platforms_and_what_they_call_their_work() -> None:
    shipped_platforms = index()
    offer = surface(Choice(platforms=tuple(shipped_platforms)), {})
    told = instructions(offer, sandbox=False)
    assert len(told) <= LIMIT
    (names,) = re.findall(r"\((.+?)\)\. Final", told)
    listed, _, rest = names.partition(" and ")
    titles = {each.title for each in shipped_platforms.values()}
    assert set(listed.split(", ")) <= titles
    assert len(listed.split(", ")) + int(rest.partition(" ")[0] or 0) == len(titles)
    nouns = {each.id.rpartition("_")[2] for each in offer.tools.values() if each.cancel}
    assert [noun for noun in nouns if noun not in told] == []
    assert "batches" in told


@pytest.mark.parametrize("sandbox", [False, True])
def test_the_instructions_stay_short_however_many_platforms_there_are(*, sandbox: bool) -> None:
    scope = Surface.of(shipped(), settings.read(shipped(), {}))
    many = {
        f"{name}_{n}": replace(each, platform=each.platform._replace(title=f"A platform with a long name, {n}"))
        for name, each in scope.tools.items()
        for n in range(20)
    }
    told = instructions(replace(scope, tools=many), sandbox=sandbox)
    assert LIMIT - 40 < len(told) <= LIMIT
    assert "A platform with a long name, 0, A platform" in told
    assert re.search(r"long name, [0-9] and 1[0-9] more\)\.", told)


def test_where_not_even_one_platform_has_room_none_is_named() -> None:
    scope = Surface.of(shipped(), settings.read(shipped(), {}))
    long = {name: replace(each, platform=each.platform._replace(title="L" * 600)) for name, each in scope.tools.items()}
    told = instructions(replace(scope, tools=long), sandbox=False)
    assert "LL" not in told
    assert "jobs, runs, tasks, sessions, turns. Final:" in told


async def test_tools_resources_and_a_prompt_are_offered(staged: Stage) -> None:
    capabilities = staged.client.server_capabilities

    assert capabilities.tools is not None
    assert capabilities.resources is not None
    assert capabilities.prompts is not None


async def test_the_list_is_the_same_each_time(staged: Stage) -> None:
    assert await _listed(staged) == await _listed(staged)
