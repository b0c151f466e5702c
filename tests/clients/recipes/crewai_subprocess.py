"""crewai: a tool class of one's own, which starts a server for each call."""

# begin
import asyncio
from collections.abc import Mapping
from typing import Any

from crewai.tools import BaseTool
from crewai.utilities.pydantic_schema_utils import create_model_from_schema
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


class Tool(BaseTool):
    """A tool of a server in a process of its own."""

    how: StdioServerParameters

    def _run(self, **arguments: Any) -> str:
        return asyncio.run(self._arun(**arguments))

    async def _arun(self, **arguments: Any) -> str:
        async with stdio_client(self.how) as streams, ClientSession(*streams) as session:
            await session.initialize()
            return (await session.call_tool(self.name, arguments)).content[0].text


def unchecked(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without patterns: pullcord checks them itself, and its answer tells the model what to do."""
    properties = schema["properties"].items()
    return {
        **schema,
        "properties": {
            name: {key: value for key, value in each.items() if key != "pattern"} for name, each in properties
        },
    }


async def tools(environ: Mapping[str, str], command: str = "pullcord", *args: str) -> list[BaseTool]:
    """Tools for an agent; environ holds the keys, for one os.environ."""
    how = StdioServerParameters(command=command, args=list(args or ["serve"]), env=dict(environ))
    async with stdio_client(how) as streams, ClientSession(*streams) as session:
        await session.initialize()
        return [
            Tool(
                name=tool.name,
                description=tool.description or "",
                args_schema=create_model_from_schema(unchecked(tool.inputSchema), model_name=tool.name),
                how=how,
            )
            for tool in (await session.list_tools()).tools
        ]


# end
if __name__ == "__main__":
    import os
    import sys

    from lines import answer

    async def main() -> None:
        """Call the tools as an agent does."""
        by_name = {tool.name: tool for tool in await tools(os.environ, *sys.argv[1:])}

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            return [await asyncio.to_thread(by_name[name].run, **given)]

        await answer(list(by_name), call)

    asyncio.run(main())
