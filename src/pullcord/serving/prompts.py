"""The prompt that people start by name: to stop work."""

from typing import Any, TypeAlias

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

_Context: TypeAlias = ServerRequestContext[Any]

_STOP = types.Prompt(
    name="stop",
    title="Stop running work",
    description="Finds work that runs on agent platforms, stops it, and says what is known of its end.",
    arguments=[
        types.PromptArgument(
            name="what", description="A name, an id or a platform; empty: show what runs, and ask.", required=False
        )
    ],
)

_FIND = (
    "Find it with find_running (contains narrows by name and id). If exactly one piece of work fits, stop it; if"
    " several do, show them and ask which; if none does, say so, and name the platforms that were not seen."
)
_ASK = "Look with find_running at what runs, show me the work by name, platform and age, and ask which to stop."
_STEPS = (
    "Stop it by its action cancel in allowed_actions, with that tool and those arguments; add cascade: true where the"
    " tool has it and what the work started is to stop, too. While the outcome is stopping, follow the action self; a"
    " stronger stop (the action terminate) only if I agree. On unknown look before anything is sent again."
)
_SAY = (
    "Then tell me the outcome as it is. Say that it has stopped only if work_stopped is yes; with a final outcome and"
    " unknown say that the platform records the end and nothing proves it. Name what may_go_on lists."
)


def offer(server: Server[Any]) -> None:
    """Let people start the prompt.

    Args:
        server: answers prompts/list and prompts/get from then on.
    """

    async def list_prompts(_ctx: ServerRequestContext[Any], _: types.PaginatedRequestParams) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[_STOP])

    async def get_prompt(_ctx: _Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        arguments = dict(params.arguments or {})
        what = arguments.pop("what", "").strip()
        if params.name != _STOP.name or arguments:
            message = "There is one prompt, stop, with one argument, what, which may be left out."
            raise MCPError(code=types.INVALID_PARAMS, message=message)
        text = types.TextContent(type="text", text=_text(what))
        return types.GetPromptResult(
            description=_STOP.description, messages=[types.PromptMessage(role="user", content=text)]
        )

    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)


def _text(what: str) -> str:
    """What a person says by the prompt.

    Args:
        what: names the work; empty: none is named yet.
    """
    beginning = f"Stop this work on the agent platforms: {what}\n\n{_FIND}" if what else _ASK
    return f"{beginning} {_STEPS} {_SAY}"
