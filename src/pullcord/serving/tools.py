"""Makes the MCP tool of an operation. Pure."""

from collections.abc import Mapping
from typing import Any

from mcp import types

from pullcord.model import arguments
from pullcord.model.operation import Operation
from pullcord.model.outcome import OF_CANCELS, OF_LOOKS


def tool(operation: Operation, meta: Mapping[str, Any] | None = None) -> types.Tool:
    """The tool of an operation: its name is the operationId.

    Args:
        operation: what it calls.
        meta: what an extension says of it, in MCP's `_meta`; None: nothing.
    """
    cancels = operation.cancel is not None
    return types.Tool(
        name=operation.id,
        title=operation.title,
        description=operation.description,
        input_schema=arguments.schema(operation),
        output_schema=output_schema(operation),
        annotations=types.ToolAnnotations(
            read_only_hint=not cancels,
            destructive_hint=cancels,
            # Repeated, a cancel of "whatever runs" may meet the next piece of work.
            idempotent_hint=operation.repeatable,
            open_world_hint=True,
        ),
        _meta=None if meta is None else dict(meta),
    )


def output_schema(operation: Operation) -> dict[str, Any]:
    """The JSON Schema of an operation's answers, success and error alike.

    Compact, since every tool carries it: only what steers an agent is described and required, of the members that every
    answer has.
    """
    words = OF_CANCELS if operation.cancel else OF_LOOKS
    return {
        "type": "object",
        "properties": {"outcome": {"enum": [str(word) for word in words]}, "allowed_actions": {"type": "array"}},
        "required": ["outcome", "message", "work_stopped", "allowed_actions"],
    }
