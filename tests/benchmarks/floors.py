"""The least that can be done with the SDK: four bare tools on the low-level Server, each forwarded by httpx2.

    python floors.py sdk|pipes|http URL [PORT]

No check of arguments, no reading of replies, no next steps. `sdk` serves on the SDK's `stdio_server`, `pipes` on
asyncio's own pipes, `http` on the SDK's Streamable HTTP. The HTTP client is made by the first call, so that a start
holds nothing that it could do without.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

PATHS = {
    "cancel_task": "/v1/sessions/{session_id}/tasks/{task_id}/cancel",
    "cancel_turn": "/v1/sessions/{session_id}/cancel",
    "cancel_workspace_task": "/v1/workspaces/{workspace_id}/task/cancel",
    "stop_task": "/v1/tasks/{task_id}/stop",
}
NAMES = {tool: [part[1:-1] for part in path.split("/") if part.startswith("{")] for tool, path in PATHS.items()}


def make(base_url: str) -> Server[Any]:
    """The four tools."""
    tools = [
        types.Tool(
            name=name,
            description=f"POST {path}",
            input_schema={
                "type": "object",
                "properties": {argument: {"type": "string"} for argument in NAMES[name]},
                "required": NAMES[name],
            },
        )
        for name, path in PATHS.items()
    ]
    clients: list[httpx2.AsyncClient] = []

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(_: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        if not clients:
            clients.append(httpx2.AsyncClient())
        response = await clients[0].post(base_url + PATHS[params.name].format(**(params.arguments or {})))
        return types.CallToolResult(
            is_error=response.is_error, content=[types.TextContent(type="text", text=response.text)]
        )

    return Server("floor", version="1", on_list_tools=list_tools, on_call_tool=call_tool)


class Incoming(ObjectReceiveStream[SessionMessage | Exception]):
    """Messages from lines."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def receive(self) -> SessionMessage | Exception:
        line = await self._reader.readline()
        if not line:
            raise anyio.EndOfStream
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))

    async def aclose(self) -> None:
        pass


class Outgoing(ObjectSendStream[SessionMessage]):
    """Lines from messages."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage) -> None:
        self._writer.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
        await self._writer.drain()

    async def send_eof(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


@asynccontextmanager
async def pipes() -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Standard input and output as asyncio's own pipes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", buffering=0))
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(1, "wb", buffering=0)
    )
    yield Incoming(reader), Outgoing(asyncio.StreamWriter(transport, protocol, None, loop))


async def _serve(kind: str, base_url: str) -> None:
    server = make(base_url)
    async with pipes() if kind == "pipes" else stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _main(kind: str, base_url: str, *port: str) -> None:
    if kind == "http":
        import uvicorn  # noqa: PLC0415 - the floors on stdio do without it

        # Without sessions, as pullcord serves: any replica answers any request.
        app = make(base_url).streamable_http_app(stateless_http=True)
        uvicorn.run(app, host="127.0.0.1", port=int(port[0]), log_level="warning")
    else:
        anyio.run(_serve, kind, base_url)


if __name__ == "__main__":
    _main(*sys.argv[1:])
