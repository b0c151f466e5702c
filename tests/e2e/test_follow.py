"""Following actions: every list can be walked to its end, and every action that is offered is a good call.

An agent that holds an action needs nothing else: its tool takes the arguments, and finds what they name.
"""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import pytest
from tests.support import Answer, Stage, action, actions, shipped, stage

from pullcord.model.running import callables

pytestmark = pytest.mark.anyio

Step: TypeAlias = tuple[str, tuple[tuple[str, Any], ...]]
"""A tool and its arguments."""


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


def _items(answer: Answer) -> list[dict[str, Any]]:
    return list(answer["resource"]["items"])


def _rels(answer: Answer) -> list[str]:
    return [each["rel"] for each in answer["allowed_actions"]]


async def _walk(staged: Stage, name: str, arguments: dict[str, Any] | None = None) -> list[Answer]:
    """Every part of a list, by its next actions alone."""
    parts = [await staged.call(name, arguments)]
    while "next" in _rels(parts[-1]):
        assert len(parts) < 20
        parts.append(await staged.follow(parts[-1], "next"))
    return parts


class TestLists:
    async def test_sessions_are_walked_to_the_end(self, staged: Stage) -> None:
        added = [staged.sandbox.everruns.add_session() for _ in range(50)]
        parts = await _walk(staged, "list_sessions")

        found = [item["id"] for part in parts for item in _items(part)]
        assert [len(_items(part)) for part in parts] == [20, 20, 16]
        assert sorted(found) == sorted(staged.sandbox.everruns.sessions)
        assert set(added) <= set(found)
        assert [part["resource"].get("left_out") for part in parts] == [36, 16, None]
        assert parts[0]["message"] == "20 items, each with its allowed_actions; 36 more follow."
        assert parts[-1]["message"] == "16 items, each with its allowed_actions."

    async def test_a_filter_stays_on_every_part(self, staged: Stage) -> None:
        for _ in range(30):
            staged.sandbox.everruns.add_session()
        parts = await _walk(staged, "list_sessions", {"search": "added", "limit": 25})

        assert [len(_items(part)) for part in parts] == [25, 5]
        assert action(parts[0], "next")["arguments"] == {"search": "added", "limit": 25, "offset": 25}

    async def test_tasks_that_can_not_be_skipped_are_asked_for_in_greater_number(self, staged: Stage) -> None:
        for _ in range(80):
            staged.sandbox.everruns.add_task()
        parts = await _walk(staged, "list_org_tasks", {"kind": "background_tool"})

        assert len(_items(parts[0])) == 20
        assert parts[0]["message"].endswith("there may be more.")
        assert action(parts[0], "next")["arguments"] == {"kind": "background_tool", "limit": 100, "offset": 20}
        tool_tasks = [task.id for task in staged.sandbox.everruns.tasks.values() if task.kind == "background_tool"]
        assert [item["id"] for part in parts for item in _items(part)] == tool_tasks[::-1], "none is shown twice"

    async def test_executions_are_walked_by_pages(self, staged: Stage) -> None:
        added = [staged.sandbox.xpander.add_task() for _ in range(45)]
        parts = await _walk(staged, "list_executions", {"status": "executing"})

        found = [item["id"] for part in parts for item in _items(part)]
        assert set(added) <= set(found)
        assert len(found) == len(set(found)) == 51
        assert [action(part, "next")["arguments"]["page"] for part in parts[:-1]] == [2, 3]

    async def test_workspaces_are_cut_with_a_count(self, staged: Stage) -> None:
        added = [staged.sandbox.evershell.add_workspace() for _ in range(45)]
        parts = await _walk(staged, "list_workspaces")

        found = [item["id"] for part in parts for item in _items(part)]
        assert set(added) <= set(found)
        assert len(found) == len(set(found))
        assert [len(_items(part)) for part in parts] == [20, 20, 14]
        assert [part["resource"].get("left_out") for part in parts] == [34, 14, None]

    async def test_tasks_of_a_workspace_are_cut_with_a_count(self, staged: Stage) -> None:
        workspace = staged.sandbox.evershell.add_workspace()
        added = [staged.sandbox.evershell.add_task(workspace) for _ in range(41)]
        parts = await _walk(staged, "list_workspace_tasks", {"workspace_id": workspace})

        assert [item["id"] for part in parts for item in _items(part)] == added[::-1], "newest first"
        assert [len(_items(part)) for part in parts] == [20, 20, 1]

    async def test_a_part_beyond_the_end_is_empty_and_final(self, staged: Stage) -> None:
        for name, arguments in [
            ("list_sessions", {"offset": 1000}),
            ("list_workspaces", {"offset": 1000}),
            ("list_executions", {"page": 1000}),
        ]:
            answer = await staged.call(name, arguments)
            assert (answer["outcome"], _items(answer)) == ("observed", [])
            assert "next" not in _rels(answer)

    @pytest.mark.parametrize(
        ("name", "state", "cancelable"),
        [
            ("list_sessions", "status", {"active"}),
            ("list_org_tasks", "state", {"queued", "running", "awaiting_input"}),
            ("list_executions", "status", {"pending", "executing", "paused"}),
            ("list_workspaces", "status", {"busy"}),
        ],
    )
    async def test_a_cancel_is_offered_only_where_it_makes_sense(
        self, staged: Stage, name: str, state: str, cancelable: set[str]
    ) -> None:
        items = _items(await staged.call(name))

        assert {item[state] for item in items if "cancel" in _rels(item)} == cancelable
        assert {item[state] for item in items if "cancel" not in _rels(item)}.isdisjoint(cancelable)
        assert {item[state] for item in items} - cancelable, "and there are others"

    async def test_only_the_task_in_flight_is_offered_and_only_by_its_name(self, staged: Stage) -> None:
        ids = staged.sandbox.evershell.ids
        items = _items(await staged.call("list_workspace_tasks", {"workspace_id": ids.queued_workspace}))

        assert [(item["id"], _rels(item)) for item in items] == [
            (ids.next_task, ["item"]),
            (ids.first_task, ["item", "cancel"]),
        ]
        assert action(items[1], "cancel") == {
            "rel": "cancel",
            "tool": "cancel_workspace_task",
            "arguments": {
                "workspace_id": ids.queued_workspace,
                "expect_task_id": ids.first_task,
                "wait_seconds": 20,
            },
        }

    async def test_items_show_exposed_fields_only(self, staged: Stage) -> None:
        for name in ("list_sessions", "list_org_tasks", "list_executions", "list_workspaces"):
            listing = shipped()[name].listing
            assert listing is not None
            exposed = {pointer.split("/")[1] for pointer in listing.expose}
            for item in _items(await staged.call(name)):
                assert item.keys() <= exposed | {"allowed_actions"}


