"""mcp's own client takes the server as it is."""

# begin
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Unpack

from mcp import Client

import pullcord


@asynccontextmanager
async def client(**options: Unpack[pullcord.ServerOptions]) -> AsyncIterator[Client]:
    """A client with a server of its own; options such as environ=os.environ."""
    async with pullcord.server(**options) as server, Client(server) as connected:
        yield connected


# end
if __name__ == "__main__":
    import asyncio

    from sdk import run

    async def main() -> None:
        """Run the client."""
        async with client(sandbox=True) as connected:
            await run(connected)

    asyncio.run(main())
