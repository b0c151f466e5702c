"""FastAPI: the application is mounted, and the host's lifespan is the application's."""

# begin
from typing import Unpack

from fastapi import FastAPI

import pullcord


def host(**options: Unpack[pullcord.ApplicationOptions]) -> FastAPI:
    """An application with MCP at /pullcord/mcp; a lifespan of its own would enter tools.lifespan()."""
    tools = pullcord.asgi(**options)
    app = FastAPI(lifespan=tools.lifespan)
    app.mount("/pullcord", tools)
    return app


# end
if __name__ == "__main__":
    import asyncio

    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from sdk import run

    async def main() -> None:
        """Run the host, and a client of it."""
        app = host(sandbox=True)
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
            Client(streamable_http_client("http://127.0.0.1/pullcord/mcp", http_client=http)) as client,
        ):
            await run(client)

    asyncio.run(main())
