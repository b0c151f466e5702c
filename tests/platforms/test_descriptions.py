"""What agents read of the shipped platforms' tools: they are found by the words that people use."""

import re

import pytest

from pullcord.manifest import loading
from pullcord.model.operation import Operation
from pullcord.model.running import FIND_RUNNING, callables

TOOLS = [each for each in loading.load(loading.shipped()).values() if each.tool]
VERBS = {"stop", "cancel", "kill", "abort", "interrupt", "terminate", "revoke"}
THINGS = {"job", "run", "task", "session", "turn", "agent"}


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@pytest.mark.parametrize("operation", [each for each in TOOLS if each.cancel], ids=lambda each: each.id)
def test_a_cancel_begins_with_the_words_that_people_use(operation: Operation) -> None:
    begin = operation.description[:150]
    assert words(begin[:60]) & VERBS
    assert words(begin) & THINGS
    assert operation.platform.title.split()[0] in begin


@pytest.mark.parametrize("operation", [each for each in TOOLS if not each.cancel], ids=lambda each: each.id)
def test_a_look_begins_with_what_it_answers(operation: Operation) -> None:
    begin = operation.description[:150]
    assert re.match(r"Status of |What runs|Which ", begin)
    assert operation.platform.title.split()[0] in begin


def test_whoever_wants_to_stop_everything_or_has_no_id_is_led_to_the_look_at_all_that_runs() -> None:
    description = callables(loading.load(loading.shipped()))[FIND_RUNNING].description
    assert re.match(r"What is running right now\b", description)
    assert words(description) >= {"stop", "kill", "cancel", "abort", "everything", "agents", "job", "id"}


def test_no_two_platforms_name_a_tool_alike() -> None:
    names = [each.tool for path in loading.shipped() for each in loading.load([path]).values() if each.tool]
    assert sorted({*names, FIND_RUNNING}) == sorted([*names, FIND_RUNNING])
