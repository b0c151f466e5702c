"""strands: its MCPClient takes a pair of streams, which it reads in a thread and an event loop of its own."""

# begin
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Unpack

from mcp.shared.memory import MessageStream
from strands.tools.mcp import MCPClient

import pullcord


def client(**options: Unpack[pullcord.ServerOptions]) -> MCPClient:
    """An MCPClient with a server of its own, for options such as environ=os.environ. An agent takes it as a tool."""

    @asynccontextmanager
    async def connection() -> AsyncIterator[MessageStream]:
        async with pullcord.server(**options) as server, pullcord.streams(server) as streams:
            yield streams

    return MCPClient(connection)


# end
if __name__ == "__main__":
    import asyncio
    import json
    from typing import Any

    from lines import answer

    async def main() -> None:
        """Call the tools as an agent does."""
        with client(sandbox=True) as mcp:
            tools = [tool.tool_name for tool in mcp.list_tools_sync()]

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                result = await mcp.call_tool_async("1", name, given)
                return [result["content"][0]["text"], json.dumps(result["structuredContent"])]

            await answer(tools, call)

    asyncio.run(main())
