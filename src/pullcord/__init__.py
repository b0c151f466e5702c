"""pullcord: an MCP server that stops work on agent platforms, and says honestly what came of it."""

__version__ = "0.2.0"

__all__ = ["__version__"]
