"""openai-agents: a server class of one's own, by a private base: the public ones start a subprocess or speak HTTP."""

# begin
from typing import Any

from agents.mcp.server import _MCPServerWithClientSession
from mcp.server.lowlevel import Server

import pullcord


class InProcess(_MCPServerWithClientSession):
    """A server in this process: `Agent(name, mcp_servers=[InProcess(server)])`."""

    name = "pullcord"

    def __init__(self, server: Server, **options: Any) -> None:
        super().__init__(cache_tools_list=True, client_session_timeout_seconds=330, **options)
        self.server = server

    def create_streams(self) -> Any:
        return pullcord.streams(self.server)


# end
if __name__ == "__main__":
    import asyncio

    from openai_agents import main

    async def run() -> None:
        """Run the client."""
        async with pullcord.server(sandbox=True) as server:
            await main(InProcess(server), InProcess(server, use_structured_content=True))

    asyncio.run(run())
