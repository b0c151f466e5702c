"""claude-agent-sdk: a server in the options' process, which the CLI reaches through the SDK."""

# begin
from claude_agent_sdk import ClaudeAgentOptions
from mcp.server.lowlevel import Server


def options(server: Server) -> ClaudeAgentOptions:
    """Options with a server of `pullcord.server(...)`; looks need no permission."""
    return ClaudeAgentOptions(
        mcp_servers={"pullcord": {"type": "sdk", "name": "pullcord", "instance": server}},
        allowed_tools=["mcp__pullcord__find_running"],
    )


# end
if __name__ == "__main__":
    import asyncio
    import json
    from collections.abc import AsyncIterator
    from itertools import count
    from typing import Any

    from claude_agent_sdk import ClaudeSDKClient, Transport
    from lines import answer

    import pullcord

    class Cli(Transport):
        """In the place of the CLI: it asks the SDK for whatever the CLI would ask of its servers."""

        def __init__(self) -> None:
            self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            self.answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
            self.numbers = count(1)

        async def connect(self) -> None:
            """There is nothing to connect."""

        async def write(self, data: str) -> None:
            """Take what the SDK sends: a request of its own, or the answer to one of ours."""
            message = json.loads(data)
            if message["type"] == "control_request":
                response = {"subtype": "success", "request_id": message["request_id"], "response": {}}
                self.messages.put_nowait({"type": "control_response", "response": response})
            elif message["type"] == "control_response":
                response = message["response"]
                self.answers[response["request_id"]].set_result(response)

        async def read_messages(self) -> AsyncIterator[dict[str, Any]]:
            """What the SDK is sent."""
            while True:
                yield await self.messages.get()

        async def close(self) -> None:
            """There is nothing to close."""

        async def end_input(self) -> None:
            """There is no input to end."""

        def is_ready(self) -> bool:
            """Whether it takes messages."""
            return True

        async def mcp(self, method: str, params: dict[str, Any], *, notify: bool = False) -> dict[str, Any]:
            """Send a message to the server."""
            name = f"cli-{next(self.numbers)}"
            self.answers[name] = asyncio.get_running_loop().create_future()
            message = {"jsonrpc": "2.0", "method": method, "params": params, **({} if notify else {"id": name})}
            request = {"subtype": "mcp_message", "server_name": "pullcord", "message": message}
            self.messages.put_nowait({"type": "control_request", "request_id": name, "request": request})
            response = await self.answers[name]
            result: dict[str, Any] = response["response"]["mcp_response"]["result"]
            return result

    async def main() -> None:
        """Run the client."""
        cli = Cli()
        async with pullcord.server(sandbox=True) as server, ClaudeSDKClient(options(server), cli):
            info = {"name": "claude-code", "version": "2"}
            await cli.mcp("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info})
            await cli.mcp("notifications/initialized", {}, notify=True)

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                result = await cli.mcp("tools/call", {"name": name, "arguments": given})
                return [result["content"][0]["text"], json.dumps(result["structuredContent"])]

            await answer([tool["name"] for tool in (await cli.mcp("tools/list", {}))["tools"]], call)

    asyncio.run(main())
