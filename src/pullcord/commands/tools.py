"""pullcord tools: what would be offered."""

import argparse
import json
from collections.abc import Iterator, Mapping

from pullcord.assembly.choice import surface, unnamed
from pullcord.commands.options import choice
from pullcord.commands.terminal import say
from pullcord.config.surface import Surface
from pullcord.serving.panel import TOOL_META
from pullcord.serving.tools import tool


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the tools, a line each, or with --json as MCP's tools/list answers.

    Args:
        options: of the command line.
        environ: the variables, by name.

    Returns:
        The exit status.
    """
    offer = surface(choice(options), environ)
    if options.json:
        tools = [
            tool(operation, TOOL_META).model_dump(mode="json", by_alias=True, exclude_none=True)
            for operation in offer.tools.values()
        ]
        print(json.dumps({"tools": tools}, ensure_ascii=False, indent=2))
    else:
        width = max(map(len, offer.tools), default=0)
        for name, operation in offer.tools.items():
            print(f"{name:<{width}}  {operation.title}")
    if not options.only:
        for sentence in more(offer, unnamed(choice(options), environ)):
            say(sentence)
    return 0


def more(offer: Surface, rest: Surface) -> Iterator[str]:
    """Sentences about tools that are not offered, and what is needed to offer them.

    Args:
        offer: what is offered.
        rest: the platforms that are not named.
    """
    for name, settings in offer.settings.items():
        operations = [each for each in offer.catalogue.values() if each.platform.name == name and each.tool]
        count = sum(each.tool not in offer.tools for each in operations)
        if settings.obstacle and count:
            yield f"{_count(count)} of {operations[0].platform.title}: {settings.obstacle}"
    for name in rest.settings:
        operations = [each for each in rest.catalogue.values() if each.platform.name == name and each.tool]
        yield f"{_count(len(operations))} of {operations[0].platform.title} with --platform {name}"


def _count(number: int) -> str:
    return f"{number} more tool{'s' * (number != 1)}"
