"""The panel as clients are told of it. In both eras; what the page does is driven in tests/panel/."""

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, types
from tests.support import Stage, answering, shipped, stage

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.manifest import loading
from pullcord.model.operation import Operation
from pullcord.model.running import callables
from pullcord.serving.panel import EXTENSION, TOOL_META, page
from pullcord.serving.server import make
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

SIZE = 30_000
"""Bytes of the page, at most."""
TOOLS = callables(shipped())


def facts(html: str) -> dict[str, Any]:
    """What the page reads of platforms and their tools."""
    (text,) = re.findall(r'<script type="application/json" id="facts">(.*?)</script>', html)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


async def test_every_tool_names_the_page_and_the_page_can_be_read(staged: Stage) -> None:
    tools = (await staged.client.list_tools()).tools
    assert tools
    for tool in tools:
        assert tool.meta == {"ui": {"resourceUri": "ui://pullcord/panel"}}
    (listed,) = [each for each in (await staged.client.list_resources()).resources if each.uri == page({}).uri]
    (read,) = (await staged.client.read_resource(TOOL_META["ui"]["resourceUri"])).contents
    assert isinstance(read, types.TextResourceContents)
    assert (listed.uri, listed.mime_type) == (read.uri, read.mime_type)
    assert (read.uri, read.mime_type) == ("ui://pullcord/panel", "text/html;profile=mcp-app")
    assert read.text == page(staged.scope.tools).load()


async def test_the_page_asks_for_no_network_and_no_permission(staged: Stage) -> None:
    (read,) = (await staged.client.read_resource(page({}).uri)).contents
    assert read.meta is not None
    assert read.meta["ui"] == {"csp": {"connectDomains": [], "resourceDomains": []}, "prefersBorder": True}


async def test_the_extension_is_announced_to_a_client_that_does_not_name_it(staged: Stage) -> None:
    capabilities = staged.client.server_capabilities
    assert capabilities.extensions is not None
    assert capabilities.extensions[EXTENSION] == {}
    assert capabilities.resources is not None


@pytest.mark.parametrize("tools", [TOOLS, callables(loading.load(loading.shipped()))], ids=["always listed", "all"])
def test_the_page_is_one_small_document_that_loads_nothing(tools: Mapping[str, Operation]) -> None:
    html = page(tools).load()
    assert html.startswith("<!doctype html>\n")
    assert len(html.encode()) < SIZE
    for word in ("http:", "https:", "src=", "href=", "url(", "@import", "import(", "fetch(", "XMLHttpRequest"):
        assert word not in html
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser", "Function("):
        assert sink not in html, "what platforms say is only ever text"


def test_the_page_knows_each_tool_and_which_of_them_stop_work() -> None:
    platforms = facts(page(TOOLS).load())
    tools: Mapping[str, Mapping[str, Any]] = {
        name: each for platform in platforms.values() for name, each in platform["tools"].items()
    }
    assert tools.keys() == TOOLS.keys()
    assert {name for name, each in tools.items() if "what" in each} == {
        name for name, each in TOOLS.items() if each.cancel
    }
    assert platforms["xpander"]["title"] == "xpander.ai"
    assert tools["cancel_turn"]["what"].startswith("Stop what an Everruns agent does now in its")
    assert "go on (cancel_task stops one, cascade all)" in tools["cancel_turn"]["what"]
    assert "allowed_actions" not in tools["cancel_turn"]["what"], "that part is for agents"
    assert (tools["cancel_turn"]["cascade"], tools["cancel_turn"]["wait"]) == (True, 10)
    assert "cascade" not in tools["cancel_workspace_task"]
    assert tools["get_session"] == {}


def test_no_text_of_a_manifest_ends_the_element_that_it_stands_in() -> None:
    operation = replace(TOOLS["stop_task"], description="</script><script>alert(1)</script>")
    html = page({"stop_task": operation}).load()
    assert html.count("<script") == page({}).load().count("<script") == 2
    assert facts(html)["xpander"]["tools"]["stop_task"]["what"] == operation.description


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_without_the_panel_nothing_speaks_of_it(mode: str) -> None:
    scope = Surface.of(shipped(), settings.read(shipped(), {}))
    server = make(scope, Engine(Gateway(answering(200))), panel=False)
    async with Client(server, mode=mode, cache=None) as client:
        tools = (await client.list_tools()).tools
        capabilities = client.server_capabilities
        listed = [each.uri for each in (await client.list_resources()).resources]
    assert {tool.name: tool.meta for tool in tools} == dict.fromkeys(scope.tools)
    assert EXTENSION not in (capabilities.extensions or {})
    assert page({}).uri not in listed


@pytest.mark.parametrize(("options", "are_offered"), [([], True), (["--no-panel"], False)])
async def test_the_command_leaves_it_out_where_it_is_told_to(options: list[str], *, are_offered: bool) -> None:
    start = StdioServerParameters(
        command=sys.executable, args=["-m", "pullcord", "serve", *options], env={**os.environ}
    )
    with anyio.fail_after(300):
        async with Client(start) as client:
            assert {bool(tool.meta) for tool in (await client.list_tools()).tools} == {are_offered}
