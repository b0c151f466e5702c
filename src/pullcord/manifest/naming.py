"""The names of operations: in their manifest, among all that are loaded, and as tools."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pullcord.manifest.node import Node
from pullcord.model.link import Link
from pullcord.model.operation import Operation

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TOOLS_LIMIT = 6
"""Tools of one platform at most: each costs every agent some of its attention."""


def tool(members: Mapping[str, Node]) -> str | None:
    """The name of an operation's tool: its operationId, unless x-tool gives another; None: it is no tool."""
    if "x-tool" not in members:
        return members["operationId"].text(
            _NAME, "a tool name (1 to 64 of A-Z a-z 0-9 _ -), or give its tool one with x-tool"
        )
    if members["x-tool"].value is False:
        return None
    return members["x-tool"].text(_NAME, "a tool name: 1 to 64 of A-Z a-z 0-9 _ -, or false if it is no tool")


def check_tools(operations: Sequence[tuple[Operation, Node]]) -> None:
    """Note a fault for each tool of a manifest that has the name of another, or is one too many."""
    tools: dict[str, Operation] = {}
    for operation, node in operations:
        if operation.tool:
            first = tools.setdefault(operation.tool, operation)
            if first is not operation and first.operation_id != operation.operation_id:
                node.fault(f"the tool {operation.tool} is also {first.operation_id}; give one another name with x-tool")
            if len(tools) > TOOLS_LIMIT and first is operation:
                node.fault(
                    f"this is one tool more than {TOOLS_LIMIT};"
                    " write x-tool: false at operations that only looks, parts and targets use"
                )


def renamed(operations: Sequence[Operation]) -> list[Operation]:
    """The operations of one manifest with ids that are unique among all manifests, also where links name them.

    The id of a tool is its name; the id of any other operation is PLATFORM/OPERATION_ID.
    """
    ids = {each.id: each.tool or f"{each.platform.name}/{each.operation_id}" for each in operations}
    if all(old == new for old, new in ids.items()):
        return list(operations)
    return [_renamed(each, ids) for each in operations]


def _renamed(operation: Operation, ids: Mapping[str, str]) -> Operation:
    """An operation with its new id, whose links and target name others by theirs."""

    def relinked(links: Sequence[Link]) -> tuple[Link, ...]:
        return tuple(link._replace(operation_id=ids[link.operation_id]) for link in links)

    cancel, listing = operation.cancel, operation.listing
    if cancel and cancel.target:
        target = cancel.target._replace(operation_id=ids[cancel.target.operation_id])
        cancel = cancel._replace(target=target)
    return replace(
        operation,
        id=ids[operation.id],
        responses={status: each._replace(links=relinked(each.links)) for status, each in operation.responses.items()},
        cancel=cancel,
        listing=listing and listing._replace(links=relinked(listing.links)),
    )
