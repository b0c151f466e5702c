"""FastMCP's client: an error's text is what it raises; its data is what it returns."""

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from lines import answer


async def main() -> None:
    """Run the client."""
    command, *args = sys.argv[1:]
    async with Client(StdioTransport(command, args)) as client:

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            result = await client.call_tool(name, given, raise_on_error=False)
            return [result.content[0].text, json.dumps(result.structured_content)]

        await answer([tool.name for tool in await client.list_tools()], call)


asyncio.run(main())
