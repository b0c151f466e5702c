"""llama-index: its tool specification on a session of the SDK."""

# begin
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llama_index.core.tools import FunctionTool
from llama_index.tools.mcp import McpToolSpec
from mcp import ClientSession
from mcp.server.lowlevel import Server

import pullcord


@asynccontextmanager
async def tools(server: Server) -> AsyncIterator[list[FunctionTool]]:
    """Tools for an agent, such as FunctionAgent(tools=...), for as long as the block runs."""
    async with pullcord.streams(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield await McpToolSpec(client=session).to_tool_list_async()


# end
if __name__ == "__main__":
    import asyncio
    from typing import Any

    from lines import answer

    async def main() -> None:
        """Call the tools as an agent does."""
        async with pullcord.server(sandbox=True) as server, tools(server) as functions:
            by_name = {function.metadata.name: function for function in functions}

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                return [(await by_name[name].acall(**given)).content]

            await answer(list(by_name), call)

    asyncio.run(main())
