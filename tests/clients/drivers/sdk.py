"""The SDK's client: both halves of each result."""

import json
from typing import Any

from lines import answer
from mcp import Client


async def run(client: Client) -> None:
    """Answer with what a connected client is told."""

    async def call(name: str, given: dict[str, Any]) -> list[str]:
        result = await client.call_tool(name, given)
        return [result.content[0].text, json.dumps(result.structured_content)]

    await answer([tool.name for tool in (await client.list_tools()).tools], call)
