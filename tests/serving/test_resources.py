"""What clients may read of a server: what it lists, what it hands out, and when. In both eras."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client, MCPError, types
from mcp.server.lowlevel import Server

from pullcord.serving.resources import Resource, offer

pytestmark = pytest.mark.anyio

NOTE = Resource("note://one", "one", "The first note", "A note.", "text/plain", lambda: "text of one")
PAGE = Resource("ui://two", "two", "The page", "A page.", "text/html", lambda: "<p>", {"ui": {"prefersBorder": True}})

eras = pytest.mark.parametrize("mode", ["legacy", "auto"])


@asynccontextmanager
async def client(mode: str, *resources: Resource) -> AsyncIterator[Client]:
    """A client of a server with these resources."""
    server = Server("library", version="1")
    offer(server, resources)
    async with Client(server, mode=mode, cache=None) as client:
        yield client


@eras
async def test_each_resource_is_listed_without_its_text(mode: str) -> None:
    async with client(mode, NOTE, PAGE) as reader:
        note, page = (await reader.list_resources()).resources
    assert note.model_dump(exclude_none=True) == {
        "uri": "note://one",
        "name": "one",
        "title": "The first note",
        "description": "A note.",
        "mime_type": "text/plain",
    }
    assert (page.uri, page.meta) == ("ui://two", {"ui": {"prefersBorder": True}})


@eras
async def test_a_resource_is_read_by_its_uri(mode: str) -> None:
    async with client(mode, NOTE, PAGE) as reader:
        (note,) = (await reader.read_resource("note://one")).contents
        (page,) = (await reader.read_resource("ui://two")).contents
    assert isinstance(note, types.TextResourceContents)
    assert (note.uri, note.mime_type, note.text, note.meta) == ("note://one", "text/plain", "text of one", None)
    assert isinstance(page, types.TextResourceContents)
    assert (page.uri, page.mime_type, page.text) == ("ui://two", "text/html", "<p>")
    assert page.meta == {"ui": {"prefersBorder": True}}


@eras
async def test_a_text_is_loaded_only_when_it_is_read(mode: str) -> None:
    loads: list[str] = []

    def load() -> str:
        loads.append("loaded")
        return "text"

    async with client(mode, NOTE._replace(load=load)) as reader:
        await reader.list_resources()
        assert loads == []
        await reader.read_resource("note://one")
        assert loads == ["loaded"]


@eras
async def test_what_is_no_resource_is_an_error_that_names_its_uri(mode: str) -> None:
    async with client(mode, NOTE) as reader:
        with pytest.raises(MCPError, match="There is no resource of this URI") as raised:
            await reader.read_resource("note://three")
    assert (raised.value.error.code, raised.value.error.data) == (types.INVALID_PARAMS, {"uri": "note://three"})


@eras
async def test_there_are_no_templates_and_asking_for_them_is_no_error(mode: str) -> None:
    async with client(mode, NOTE) as reader:
        assert (await reader.list_resource_templates()).resource_templates == []


@eras
async def test_a_server_with_nothing_to_read_does_not_say_that_it_has_resources(mode: str) -> None:
    async with client(mode) as reader:
        assert reader.server_capabilities.resources is None
        with pytest.raises(MCPError, match="Method not found"):
            await reader.list_resources()