class TestNeighbours:
    async def test_after_a_turn_what_goes_on_can_be_found_and_stopped(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        answer = await staged.call("cancel_turn", {"session_id": ids.active_session})
        tasks = _items(await staged.follow(answer, "collection"))

        running = [item for item in tasks if "cancel" in _rels(item)]
        assert {ids.background_task, ids.child_task} <= {item["id"] for item in running}
        for item in running:
            step = action(item, "cancel")
            came = await staged.call(step["tool"], step["arguments"])
            if came["outcome"] == "stopping":  # a subagent's task: its answer offers to stop what it works in
                assert (await staged.follow(came, "cancel"))["outcome"] == "stopped"
                came = await staged.follow(came, "self")
            assert came["outcome"] in {"stopped", "finished_first", "observed"}
        after = _items(await staged.follow(answer, "collection"))
        assert [item["id"] for item in after if "cancel" in _rels(item)] == []

    async def test_nothing_is_cancelled_that_was_not_asked_for(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        await staged.call("cancel_turn", {"session_id": ids.active_session, "wait_seconds": 10})
        await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.parent_task, "wait_seconds": 10})

        assert [arrival for arrival in staged.arrived if arrival.startswith("POST")] == [
            f"POST /v1/sessions/{ids.active_session}/cancel",
            f"POST /v1/tasks/{staged.sandbox.xpander.ids.parent_task}/stop",
        ]
        child = await staged.call("get_session", {"session_id": ids.child_session})
        assert child["state"] == "active"


def _step(name: str, arguments: dict[str, Any]) -> Step:
    return name, tuple(sorted(arguments.items()))


def _roots() -> list[Step]:
    """Every list, and calls whose answers are errors."""
    none, absent = f"session_{'0' * 32}", "fbd08e4d-cfa7-4838-b6e6-ffffffffffff"
    return [
        *(_step(name, {}) for name in ("list_sessions", "list_org_tasks", "list_workspaces", "list_executions")),
        _step("list_workspaces", {"include_archived": True}),
        _step("list_workspaces", {"role_name": "nobody"}),
        _step("list_executions", {"per_page": 3, "page": 2}),
        _step("cancel_turn", {"session_id": none}),
        _step("get_session", {"session_id": none}),
        _step("cancel_task", {"session_id": none, "task_id": "task_1"}),
        _step("get_task", {"session_id": none, "task_id": "task_1"}),
        _step("cancel_workspace_task", {"workspace_id": "ws_1"}),
        _step("cancel_workspace_task", {"workspace_id": "ws_1", "expect_task_id": "task_1"}),
        _step("get_workspace_task", {"workspace_id": "ws_1", "task_id": "task_1"}),
        _step("list_workspace_tasks", {"workspace_id": "ws_1"}),
        _step("stop_task", {"task_id": absent}),
        _step("get_execution", {"task_id": absent}),
    ]


