"""agent-framework: a whole agent whose model is a script: it makes the call, and keeps what it is shown of it.

As it comes, the library tells a model of no failed call more than "Function failed": include_detailed_errors is needed.
"""

import asyncio
import sys
from collections.abc import Awaitable, Sequence
from typing import Any

from agent_framework import (
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    MCPStdioTool,
    Message,
)
from lines import answer


class Script(FunctionInvocationLayer, BaseChatClient):
    """A model that makes the calls it is told to make."""

    wanted: list[Content]
    shown: list[str]

    def _inner_get_response(self, *, messages: Sequence[Message], **_: object) -> Awaitable[ChatResponse]:
        async def respond() -> ChatResponse:
            if self.wanted:
                return ChatResponse(messages=[Message(role="assistant", contents=[self.wanted.pop()])])
            self.shown = [str(content.result) for content in messages[-1].contents if content.type == "function_result"]
            return ChatResponse(messages=[Message(role="assistant", contents=["done"])])

        return respond()


async def main(tool: MCPStdioTool) -> None:
    """Run the agent."""
    model = Script(function_invocation_configuration={"include_detailed_errors": True})
    async with tool as server:

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            model.wanted = [Content.from_function_call(call_id="1", name=name, arguments=given)]
            await model.get_response([Message(role="user", contents=["go"])], options={"tools": server.functions})
            return model.shown

        await answer([function.name for function in server.functions], call)


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    asyncio.run(main(MCPStdioTool("pullcord", command, args=args, load_prompts=False)))
