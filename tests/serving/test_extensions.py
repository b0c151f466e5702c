"""The extensions of MCP that a server announces reach its clients in both eras."""

from typing import Any

import anyio
import pytest
from mcp import Client, types
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage

from pullcord.serving.extensions import announce

pytestmark = pytest.mark.anyio

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
"""Those whose connections begin with initialize."""


def server(*names: str) -> Server[Any]:
    """A server that announces extensions."""
    made = Server("extended", version="1")
    announce(made, {name: {"depth": 1} for name in names})
    return made


async def capabilities(made: Server[Any], revision: str) -> dict[str, Any]:
    """The capabilities in the very answer to initialize, which the SDK's own client reads by its types."""
    params = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = types.JSONRPCRequest(jsonrpc="2.0", id=1, method="initialize", params=params)
    async with (
        create_client_server_memory_streams() as ((read, write), (server_read, server_write)),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(made.run, server_read, server_write, made.create_initialization_options())
        await write.send(SessionMessage(asked))
        answer = await read.receive()
        tasks.cancel_scope.cancel()
    assert isinstance(answer, SessionMessage)
    found: dict[str, Any] = answer.message.model_dump(by_alias=True)["result"]["capabilities"]
    return found


@pytest.mark.parametrize("revision", REVISIONS)
async def test_every_answer_to_initialize_names_them(revision: str) -> None:
    assert (await capabilities(server("org.example/one", "org.example/two"), revision))["extensions"] == {
        "org.example/one": {"depth": 1},
        "org.example/two": {"depth": 1},
    }


async def test_a_discovery_names_them() -> None:
    async with Client(server("org.example/one"), mode="auto", cache=None) as client:
        assert client.protocol_version == "2026-07-28"
        assert client.server_capabilities.extensions == {"org.example/one": {"depth": 1}}


async def test_a_server_without_any_says_nothing_of_extensions() -> None:
    assert "extensions" not in await capabilities(server(), "2025-11-25")
    async with Client(server(), mode="auto", cache=None) as client:
        assert client.server_capabilities.extensions is None


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_other_answers_stay_as_they_are(mode: str) -> None:
    async def list_tools(_ctx: object, _: types.PaginatedRequestParams) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="one", input_schema={"type": "object"})])

    made = server("org.example/one")
    made.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    async with Client(made, mode=mode, cache=None) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["one"]
