"""The panel: a page for people that hosts show beside a tool's answer, as MCP Apps (revision 2026-01-26) says."""

import json
import re
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from typing import Any

from pullcord.model.cancel import CASCADE, WAIT_SECONDS
from pullcord.model.operation import Operation
from pullcord.serving.resources import Resource

EXTENSION = "io.modelcontextprotocol/ui"
"""The identifier of MCP Apps."""
_URI = "ui://pullcord/panel"
TOOL_META = {"ui": {"resourceUri": _URI}}
"""What a tool says of the page: its answers are shown in it. Who may call the tool is left to the default, all."""
_FACTS = '<script type="application/json" id="facts">{}</script>'
"""Where the page reads what it must know of platforms and their tools, besides the answers."""
_FOR_AGENTS = re.compile(r" (Safe to repeat|Returns outcome)\b.*", re.DOTALL)
"""The end of a cancel's description, which says how to call it, and so nothing to people."""
_SYNONYMS = re.compile(r"^(\w+)(?:, [\w-]+)* or [\w -]+?(?= (?:an?|the|what) )")
"""The verbs with which a cancel's description begins, so that it is found by each: one of them tells it to people."""
_FOR_READERS = re.compile("^ *(?://.*)?\n|^ +", re.MULTILINE)
"""What only somebody who reads the page's source needs: empty lines, comments, and indentation."""


def page(tools: Mapping[str, Operation]) -> Resource:
    """The page for these tools. It holds no text of a platform's answers: they come to it by messages of its host."""
    return Resource(
        uri=_URI,
        name="panel",
        title="pullcord's panel",
        description="Shows people what runs and what came of each call, with a button for each next step.",
        media_type="text/html;profile=mcp-app",
        load=partial(_html, tools),
        # Nothing is loaded, and nothing reached, but through the host: said outright, since some hosts insist on it.
        meta={"ui": {"csp": {"connectDomains": [], "resourceDomains": []}, "prefersBorder": True}},
    )


def _html(tools: Mapping[str, Operation]) -> str:
    html = files("pullcord.serving").joinpath("panel.html").read_text(encoding="utf-8")
    facts: dict[str, Any] = {}
    for name, operation in tools.items():
        platform = facts.setdefault(operation.platform.name, {"title": operation.platform.title, "tools": {}})
        platform["tools"][name] = _facts(operation)
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    # A manifest's text must not end the element that it stands in.
    return _FOR_READERS.sub("", html).replace(_FACTS, _FACTS.replace("{}", text.replace("<", r"\u003c")))


def _facts(operation: Operation) -> dict[str, Any]:
    """What the page must know of a tool: how long it watches; of a cancel what it does, and whether it can cascade."""
    arguments = {parameter.name: parameter for parameter in operation.arguments}
    wait = arguments.get(WAIT_SECONDS)
    facts = {
        "wait": wait and wait.schema["default"],
        "what": operation.cancel and _SYNONYMS.sub(r"\1", _FOR_AGENTS.sub("", operation.description)),
        "cascade": CASCADE in arguments,
    }
    return {name: value for name, value in facts.items() if value}
