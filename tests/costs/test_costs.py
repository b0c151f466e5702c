"""Answers stay small. Bytes are counted, since the tokenizer of `make costs` is installed only for it."""

import pytest
from tests.costs.__main__ import ALL_TOOLS, SINGLE, SINGLES, call, definitions

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
