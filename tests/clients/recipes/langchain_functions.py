"""langchain-core, and so LangGraph: a StructuredTool for each tool, over mcp's own client."""

# begin
import json
from typing import Any

from langchain_core.tools import StructuredTool
from mcp import Client, types


async def tools(client: Client) -> list[StructuredTool]:
    """Tools for an agent or a ToolNode, of a client as in `Client(server)`."""

    def function(tool: types.Tool) -> StructuredTool:
        async def call(**arguments: Any) -> str:
            return json.dumps((await client.call_tool(tool.name, arguments)).structured_content)

        return StructuredTool(
            name=tool.name, description=tool.description or "", args_schema=tool.input_schema, coroutine=call
        )

    return [function(tool) for tool in (await client.list_tools()).tools]


# end
if __name__ == "__main__":
    import asyncio

    from langchain_core.messages import AIMessage
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode
    from lines import answer

    import pullcord

    async def main() -> None:
        """Run a graph whose node of tools is called as a model calls it."""
        async with pullcord.server(sandbox=True) as server, Client(server) as client:
            functions = await tools(client)
            graph = StateGraph(MessagesState)
            graph.add_node("tools", ToolNode(functions))
            graph.add_edge(START, "tools")
            graph.add_edge("tools", END)
            program = graph.compile()

            async def call(name: str, given: dict[str, Any]) -> list[str]:
                wanted = AIMessage("", tool_calls=[{"name": name, "args": given, "id": "1"}])
                state = await program.ainvoke({"messages": [wanted]})
                return [state["messages"][-1].content]

            await answer([function.name for function in functions], call)

    asyncio.run(main())
