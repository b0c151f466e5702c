"""What the server says, heard by the protocol's own client: the measure for all others."""

import json
from collections.abc import Mapping
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent
from tests.clients.client import SERVER
from tests.clients.story import Story, live


async def heard() -> tuple[list[str], Story]:
    """The names of the tools, and the story as the server tells it, text and structured."""
    async with Client(stdio_client(StdioServerParameters(command=SERVER[0], args=SERVER[1:]))) as client:

        async def ask(tool: str, arguments: Mapping[str, Any]) -> list[str]:
            result = await client.call_tool(tool, dict(arguments))
            texts = [block.text for block in result.content if isinstance(block, TextContent)]
            return [*texts, json.dumps(result.structured_content)]

        return [tool.name for tool in (await client.list_tools()).tools], await live(ask)
