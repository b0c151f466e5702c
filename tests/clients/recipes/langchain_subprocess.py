"""langchain-mcp-adapters: its tools, of a server in a process of its own."""

# begin
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from langchain_core.tools import BaseTool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


@asynccontextmanager
async def tools(environ: Mapping[str, str], command: str = "pullcord", *args: str) -> AsyncIterator[list[BaseTool]]:
    """Tools for an agent, for as long as the block runs; environ holds the keys, for one os.environ."""
    how = {"transport": "stdio", "command": command, "args": args or ["serve"], "env": dict(environ)}
    client = MultiServerMCPClient({"pullcord": how})
    async with client.session("pullcord") as session:
        yield await load_mcp_tools(session)


# end
if __name__ == "__main__":
    import asyncio
    import os
    import sys
    from typing import Any

    from lines import answer

    async def main() -> None:
        """Call the tools as an agent does."""
        async with tools(os.environ, *sys.argv[1:]) as functions:
            by_name = {function.name: function for function in functions}

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                message = await by_name[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": given})
                return ["".join(block["text"] for block in message.content)]

            await answer(list(by_name), call)

    asyncio.run(main())
