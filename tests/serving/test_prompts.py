"""The prompt that people start by name. In both eras."""

from collections.abc import AsyncIterator

import pytest
from mcp import MCPError, types
from tests.support import Stage, stage

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


async def _said(staged: Stage, arguments: dict[str, str] | None) -> str:
    """What the prompt says for a person."""
    (message,) = (await staged.client.get_prompt("stop", arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, types.TextContent)
    return message.content.text


async def test_there_is_one_prompt_whose_argument_may_be_left_out(staged: Stage) -> None:
    (prompt,) = (await staged.client.list_prompts()).prompts
    assert (prompt.name, prompt.title) == ("stop", "Stop running work")
    assert [(each.name, each.required) for each in prompt.arguments or []] == [("what", False)]


async def test_what_is_to_be_stopped_is_said_in_the_persons_words(staged: Stage) -> None:
    said = await _said(staged, {"what": " the nightly crawl "})
    assert said.startswith("Stop this work on the agent platforms: the nightly crawl\n\nFind it with find_running")


@pytest.mark.parametrize("arguments", [None, {}, {"what": ""}, {"what": " "}])
async def test_a_person_who_names_nothing_is_shown_what_runs_and_asked(
    staged: Stage, arguments: dict[str, str] | None
) -> None:
    said = await _said(staged, arguments)
    assert said.startswith("Look with find_running at what runs, show me the work")
    assert "Stop this work" not in said


async def test_the_prompt_speaks_of_what_answers_really_have(staged: Stage) -> None:
    said = await _said(staged, {"what": "x"})
    (find_running,) = [tool for tool in (await staged.client.list_tools()).tools if tool.name == "find_running"]
    assert "contains" in find_running.input_schema["properties"]
    answer = (await staged.client.call_tool("find_running", {})).structured_content or {}
    for member in ("outcome", "work_stopped", "may_go_on", "allowed_actions"):
        assert member in answer
        assert member in said


@pytest.mark.parametrize(("name", "arguments"), [("halt", {}), ("stop", {"which": "x"})])
async def test_another_prompt_or_argument_is_an_error_that_names_the_one(
    staged: Stage, name: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(MCPError, match="There is one prompt, stop, with one argument, what") as raised:
        await staged.client.get_prompt(name, arguments)
    assert raised.value.error.code == types.INVALID_PARAMS
