"""An operation to its MCP tool, and an answer to the tool's result. Pure."""

from mcp import types
from pydantic_core import to_json

from pullcord.flow import render
from pullcord.flow.render import Envelope
from pullcord.model import arguments
from pullcord.model.operation import Operation
from pullcord.model.outcome import MEANINGS, Outcome


def tool(operation: Operation) -> types.Tool:
    """The tool of an operation: its name is the operationId."""
    cancels = operation.cancel is not None
    return types.Tool(
        name=operation.id,
        title=operation.title,
        description=operation.description,
        input_schema=arguments.schema(operation),
        output_schema=render.schema(operation),
        annotations=types.ToolAnnotations(
            read_only_hint=not cancels,
            destructive_hint=cancels,
            # Repeated, a cancel of "whatever runs" may meet the next piece of work.
            idempotent_hint=operation.repeatable,
            open_world_hint=True,
        ),
    )


def tool_result(answer: Envelope) -> types.CallToolResult:
    """The answer as MCP carries it: the same JSON in both halves, since clients differ in which a model sees."""
    return types.CallToolResult(
        is_error=MEANINGS[Outcome(answer["outcome"])].is_error,
        structured_content=dict(answer),
        content=[types.TextContent(type="text", text=to_json(answer).decode())],
    )
