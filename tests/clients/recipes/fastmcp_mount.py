"""FastMCP: the tools are mounted into a server of one's own."""

# begin
from fastmcp import FastMCP
from fastmcp.server import create_proxy
from fastmcp_transport import InProcess
from mcp.server.lowlevel import Server


def mount(host: FastMCP, server: Server) -> None:
    """Offer pullcord's tools, too. A namespace would rename them, but not the tools that the answers' actions name."""
    host.mount(create_proxy(InProcess(server)))


# end
if __name__ == "__main__":
    import asyncio

    from fastmcp_client import main

    import pullcord

    async def run() -> None:
        """Run a client of the host."""
        host = FastMCP("host")
        async with pullcord.server(sandbox=True) as server:
            mount(host, server)
            await main(host)

    asyncio.run(run())
