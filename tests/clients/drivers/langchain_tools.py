"""langchain-mcp-adapters: an agent's tools, and the message that its model gets."""

import asyncio
import sys
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from lines import answer


async def main() -> None:
    """Run the client."""
    command, *args = sys.argv[1:]
    client = MultiServerMCPClient({"pullcord": {"command": command, "args": args, "transport": "stdio"}})
    async with client.session("pullcord") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            message = await tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": given})
            return ["".join(block["text"] for block in message.content)]

        await answer(list(tools), call)


asyncio.run(main())
