"""The panel as clients are told of it. In both eras; what the page does is driven in tests/panel/."""

from collections.abc import AsyncIterator

import pytest
from mcp import Client, types
from tests.support import Stage, answering, shipped, stage

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.serving.panel import EXTENSION, PANEL, TOOL_META
from pullcord.serving.server import make
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

SIZE = 30_000
"""Bytes of the page, at most."""


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


async def test_every_tool_names_the_page_and_the_page_can_be_read(staged: Stage) -> None:
    tools = (await staged.client.list_tools()).tools
    assert tools
    for tool in tools:
        assert tool.meta == {"ui": {"resourceUri": "ui://pullcord/panel"}}
    (listed,) = (await staged.client.list_resources()).resources
    (read,) = (await staged.client.read_resource(TOOL_META["ui"]["resourceUri"])).contents
    assert isinstance(read, types.TextResourceContents)
    assert (listed.uri, listed.mime_type) == (read.uri, read.mime_type)
    assert (read.uri, read.mime_type) == ("ui://pullcord/panel", "text/html;profile=mcp-app")
    assert read.text == PANEL.load()


async def test_the_page_asks_for_no_network_and_no_permission(staged: Stage) -> None:
    (read,) = (await staged.client.read_resource(PANEL.uri)).contents
    assert read.meta is not None
    assert read.meta["ui"] == {"csp": {"connectDomains": [], "resourceDomains": []}, "prefersBorder": True}


async def test_the_extension_is_announced_to_a_client_that_does_not_name_it(staged: Stage) -> None:
    capabilities = staged.client.server_capabilities
    assert capabilities.extensions == {EXTENSION: {}}
    assert capabilities.resources is not None


def test_the_page_is_one_small_document_that_loads_nothing() -> None:
    page = PANEL.load()
    assert page.startswith("<!doctype html>\n")
    assert len(page.encode()) < SIZE
    for word in ("http:", "https:", "src=", "href=", "url(", "@import", "import(", "fetch(", "XMLHttpRequest"):
        assert word not in page
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser", "Function("):
        assert sink not in page, "what platforms say is only ever text"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_without_the_panel_nothing_speaks_of_it(mode: str) -> None:
    scope = Surface.of(shipped(), settings.read(shipped(), {}))
    server = make(scope, Engine(Gateway(answering(200))), panel=False)
    async with Client(server, mode=mode, cache=None) as client:
        tools = (await client.list_tools()).tools
        capabilities = client.server_capabilities
    assert {tool.name: tool.meta for tool in tools} == dict.fromkeys(scope.tools)
    assert capabilities.extensions is None
    assert capabilities.resources is None
