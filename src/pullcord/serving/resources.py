"""What clients may read: a table of resources, each of whose texts is loaded when a client asks for it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server


class Resource(NamedTuple):
    """A text that clients may read. It is the same for every client."""

    uri: str
    name: str
    title: str
    description: str
    media_type: str
    load: Callable[[], str]
    """Returns the text."""
    meta: Mapping[str, Any] | None = None
    """What an extension says of it, in MCP's `_meta`; None: nothing."""


def offer(server: Server[Any], resources: Iterable[Resource]) -> None:
    """Let the clients of a server read these resources; a server without any says nothing of resources.

    Args:
        server: answers resources/list, resources/templates/list and resources/read from then on.
        resources: each with a URI of its own.
    """
    by_uri = {resource.uri: resource for resource in resources}

    async def list_resources(
        _ctx: ServerRequestContext[Any], _: types.PaginatedRequestParams
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[_described(resource) for resource in by_uri.values()])

    async def list_templates(
        _ctx: ServerRequestContext[Any], _: types.PaginatedRequestParams
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[])

    async def read_resource(
        _ctx: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        resource = by_uri.get(params.uri)
        if resource is None:
            message = "There is no resource of this URI. resources/list names all."
            raise MCPError(code=types.INVALID_PARAMS, message=message, data={"uri": params.uri})
        contents = types.TextResourceContents(
            uri=resource.uri, mime_type=resource.media_type, text=resource.load(), _meta=_meta(resource)
        )
        return types.ReadResourceResult(contents=[contents])

    if by_uri:
        server.add_request_handler("resources/list", types.PaginatedRequestParams, list_resources)
        # There are none, but clients such as the Inspector ask wherever there are resources.
        server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, list_templates)
        server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_resource)


def _described(resource: Resource) -> types.Resource:
    return types.Resource(
        uri=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.media_type,
        _meta=_meta(resource),
    )


def _meta(resource: Resource) -> dict[str, Any] | None:
    return None if resource.meta is None else dict(resource.meta)
