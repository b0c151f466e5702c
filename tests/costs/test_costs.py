"""Answers stay small. Bytes are counted, since the tokenizer of `make costs` is installed only for it."""

import pytest
from tests.costs.__main__ import ALL_TOOLS, SINGLE, SINGLES, WHOLE, WHOLE_CALLS, call, definitions, whole

from pullcord.manifest import loading
from pullcord.model.running import callables

ANSWER, DEFINITION = 3.5, 4
"""Bytes of a token, where most are ids, and where most are words."""


@pytest.mark.anyio
@pytest.mark.parametrize(("what", "name", "arguments"), SINGLES, ids=[f"{name}: {what}" for what, name, _ in SINGLES])
async def test_an_answer_about_one_piece_of_work_is_short(what: str, name: str, arguments: dict[str, str]) -> None:
    (text,) = await call((name, arguments))
    assert len(text.encode()) <= SINGLE * ANSWER, what


def test_the_tools_of_all_platforms_leave_room_for_other_things() -> None:
    tools = [each for each in callables(loading.load(loading.shipped())).values() if each.tool]
    assert len(definitions(tools).encode()) <= ALL_TOOLS * DEFINITION


@pytest.mark.anyio
async def test_an_agent_that_knows_nothing_stops_the_whole_sandbox_with_few_calls() -> None:
    texts = await whole()
    assert len(texts) <= WHOLE_CALLS
    assert sum(len(text.encode()) for text in texts) <= WHOLE * ANSWER
