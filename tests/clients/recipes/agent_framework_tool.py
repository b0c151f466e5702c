"""agent-framework: its tool takes the SDK's client, whatever that speaks to."""

# begin
from agent_framework import MCPStdioTool
from mcp import Client


def tool(client: Client) -> MCPStdioTool:
    """A tool on a client as in `async with Client(server) as client:`; no process is started. Agents take it."""
    return MCPStdioTool("pullcord", mcp_client=client, load_prompts=False)


# end
if __name__ == "__main__":
    import asyncio

    from agent_framework_agent import main

    import pullcord

    async def run() -> None:
        """Run the agent."""
        async with pullcord.server(sandbox=True) as server, Client(server) as client:
            await main(tool(client))

    asyncio.run(run())
