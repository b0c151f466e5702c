"""haystack: a client of one's own for its MCPToolset, which keeps it in an event loop of its own."""

# begin
import json
from typing import Any, Unpack

from haystack_integrations.tools.mcp import MCPServerInfo
from haystack_integrations.tools.mcp.mcp_tool import MCPClient
from mcp import Client, types

import pullcord


class InProcessClient(MCPClient):
    """A client with a server of its own, both in haystack's event loop."""

    def __init__(self, options: pullcord.ServerOptions) -> None:
        super().__init__()
        self.options = options

    async def connect(self) -> list[types.Tool]:
        server = await self.exit_stack.enter_async_context(pullcord.server(**self.options))
        self.client = await self.exit_stack.enter_async_context(Client(server))
        return (await self.client.list_tools()).tools

    async def call_tool(self, tool_name: str, tool_args: dict[str, Any]) -> str:
        return json.dumps((await self.client.call_tool(tool_name, tool_args)).structured_content)


class InProcess(MCPServerInfo):
    """`MCPToolset(InProcess(environ=os.environ), invocation_timeout=330)`."""

    def __init__(self, **options: Unpack[pullcord.ServerOptions]) -> None:
        self.options = options

    def create_client(self) -> MCPClient:
        return InProcessClient(self.options)


# end
if __name__ == "__main__":
    import asyncio

    from haystack_integrations.tools.mcp import MCPToolset
    from lines import answer

    async def main() -> None:
        """Call the tools as an agent does."""
        toolset = MCPToolset(InProcess(sandbox=True), invocation_timeout=330)
        await asyncio.to_thread(toolset.warm_up)
        tools = {tool.name: tool for tool in toolset}

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            return [await asyncio.to_thread(tools[name].invoke, **given)]

        await answer(list(tools), call)
        toolset.close()

    asyncio.run(main())
