"""The MCP server for clients in the same process."""

from contextlib import AsyncExitStack

import anyio
import pytest
from mcp import Client, ClientSession, MCPError, types
from mcp.server.lowlevel import Server
from tests.assembly.platforms import reached, until_sent

import pullcord
from pullcord.assembly.closing import UnderWay
from pullcord.assembly.server import counting

pytestmark = pytest.mark.anyio

LATE = 30
"""Seconds in which whatever is waited for comes, also on a loaded machine."""
TASK = "91fbe9bc-35b3-41e8-b59d-922fb5a0f0ff"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_sdks_client_takes_the_server_itself(mode: str) -> None:
    async with pullcord.server(sandbox=True, only=["find_running", "stop_task"]) as server:
        async with Client(server, mode=mode) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == {"find_running", "stop_task"}
            answer = (await client.call_tool("find_running", {"platform": "xpander"})).structured_content
            assert answer
            cancel = answer["resource"]["items"][0]["allowed_actions"][0]
            answer = (await client.call_tool(cancel["tool"], cancel["arguments"])).structured_content
            assert answer
            assert answer["outcome"] == "stopped"
        assert "sandbox" in (server.instructions or "")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_hosts_are_offered_the_panel_unless_it_is_left_out(mode: str) -> None:
    for panel, names in ((True, ["panel", "stop-agent-work"]), (False, ["stop-agent-work"])):
        async with pullcord.server(panel=panel) as server, Client(server, mode=mode) as client:
            assert [resource.name for resource in (await client.list_resources()).resources] == names


async def test_a_session_on_a_pair_of_streams_speaks_to_it() -> None:
    async with (
        reached() as on,
        pullcord.server(environ=on.environ) as server,
        pullcord.streams(server) as (read, write),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        result = await session.call_tool("stop_task", {"task_id": TASK})
        assert isinstance(result, types.CallToolResult)
        assert (result.structured_content or {})["outcome"] == "not_found"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_after_its_block_a_server_sends_nothing_more(mode: str) -> None:
    async with reached() as on:
        async with pullcord.server(environ=on.environ) as server:
            pass
        async with Client(server, mode=mode) as client:
            with pytest.raises(MCPError, match="pullcord is closed, and nothing was sent"):
                await client.call_tool("stop_task", {"task_id": on.sandbox.xpander.ids.parent_task})
        assert not on.sandbox.requests


async def test_several_clients_share_a_server() -> None:
    async with pullcord.server(limit="1/hour") as server, Client(server) as one, Client(server, mode="legacy") as other:
        for client in (one, other):
            result = await client.call_tool("stop_task", {"task_id": TASK})
            assert (result.structured_content or {})["outcome"] == "denied"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_person_is_asked_through_the_client(mode: str) -> None:
    questions: list[str] = []

    async def ask(context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        del context
        questions.append(params.message)
        return types.ElicitResult(action="decline")

    async with reached() as on, pullcord.server(environ=on.environ, confirm=True) as server:
        async with Client(server, mode=mode, elicitation_callback=ask) as client:
            result = await client.call_tool("stop_task", {"task_id": on.sandbox.xpander.ids.parent_task})
        assert (result.structured_content or {})["outcome"] == "refused"
        assert len(questions) == 1
        assert on.sent == []


async def test_faults_are_told_on_entering() -> None:
    with pytest.raises(pullcord.SettingsError, match="--platform nowhere"):
        await pullcord.server(platforms=["nowhere"]).__aenter__()


class TestClosing:
    async def test_calls_that_wait_answer_at_once(self) -> None:
        outcomes: list[str] = []
        async with AsyncExitStack() as stack, reached(wind_down=600) as on:
            server = await stack.enter_async_context(pullcord.server(environ=on.environ))
            async with (
                pullcord.streams(server) as streams,
                ClientSession(*streams) as session,
                anyio.create_task_group() as tasks,
            ):
                await session.initialize()

                async def call() -> None:
                    arguments = {"workspace_id": on.sandbox.evershell.ids.busy_workspace, "wait_seconds": 300}
                    result = await session.call_tool("cancel_workspace_task", arguments)
                    assert isinstance(result, types.CallToolResult)
                    outcomes.append((result.structured_content or {})["outcome"])

                tasks.start_soon(call)
                await until_sent(on)
                with anyio.fail_after(LATE):
                    await stack.aclose()
        assert outcomes == ["stopping"]

    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    async def test_what_waits_for_anything_else_is_cut_off_and_told_so(self, mode: str) -> None:
        started = anyio.Event()

        async def call_tool(*_: object) -> types.CallToolResult:
            started.set()
            await anyio.sleep_forever()
            raise AssertionError

        under_way = UnderWay(anyio.Event(), grace=0)
        server = Server("waiting", on_call_tool=call_tool)
        server.middleware.append(counting(under_way))
        messages: list[str] = []
        async with Client(server, mode=mode) as client, anyio.create_task_group() as tasks:

            async def call() -> None:
                with pytest.raises(MCPError) as caught:
                    await client.call_tool("any")
                messages.append(caught.value.error.message)

            tasks.start_soon(call)
            with anyio.fail_after(LATE):
                await started.wait()
                await under_way.close()
        assert messages[0].startswith("pullcord was closed before the call was done. A cancel may have been sent")
