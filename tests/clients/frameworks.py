"""The frameworks of docs/frameworks.md: each is driven by a recipe, whose code the document shows."""

from collections.abc import Mapping

from tests.clients.client import RECIPES, Client

SDK = ("mcp==2.3.0", "pyyaml==6.0.4")
"""What pullcord runs on: what mcp needs, and one package more."""


def _in_process(title: str, driver: str, shown: str, *packages: str, over: tuple[str, ...] = ()) -> Client:
    """A client that has pullcord in its own process."""
    needed = tuple(each for each in SDK if each not in (*packages, *over))
    return Client(title, (*packages, *needed), driver, shown, (), RECIPES, over)


FRAMEWORKS: Mapping[str, Client] = {
    "in-mcp": _in_process("mcp", "sdk_client.py", "both", "mcp==2.3.0"),
    "in-fastapi": _in_process("FastAPI, mounted", "fastapi_mount.py", "both", "fastapi==0.165.0"),
    "in-fastmcp": _in_process("FastMCP, client", "fastmcp_transport.py", "both", "fastmcp==4.2.3"),
    "in-fastmcp-mount": _in_process("FastMCP, mounted", "fastmcp_mount.py", "both", "fastmcp==4.2.3"),
    "in-pydantic-ai": _in_process(
        "pydantic-ai", "pydantic_ai_toolset.py", "structured; an error as text", "pydantic-ai-slim[mcp]==2.68.0"
    ),
    "in-openai-agents": _in_process(
        "openai-agents",
        "openai_agents_server.py",
        "text; structured with `use_structured_content`",
        "openai-agents==0.24.0",
    ),
    "in-agent-framework": _in_process(
        "agent-framework-core",
        "agent_framework_tool.py",
        "structured; errors only with `include_detailed_errors`",
        "agent-framework-core==1.23.0",
        "tenacity==9.2.1",
    ),
    "in-claude-sdk": _in_process("claude-agent-sdk", "claude_sdk_options.py", "both", "claude-agent-sdk==0.2.189"),
    "in-langchain": _in_process(
        "langchain-core, LangGraph",
        "langchain_functions.py",
        "what the function returns",
        "langgraph==1.2.24",
        "langchain-core==1.8.3",
    ),
    "in-haystack": _in_process("haystack", "haystack_tools.py", "what the client returns", "mcp-haystack==2.1.1"),
    "in-google-adk": _in_process("google-adk", "adk_tools.py", "structured", "google-adk==2.13.0"),
    "in-strands": _in_process(
        "strands", "strands_client.py", "both", "strands-agents==1.62.0", over=("mcp==2.3.0", "mcp-types==2.3.0")
    ),
    "in-llama-index": _in_process("llama-index", "llama_index_tools.py", "text", "llama-index-tools-mcp==0.6.0"),
    "smolagents": Client(
        "smolagents, a subprocess",
        ("smolagents[mcp]==1.26.0", "mcp==1.30.0"),
        "smolagents_subprocess.py",
        "structured",
        folder=RECIPES,
    ),
    "crewai": Client("crewai, a subprocess", ("crewai==1.15.30",), "crewai_subprocess.py", "text", folder=RECIPES),
}
"""By name."""
