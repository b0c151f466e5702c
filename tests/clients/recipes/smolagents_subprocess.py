"""smolagents: its client, of a server in a process of its own."""

# begin
from collections.abc import Mapping

from mcp import StdioServerParameters
from smolagents import MCPClient


def client(environ: Mapping[str, str], command: str = "pullcord", *args: str) -> MCPClient:
    """A client that gives an agent's tools in a with-block; environ holds the keys, for one os.environ."""
    how = StdioServerParameters(command=command, args=list(args or ["serve"]), env=dict(environ))
    return MCPClient(how, structured_output=True)


# end
if __name__ == "__main__":
    import asyncio
    import json
    import os
    import sys
    from typing import Any

    from lines import answer

    async def main() -> None:
        """Call the tools as an agent does."""
        with client(os.environ, *sys.argv[1:]) as functions:
            by_name = {function.name: function for function in functions}

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                return [json.dumps(await asyncio.to_thread(by_name[name], **given))]

            await answer(list(by_name), call)

    asyncio.run(main())
