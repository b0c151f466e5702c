"""Work that a platform does not know: where else its id could be from."""

import pytest
from tests.support import action, stage

from pullcord.assembly.choice import Choice, surface
from pullcord.flow.attempt import Call
from pullcord.flow.elsewhere import is_of_form, looks_elsewhere
from pullcord.model.value import Json
from pullcord.sandbox import Sandbox

UUID = "3f6c1e0a-8d0b-4c53-9a57-0b8de0a1f2c4"
HERE = "http://127.0.0.1:1"
ENVIRON = {**Sandbox().environment(HERE), "A2A_API_URL": HERE, "FLOWER_API_URL": HERE}


def _offered(name: str, arguments: dict[str, Json], *platforms: str, **environ: str) -> dict[str, object]:
    scope = surface(Choice(platforms=platforms), {**ENVIRON, **environ})
    call = Call(scope, scope.tools[name], arguments)
    return {str(each.tool): each.arguments for each in looks_elsewhere(call)}


@pytest.mark.anyio
async def test_a_task_of_another_platform_that_is_not_found_here_is_looked_for_there() -> None:
    async with stage() as staged:
        evershell = staged.sandbox.evershell.ids
        session = staged.sandbox.everruns.ids.active_session
        answer = await staged.call("cancel_task", {"session_id": session, "task_id": evershell.busy_task})
        found = await staged.follow(answer, "related")

    assert answer["outcome"] == "not_found"
    assert action(answer, "related")["arguments"] == {"platform": "evershell", "contains": evershell.busy_task}
    assert "EverShell" in action(answer, "related")["hint"]
    (item,) = found["resource"]["items"]
    assert item["allowed_actions"][-1]["arguments"]["expect_task_id"] == evershell.busy_task


def test_where_a_look_takes_the_id_alone_it_is_made_ready() -> None:
    assert _offered("stop_task", {"task_id": UUID}, "a2a", "flower") == {
        "get_a2a_task": {"id": UUID},
        "get_celery_task": {"task_id": UUID},
    }
    assert _offered("cancel_a2a_task", {"id": UUID}, "a2a") == {"get_execution": {"task_id": UUID}}


def test_only_platforms_that_are_named_and_can_be_reached_are_offered() -> None:
    assert _offered("stop_task", {"task_id": UUID}) == {}
    assert _offered("cancel_a2a_task", {"id": UUID}, "a2a", XPANDER_API_KEY="") == {}


def test_an_id_of_another_form_is_offered_nowhere() -> None:
    assert _offered("cancel_turn", {"session_id": f"session_{'0' * 32}"}, "a2a", "flower") == {}
    assert _offered("list_workspaces", {}, "a2a") == {}
    assert _offered("cancel_a2a_task", {"id": 7}, "a2a") == {}


def test_where_a_look_takes_more_ids_and_nothing_searches_nothing_is_offered() -> None:
    scope = surface(Choice(only=("cancel_task", "get_workspace_task")), ENVIRON)
    call = Call(scope, scope.tools["cancel_task"], {"session_id": f"session_{'0' * 32}", "task_id": "task_01HZ"})
    assert list(looks_elsewhere(call)) == []


def test_at_most_three_are_offered() -> None:
    more = {f"a2a:x{n}": f"A2A_X{n}_API_URL" for n in range(4)}
    offered = _offered("stop_task", {"task_id": UUID}, *more, **dict.fromkeys(more.values(), HERE))
    assert len(offered) == 3


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        ("inv_1", {"pattern": "^inv_[0-9a-z]+$"}, True),
        ("run_1", {"pattern": "^inv_[0-9a-z]+$"}, False),
        ("task_1", {"pattern": "^[a-z0-9_]+$"}, False),
        ("task_1", {}, False),
        ("task_1", {"examples": ["task_01HZ"]}, True),
        ("run_1", {"examples": ["task_01HZ"]}, False),
        (UUID, {"examples": [UUID.replace("3", "4")]}, True),
        ("7", {"examples": ["8"]}, False),
    ],
)
def test_examples_tell_the_form_of_an_id_or_else_a_pattern_that_says_something(
    value: str, schema: dict[str, Json], *, fits: bool
) -> None:
    assert is_of_form(value, {"type": "string", **schema}) is fits
