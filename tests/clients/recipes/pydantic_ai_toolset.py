"""pydantic-ai: a toolset by FastMCP's transport, which its MCPToolset takes."""

# begin
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp.client.transports import ClientTransport
from mcp import ClientSession
from mcp.server.lowlevel import Server
from pydantic_ai.mcp import MCPToolset

import pullcord


class InProcess(ClientTransport):
    """A connection to a server in this process: `Agent(model, toolsets=[MCPToolset(InProcess(server))])`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @asynccontextmanager
    async def connect_session(self, **options: Any) -> AsyncIterator[ClientSession]:
        options.pop("transport_options", None)
        async with pullcord.streams(self.server) as (read, write), ClientSession(read, write, **options) as session:
            yield session


# end
if __name__ == "__main__":
    import asyncio

    from pydantic_agent import main

    async def run() -> None:
        """Run the agent."""
        async with pullcord.server(sandbox=True) as server:
            await main(MCPToolset(InProcess(server)))

    asyncio.run(run())
