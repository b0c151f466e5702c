"""openai-agents: what the tool hands to the model, as text, and as structured content where that is switched on."""

import asyncio
import json
import sys
from typing import Any

from agents import RunContextWrapper
from agents.mcp import MCPServerStdio, MCPUtil
from lines import answer


async def main() -> None:
    """Run the client, once for each way of showing."""
    command, *args = sys.argv[1:]
    params = {"command": command, "args": args}
    async with (
        MCPServerStdio(params, cache_tools_list=True) as plain,
        MCPServerStdio(params, cache_tools_list=True, use_structured_content=True) as structured,
    ):
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


asyncio.run(main())
