"""The MCP server: what it lists, what it says of itself, and what it answers to what is no tool. In both eras."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from mcp import Client, MCPError, types
from tests.support import BASE_URL, Stage, answering, shipped, stage

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
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
    for word in ("Everruns", "EverShell", "xpander.ai", "final", "work_stopped", "may_go_on", "allowed_actions"):
        assert word in told
    assert info is not None
    assert info.name == "pullcord"


def test_the_instructions_stay_short_however_many_platforms_there_are() -> None:
    scope = Surface.of(shipped(), settings.read(shipped(), {}))
    many = {
        f"{name}_{n}": each._replace(platform=each.platform._replace(title=f"A platform with a long name, {n}"))
        for name, each in scope.tools.items()
        for n in range(20)
    }
    told = instructions(replace(scope, tools=many), sandbox=True)
    assert len(told) <= LIMIT
    assert told.endswith("This is a sandbox: platforms and work are made up.")
    assert "A platform with a long name, 0" in told


async def test_tools_and_resources_are_offered(staged: Stage) -> None:
    capabilities = staged.client.server_capabilities

    assert capabilities.tools is not None
    assert capabilities.resources is not None
    assert capabilities.prompts is None


async def test_the_list_is_the_same_each_time(staged: Stage) -> None:
    assert await _listed(staged) == await _listed(staged)
