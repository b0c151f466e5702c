"""FastMCP's client, by a transport of one's own."""

# begin
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp.client.transports import ClientTransport
from fastmcp.client.transports.base import TransportOptions
from mcp import ClientSession
from mcp.server.lowlevel import Server

import pullcord


class InProcess(ClientTransport):
    """A connection to a server in this process: `Client(InProcess(server))`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @asynccontextmanager
    async def connect_session(
        self, *, transport_options: TransportOptions | None = None, **options: Any
    ) -> AsyncIterator[ClientSession]:
        make = (transport_options or TransportOptions()).session_class
        async with pullcord.streams(self.server) as (read, write), make(read, write, **options) as session:
            yield session


# end
if __name__ == "__main__":
    import asyncio

    from fastmcp_client import main

    async def run() -> None:
        """Run the client."""
        async with pullcord.server(sandbox=True) as server:
            await main(InProcess(server))

    asyncio.run(run())