def _seeded(staged: Stage) -> list[Step]:
    """A call of every tool on every piece of work that the sandbox starts with, seen by this key or not."""
    everruns, evershell, xpander = staged.sandbox.everruns, staged.sandbox.evershell, staged.sandbox.xpander
    steps: list[Step] = []
    for session in everruns.sessions:
        steps += [_step(name, {"session_id": session}) for name in ("cancel_turn", "get_session")]
    for task in everruns.tasks.values():
        named = {"session_id": task.session_id, "task_id": task.id}
        steps += [_step(name, named) for name in ("cancel_task", "get_task")]
        steps.append(_step("get_task", {**named, "session_id": everruns.ids.idle_session}))
    for workspace, tasks in evershell.tasks.items():
        steps += [
            _step(name, {"workspace_id": workspace}) for name in ("cancel_workspace_task", "list_workspace_tasks")
        ]
        steps.append(_step("get_workspace_task", {"workspace_id": workspace, "task_id": "task_none"}))
        for task_id in tasks:
            steps.append(_step("get_workspace_task", {"workspace_id": workspace, "task_id": task_id}))
            steps.append(_step("cancel_workspace_task", {"workspace_id": workspace, "expect_task_id": task_id}))
    for task_id in xpander.tasks:
        steps += [_step(name, {"task_id": task_id}) for name in ("stop_task", "get_execution")]
    return steps


BAD = {"not_found", "invalid_arguments"}


async def _explore(staged: Stage, *answers: Answer, deep: int) -> set[Step]:
    """Follow every action that only reads, from answers on, so many actions deep.

    Returns:
        The cancels that were offered on the way.
    """
    reached, cancels = set[Step](), set[Step]()
    waiting = deque((answer, deep) for answer in answers)
    while waiting:
        answer, left = waiting.popleft()
        for each in actions(answer):
            step = _step(each["tool"], each["arguments"]) if "tool" in each else None
            if step and callables(shipped())[step[0]].cancel:
                cancels.add(step)
            elif step and step not in reached and left:
                reached.add(step)
                shown = await staged.call(each["tool"], each["arguments"])
                assert shown["outcome"] not in BAD, (answer["operation_id"], answer["target"], each, shown["message"])
                waiting.append((shown, left - 1))
    return cancels


async def test_every_action_that_any_result_offers_is_a_good_call() -> None:
    async with stage() as staged:
        steps = [*_roots(), *_seeded(staged)]
        looks = [await staged.call(name, dict(given)) for name, given in steps if not shipped()[name].cancel]
        offered = await _explore(staged, *looks, deep=100)
    assert {name for name, _ in offered} == {name for name, each in shipped().items() if each.cancel}

    # A cancel changes what there is, so each is called on a sandbox of its own: as it was offered, and once more.
    roots = {step for step in steps if shipped()[step[0]].cancel}
    done = set[Step]()
    while waiting := (roots | offered) - done:
        for step in waiting:
            async with stage() as staged:
                for _ in range(2):
                    answer = await staged.call(step[0], dict(step[1]))
                    assert step in roots - offered or answer["outcome"] not in BAD, (step, answer["message"])
                    offered |= await _explore(staged, answer, deep=2)
        done |= waiting


# Neither dead ends nor loops

FINAL = {"stopped", "already_finished", "finished_first", "nothing_running"}
FOR_PEOPLE = {"denied", "invalid_arguments"}
"""What no call mends: a key must be set, or the arguments corrected."""
NOT_RUNNING = {
    *("succeeded", "failed", "canceled", "cancelled", "completed", "delivery_failed", "stopped", "error"),
    *("idle", "started"),
}
"""Each platform's own words for what has ended, or never ran."""
ORDER = ("cancel", "retry-later", "retry", "self", "item", "collection", "up", "next")
"""What leads on soonest comes first."""
MOST = 6
"""Calls after which work is over, or known not to be for this caller to stop."""


def _callable(answer: Answer) -> list[dict[str, Any]]:
    return [each for each in actions(answer) if "tool" in each]


def _is_over(answer: Answer) -> bool:
    """Whether nothing need be done any more: by the record, or since it is a list that was read."""
    is_list = "items" in (answer["resource"] or {})
    was_seen = answer["outcome"] == "observed" and (is_list or answer["state"] in NOT_RUNNING)
    return answer["outcome"] in FINAL or was_seen


