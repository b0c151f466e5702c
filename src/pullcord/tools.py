"""An operation to its MCP tool. Pure."""

from mcp import types

from pullcord import arguments, result
from pullcord.operation import Operation


def tool(operation: Operation) -> types.Tool:
    """The tool of an operation: its name is the operationId."""
    cancels = operation.cancel is not None
    return types.Tool(
        name=operation.id,
        title=operation.title,
        description=operation.description,
        input_schema=arguments.schema(operation),
        output_schema=result.schema(operation),
        annotations=types.ToolAnnotations(
            read_only_hint=not cancels,
            destructive_hint=cancels,
            # Repeated, a cancel of "whatever runs" may meet the next piece of work.
            idempotent_hint=operation.repeatable,
            open_world_hint=True,
        ),
    )
