"""google-adk: a tool class of one's own, since its McpToolset takes no server in the process."""

# begin
from typing import Any

from google.adk.tools import BaseTool
from google.genai.types import FunctionDeclaration
from mcp import Client, types


class Tool(BaseTool):
    """A tool of a client as in `Client(server)`."""

    def __init__(self, client: Client, tool: types.Tool) -> None:
        super().__init__(name=tool.name, description=tool.description or "")
        self.client, self.schema = client, tool.input_schema

    def _get_declaration(self) -> FunctionDeclaration:
        return FunctionDeclaration(name=self.name, description=self.description, parameters_json_schema=self.schema)

    async def run_async(self, *, args: dict[str, Any], **_: Any) -> Any:
        return (await self.client.call_tool(self.name, args)).structured_content


async def tools(client: Client) -> list[BaseTool]:
    """What an LlmAgent takes as its tools."""
    return [Tool(client, tool) for tool in (await client.list_tools()).tools]


# end
if __name__ == "__main__":
    import asyncio
    import json
    from collections.abc import AsyncGenerator

    from google.adk.agents import LlmAgent
    from google.adk.models import BaseLlm, LlmRequest, LlmResponse
    from google.adk.runners import InMemoryRunner
    from google.genai.types import Content, Part
    from lines import answer
    from pydantic import Field

    import pullcord

    class Script(BaseLlm):
        """A model that makes the calls it is told to make, and keeps what it is shown of them."""

        model: str = "script"
        wanted: list[Part] = Field(default_factory=list)
        shown: list[str] = Field(default_factory=list)

        async def generate_content_async(
            self, llm_request: LlmRequest, *_: Any, **__: Any
        ) -> AsyncGenerator[LlmResponse, None]:
            """Make the call, or keep its answer."""
            if self.wanted:
                yield LlmResponse(content=Content(role="model", parts=[self.wanted.pop()]))
                return
            parts = llm_request.contents[-1].parts or []
            self.shown[:] = [json.dumps(part.function_response.response) for part in parts if part.function_response]
            yield LlmResponse(content=Content(role="model", parts=[Part(text="done")]))

    async def main() -> None:
        """Run the agent."""
        model = Script()
        async with pullcord.server(sandbox=True) as server, Client(server) as client:
            functions = await tools(client)
            runner = InMemoryRunner(LlmAgent(name="agent", model=model, tools=functions))

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                model.wanted.append(Part.from_function_call(name=name, args=given))
                await runner.run_debug("go", quiet=True)
                return list(model.shown)

            await answer([function.name for function in functions], call)

    asyncio.run(main())
