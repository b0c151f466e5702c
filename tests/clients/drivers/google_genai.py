"""google-genai: Gemini's client calls tools by itself; its model is a function in the place of the service."""

import asyncio
import json
import sys
from typing import Any

import httpx2
from google import genai
from google.genai.types import GenerateContentConfigDict, HttpOptions
from lines import answer
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main() -> None:
    """Run the client."""
    command, *args = sys.argv[1:]
    tools: list[str] = []
    shown: list[str] = []
    wanted: list[dict[str, Any]] = []

    def model(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        tools[:] = [each["name"] for tool in asked["tools"] for each in tool["functionDeclarations"]]
        given = [part["functionResponse"]["response"] for part in asked["contents"][-1]["parts"] if "text" not in part]
        for result in [result for response in given for result in response.values()]:
            texts = [block["text"] for block in result["content"]]
            shown[:] = [*texts, json.dumps(result.get("structuredContent", result.get("structured_content")))]
        part = {"functionCall": wanted.pop()} if wanted else {"text": "done"}
        return httpx2.Response(200, json={"candidates": [{"content": {"role": "model", "parts": [part]}}]})

    async with (
        stdio_client(StdioServerParameters(command=command, args=args)) as streams,
        ClientSession(*streams) as session,
        httpx2.AsyncClient(transport=httpx2.MockTransport(model)) as service,
    ):
        await session.initialize()
        gemini = genai.Client(api_key="none", http_options=HttpOptions(httpx_async_client=service))
        config = GenerateContentConfigDict(tools=[session])

        async def call(name: str, given: dict[str, Any]) -> list[str]:
            wanted.append({"name": name, "args": given})
            await gemini.aio.models.generate_content(model="any", contents="go", config=config)
            return list(shown)

        await gemini.aio.models.generate_content(model="any", contents="go", config=config)
        await answer(list(tools), call)


asyncio.run(main())
