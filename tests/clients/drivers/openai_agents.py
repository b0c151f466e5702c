"""openai-agents: what the tool hands to the model, as text, and as structured content where that is switched on."""

import asyncio
import json
import sys
from typing import Any

from agents import RunContextWrapper
from agents.mcp import MCPServer, MCPServerStdio, MCPUtil
from lines import answer


async def main(plain_server: MCPServer, structured_server: MCPServer) -> None:
    """Run the client, once for each way of showing."""
    async with plain_server as plain, structured_server as structured:
        tools = {tool.name: tool for tool in await plain.list_tools()}
        await structured.list_tools()

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            shown = []
            for server in (plain, structured):
                told = await MCPUtil.invoke_mcp_tool(
                    server, tools[name], RunContextWrapper(context=None), json.dumps(given)
                )
                shown.append(told["text"] if isinstance(told, dict) else str(told))
            return shown

        await answer(list(tools), call)


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    params = {"command": command, "args": args}
    asyncio.run(
        main(
            MCPServerStdio(params, cache_tools_list=True),
            MCPServerStdio(params, cache_tools_list=True, use_structured_content=True),
        )
    )
