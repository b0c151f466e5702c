"""pydantic-ai: a whole agent whose model is a function: it makes the call, and keeps what it is shown of it."""

import asyncio
import sys
from typing import Any

from fastmcp.client.transports import StdioTransport
from lines import answer
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, RetryPromptPart, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


async def main(toolset: MCPToolset) -> None:
    """Run the agent."""
    tools: list[str] = []
    shown: list[str] = []
    wanted: list[ToolCallPart] = []

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        tools[:] = [tool.name for tool in info.function_tools]
        if wanted:
            return ModelResponse(parts=[wanted.pop()])
        shown[:] = [
            part.model_response() if isinstance(part, RetryPromptPart) else part.model_response_str()
            for part in messages[-1].parts
            if isinstance(part, ToolReturnPart | RetryPromptPart)
        ]
        return ModelResponse(parts=[TextPart("done")])

    async with Agent(FunctionModel(model), toolsets=[toolset]) as agent:

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            wanted.append(ToolCallPart(name, given))
            await agent.run("go")
            return list(shown)

        await agent.run("go")
        await answer(list(tools), call)


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    asyncio.run(main(MCPToolset(StdioTransport(command, args))))
