"""pullcord tools: what would be offered."""

import argparse
import json
from collections.abc import Mapping

from pullcord.assembly.choice import surface
from pullcord.commands.options import choice
from pullcord.serving.tools import tool


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the tools, a line each, or with --json as MCP's tools/list answers; the exit status."""
    offered = surface(choice(options), environ)
    if options.json:
        tools = [
            tool(operation).model_dump(mode="json", by_alias=True, exclude_none=True)
            for operation in offered.tools.values()
        ]
        print(json.dumps({"tools": tools}, ensure_ascii=False, indent=2))
        return 0
    width = max(map(len, offered.tools), default=0)
    for operation in offered.tools.values():
        print(f"{operation.id:<{width}}  {operation.title}")
    return 0