def _check_offers(answer: Answer) -> None:
    """Hold an answer to what it must and must not offer."""
    said = (answer["operation_id"], answer["target"], answer["message"])
    assert _is_over(answer) or answer["outcome"] in FOR_PEOPLE or _callable(answer), ("a dead end", said)
    for item in (answer["resource"] or {}).get("items", []):
        state = item.get("state") or item.get("status")
        assert item["allowed_actions"] or state in NOT_RUNNING, ("a dead end in a list", said, item)
    if answer["outcome"] in FINAL and answer["state"] is not None:
        again = [each["rel"] for each in answer["allowed_actions"] if each["rel"] in {"self", "retry", "terminate"}]
        assert again == [], ("it is over, and is to be looked at again", said)


async def _through(*steps: Step) -> Answer:
    """The answer to the last of several calls on a sandbox of their own, after it was followed to its end."""
    walked: list[Step] = []
    async with stage() as staged:
        for name, given in steps:
            answer = await staged.call(name, dict(given))
            _check_offers(answer)
        last = answer
        while not _is_over(answer):
            offered = [each for rel in ORDER for each in _callable(answer) if each["rel"] == rel]
            fresh = [step for each in offered if (step := _step(each["tool"], each["arguments"])) not in walked]
            assert fresh or answer["outcome"] in FOR_PEOPLE, ("in circles", steps, walked, answer["message"])
            if not fresh:
                break
            walked.append(fresh[0])
            assert len(walked) <= MOST, ("too far", steps, walked)
            answer = await staged.call(fresh[0][0], dict(fresh[0][1]))
            _check_offers(answer)
    return last


async def test_from_every_state_each_action_leads_to_an_end_and_none_in_circles() -> None:
    async with stage() as staged:
        roots = [*_roots(), *_seeded(staged)]
    for root in roots:
        for each in _callable(await _through(root)):
            await _through(root, _step(each["tool"], each["arguments"]))


async def test_what_was_asked_to_stop_and_only_needs_time_is_not_to_be_asked_again(staged: Stage) -> None:
    ids = staged.sandbox.everruns.ids
    task = {"session_id": ids.active_session, "task_id": ids.background_task}
    asked = await staged.call("cancel_task", {**task, "wait_seconds": 0})
    looked = await staged.call("get_task", task)

    assert asked["outcome"] == "stopping"
    assert "It was asked to stop (cancel_requested_at tells when), and has not ended yet" in looked["message"]
    assert "cancel" not in _rels(looked)
    assert action(looked, "self")["arguments"] == {**task, "wait_seconds": 20}
    assert (await staged.follow(looked, "self"))["state"] == "canceled"


async def test_everything_in_a_session_is_stopped_in_one_call(staged: Stage) -> None:
    ids = staged.sandbox.everruns.ids
    answer = await staged.call("cancel_turn", {"session_id": ids.active_session, "cascade": True})

    assert (answer["outcome"], answer["may_go_on"]) == ("stopped", ["background_tasks", "current_step"])
    sessions, tasks = staged.sandbox.everruns.sessions, staged.sandbox.everruns.tasks.values()
    assert {part["arguments"].get("task_id", part["arguments"]["session_id"]) for part in answer["parts"]} == {
        *(task.id for task in tasks if task.id not in {ids.succeeded_task, ids.failed_task}),
        ids.child_session,
    }
    now = staged.clock()
    assert [task.id for task in tasks if task.as_of(now).state not in NOT_RUNNING] == []
    assert {sessions[each].status for each in (ids.active_session, ids.child_session)} == {"idle"}
    posts = [arrival for arrival in staged.arrived if arrival.startswith("POST")]
    assert posts[0] == f"POST /v1/sessions/{ids.active_session}/cancel", "the parent first"
    assert len(posts) == len(set(posts)) == 1 + len(answer["parts"]), "each once"
    assert len(str(answer)) < 2500


async def test_a_task_is_stopped_with_the_executions_that_it_started(staged: Stage) -> None:
    ids = staged.sandbox.xpander.ids
    answer = await staged.call("stop_task", {"task_id": ids.parent_task, "cascade": True})

    assert (answer["outcome"], answer["may_go_on"]) == ("stopped", ["current_step"])
    assert {part["arguments"]["task_id"]: part["outcome"] for part in answer["parts"]} == {
        ids.first_sub_task: "stopped",
        ids.second_sub_task: "stopped",
    }
    assert "item" not in _rels(answer), "nothing is left to be looked at"
