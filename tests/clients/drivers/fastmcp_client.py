"""FastMCP's client: an error's text is what it raises; its data is what it returns."""

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client, FastMCP
from fastmcp.client.transports import ClientTransport, StdioTransport
from lines import answer


async def main(transport: ClientTransport | FastMCP) -> None:
    """Run the client."""
    async with Client(transport) as client:

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            result = await client.call_tool(name, given, raise_on_error=False)
            return [result.content[0].text, json.dumps(result.structured_content)]

        await answer([tool.name for tool in await client.list_tools()], call)


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    asyncio.run(main(StdioTransport(command, args)))
