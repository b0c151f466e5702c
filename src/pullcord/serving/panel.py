"""The panel: a page for people that hosts show beside a tool's answer, as MCP Apps (revision 2026-01-26) says."""

from importlib.resources import files

from pullcord.serving.resources import Resource

EXTENSION = "io.modelcontextprotocol/ui"
"""The identifier of MCP Apps."""
_URI = "ui://pullcord/panel"
TOOL_META = {"ui": {"resourceUri": _URI}}
"""What a tool says of the page: its answers are shown in it. Who may call the tool is left to the default, all."""


def _page() -> str:
    return files("pullcord.serving").joinpath("panel.html").read_text(encoding="utf-8")


PANEL = Resource(
    uri=_URI,
    name="panel",
    title="pullcord's panel",
    description="Shows people what runs and what came of each call, with a button for each next step.",
    media_type="text/html;profile=mcp-app",
    load=_page,
    # Nothing is loaded, and nothing reached, but through the host: said outright, since some hosts insist on it.
    meta={"ui": {"csp": {"connectDomains": [], "resourceDomains": []}, "prefersBorder": True}},
)
"""The page. It holds no text of a platform: all that it shows comes by messages of its host."""
