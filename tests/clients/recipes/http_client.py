"""mcp's own client, of a server elsewhere that serves over HTTP."""

# begin
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def client(url: str, token: str) -> AsyncIterator[Client]:
    """A client of `pullcord serve --http`, whose URL ends with /mcp, with a token that `pullcord token` made."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=330) as http,  # a call waits up to 300 s and answers then
        Client(streamable_http_client(url, http_client=http)) as connected,
    ):
        yield connected


# end
