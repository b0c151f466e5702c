from collections.abc import Mapping
from typing import Any

import pytest
from tests.real.a2a import PLATFORM as A2A
from tests.real.langgraph import PLATFORM as LANGGRAPH
from tests.real.play import Answer, Caller, Scene, Served, find, stop_everything
from tests.real.story import Ask, Call, Step

pytestmark = pytest.mark.anyio

RUN = {"thread_id": "t2", "run_id": "r2"}
CANCEL = {"rel": "cancel", "tool": "cancel_langgraph_run", "arguments": {**RUN, "wait_seconds": 20}}
RUNS = {"rel": "item", "tool": "list_langgraph_runs", "arguments": {"thread_id": "t2"}}
TOLD: Mapping[str, list[dict[str, Any]]] = {
    "search_langgraph_threads": [
        {"thread_id": "t1", "allowed_actions": []},
        {
            "thread_id": "t2",
            "allowed_actions": [{"rel": "self", "tool": "get_langgraph_thread", "arguments": {}}, RUNS],
        },
    ],
    "list_langgraph_runs": [{"thread_id": "t2", "run_id": "r2", "state": None, "allowed_actions": [CANCEL]}],
}


OTHER = {**CANCEL, "arguments": {**RUN, "run_id": "r1"}}
LOOK = {"rel": "item", "tool": "get_langgraph_run", "arguments": RUN}


def caller(told: Mapping[str, list[dict[str, Any]]], calls: list[Call]) -> Caller:
    async def call(tool: str, arguments: Mapping[str, Any]) -> Answer:
        calls.append((tool, arguments))
        return {"message": "Listed.", "resource": {"items": told[tool]}, "allowed_actions": []}

    return call


def scene(ids: Mapping[str, str] = RUN) -> Scene:
    return Scene(LANGGRAPH.stories[0], LANGGRAPH, ids)


async def test_work_is_found_by_what_each_list_offers() -> None:
    calls: list[Call] = []
    call, answer = await find(caller(TOLD, calls), scene(), Ask.FIND)
    assert calls == [("search_langgraph_threads", {"status": "busy"}), ("list_langgraph_runs", {"thread_id": "t2"})]
    assert call == calls[-1]
    assert answer["allowed_actions"] == [CANCEL]


async def test_work_that_a_list_does_not_have_is_not_found() -> None:
    told = {**TOLD, "search_langgraph_threads": TOLD["search_langgraph_threads"][:1]}
    with pytest.raises(LookupError, match=r"search_langgraph_threads does not list the work: Listed\."):
        await find(caller(told, []), scene(), Ask.FIND)


async def test_work_is_found_in_the_look_at_all_that_runs() -> None:
    calls: list[Call] = []
    told = {"find_running": [{"platform": "langgraph", "allowed_actions": [OTHER]}, *TOLD["list_langgraph_runs"]]}
    call, answer = await find(caller(told, calls), scene(), Ask.FIND_RUNNING)
    assert calls == [call] == [("find_running", {})]
    assert answer["allowed_actions"] == [CANCEL]


async def test_an_item_that_leads_nowhere_is_told() -> None:
    told = {**TOLD, "list_langgraph_runs": [{"run_id": "r2", "allowed_actions": [LOOK]}]}
    with pytest.raises(LookupError, match="an item of list_langgraph_runs does not offer cancel_langgraph_run"):
        await find(caller(told, []), scene(), Ask.FIND)


def test_what_was_offered_is_called_as_it_was_offered() -> None:
    known = scene()
    known.known = {"allowed_actions": [CANCEL]}
    assert known.call(Step(Ask.CANCEL, "stopped")) == ("cancel_langgraph_run", {**RUN, "wait_seconds": 20})


def test_what_was_not_offered_is_called_by_its_ids() -> None:
    assert scene().call(Step(Ask.CANCEL, "stopped", arguments={"wait_seconds": 2})) == (
        "cancel_langgraph_run",
        {**RUN, "wait_seconds": 2},
    )
    assert scene().call(Step(Ask.LOOK, "observed")) == ("get_langgraph_run", RUN)


def test_a_tool_that_a_step_names_is_called_whatever_was_offered() -> None:
    known = scene()
    known.known = {"allowed_actions": [{"rel": "terminate", "tool": "kill", "arguments": RUN}]}
    step = Step(Ask.STRONGER, "stopped", tool="erase", arguments={"wait_seconds": 2})
    assert known.call(step) == ("erase", {**RUN, "wait_seconds": 2})


def test_a_stronger_stop_is_called_only_where_it_is_offered() -> None:
    known = scene()
    with pytest.raises(LookupError, match="no stronger stop is offered"):
        known.call(Step(Ask.STRONGER, "stopped"))
    known.known = {"allowed_actions": [CANCEL, {"rel": "terminate", "tool": "kill", "arguments": RUN}]}
    assert known.call(Step(Ask.STRONGER, "stopped")) == ("kill", RUN)


def test_work_of_an_instance_is_cancelled_by_the_instances_tool_and_elsewhere_by_the_others() -> None:
    (story,) = (story for story in A2A.stories if story.instance)
    billing = Scene(story, A2A, {"id": "5"})
    assert billing.call(Step(Ask.CANCEL, "stopped")) == ("billing_cancel_a2a_task", {"id": "5"})
    assert billing.call(Step(Ask.ELSEWHERE, "not_found")) == ("cancel_a2a_task", {"id": "5"})


LOOKS = [{"name": "find_running", "annotations": {"readOnlyHint": True}, "inputSchema": {"properties": {}}}]


def serving(outcome: str, *finds: list[dict[str, Any]]) -> Served:
    """A server on which so much runs at each look, and a cancel has this outcome."""
    left = list(finds)
    said: Answer = {
        "work_stopped": "unknown",
        "message": "It is so.",
        "state": None,
        "parts": None,
        "allowed_actions": [],
    }

    async def call(tool: str, _: Mapping[str, Any]) -> Answer:
        if tool != "find_running":
            return {**said, "outcome": outcome, "resource": None, "evidence": None}
        items = {"items": left.pop(0) if len(left) > 1 else left[0]}
        return {**said, "outcome": "observed", "resource": items, "evidence": {"platforms": {"langgraph": "observed"}}}

    return Served(call, LOOKS)


RUNNING = [{"platform": "langgraph", "allowed_actions": [CANCEL]}]


async def test_everything_is_stopped_by_what_the_answers_offer() -> None:
    answer = await stop_everything(serving("stopped", RUNNING, []), scene())
    assert answer["outcome"] == "stopped"


async def test_what_the_agent_that_follows_actions_leaves_is_told() -> None:
    with pytest.raises(LookupError, match=r"left something: It is so\."):
        await stop_everything(serving("stopping", RUNNING), scene())


async def test_what_the_agent_that_follows_actions_does_not_find_is_told() -> None:
    beside = scene()
    beside.beside.append({**RUN, "run_id": "r3"})
    with pytest.raises(LookupError, match="did not find 1 of 2"):
        await stop_everything(serving("stopped", RUNNING, []), beside)
