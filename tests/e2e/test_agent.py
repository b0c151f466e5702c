"""The agent that knows nothing, on all platforms of the sandbox: it finds all that runs, stops it, and is sure.

Everything but the look at all that runs is an offered action, in good weather and in bad. Tests compare with the
sandbox itself.
"""

import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from tests.e2e.weather import Trouble, Weather, refusal
from tests.support import Stage, shipped, stage
from tests.transport import Over

from pullcord.commands import agent as agent_module
from pullcord.commands import demo as demo_module
from pullcord.commands.agent import MOST, PAGES, TRIES, Agent, Step, Work, actions
from pullcord.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_SEEDED = Sandbox()
EVERRUNS, EVERSHELL, XPANDER = _SEEDED.everruns.ids, _SEEDED.evershell.ids, _SEEDED.xpander.ids
ENDED = {"succeeded", "failed", "canceled", "cancelled", "completed", "delivery_failed", "stopped", "error"}
ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@dataclass
class Run:
    """An agent on a stage, and what it did."""

    stage: Stage
    agent: Agent
    steps: list[Step]
    waits: list[float]

    def outcomes(self, rel: str) -> list[str]:
        return [step.answer["outcome"] for step in self.steps if step.answer and step.action["rel"] == rel]

    def work(self, name: str) -> Work:
        """The one whose cancel names this."""
        (work,) = [work for work in self.agent.works if last(work.cancel["arguments"]) == name]
        return work

    @property
    def met(self) -> set[str]:
        """What cancels hit, with what went with it."""
        cancels = [step.answer for step in self.steps if step.answer and step.answer["operation_id"] in cancel_tools()]
        parts = [last(part["arguments"]) for answer in cancels for part in answer["parts"] or ()]
        return {*(last(answer["target"]) for answer in cancels), *parts}


def last(named: Mapping[str, Any]) -> str:
    """The most exact of the ids that lead to something."""
    return str([value for value in named.values() if isinstance(value, str)][-1])


def cancel_tools() -> set[str]:
    return {operation.id for operation in shipped().values() if operation.cancel}


@asynccontextmanager
async def setting(
    *troubles: Trouble, mode: str = "auto", environ: Mapping[str, str] | None = None
) -> AsyncIterator[Run]:
    """An agent on a stage in the given weather."""
    weather = Weather(troubles)
    async with stage(mode, transport=Over(weather), environ=environ) as on:
        weather.sandbox.append(on.sandbox)
        tools = (await on.client.list_tools()).tools
        steps: list[Step] = []
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            on.clock.pass_seconds(seconds)

        wire = [tool.model_dump(mode="json", by_alias=True) for tool in tools]
        with anyio.fail_after(60):
            yield Run(on, Agent(wire, on.call, sleep, steps.append), steps, waits)


def runs(on: Stage) -> set[str]:
    """What runs now, or begins as soon as it can, and may be seen: by the sandbox's own state."""
    sandbox, now = on.sandbox, on.clock()
    turns = {session.id for session in sandbox.everruns.sessions.values() if session.status == "active"}
    tasks = {task.id for task in sandbox.everruns.tasks.values() if task.as_of(now).state not in ENDED}
    workspaces = [each for each in sandbox.evershell.workspaces.values() if each.visible and each.status == "idle"]
    work = [task for each in workspaces for task in sandbox.evershell.tasks[each.id].values()]
    inside = {task.id for task in work if task.as_of(now).status not in ENDED}
    ours = sandbox.xpander.ids.organization
    executions = {
        task.id
        for task in sandbox.xpander.tasks.values()
        if task.organization_id == ours and task.as_of(now).status not in ENDED
    }
    return turns | tasks | inside | executions


@ERAS
async def test_it_finds_and_stops_exactly_what_runs_and_confirms_each(mode: str) -> None:
    async with setting(mode=mode) as run:
        before = runs(run.stage)
        assert len(before) > 20
        assert await run.agent.run()
        assert run.met == before
        assert runs(run.stage) == set()
        assert all(work.ended for work in run.agent.works)
        assert {work.cancel["tool"] for work in run.agent.works} == cancel_tools()


async def test_each_of_its_calls_is_the_look_at_all_that_runs_or_was_offered_before() -> None:
    async with setting() as run:
        await run.agent.run()
    offered: list[object] = []

    def named(action: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A call without the arguments that say how, which an agent may choose."""
        how = {"cascade", "wait_seconds"}
        return action["tool"], {name: value for name, value in action["arguments"].items() if name not in how}

    for step in run.steps:
        call = named(step.action)
        if step.answer is None:
            assert call in offered or call == ("find_running", {})
        else:
            items = (step.answer["resource"] or {}).get("items", [])
            offered += [
                named(action)
                for holder in (step.answer, *items)
                for action in holder["allowed_actions"]
                if "tool" in action
            ]


def test_neither_it_nor_the_demo_knows_a_tool_or_a_platform() -> None:
    names = {*shipped(), *(operation.platform.name for operation in shipped().values())}
    for module in (agent_module, demo_module):
        assert not [name for name in names if name in inspect.getsource(module).lower()]


async def test_it_follows_lists_to_their_end() -> None:
    async with setting() as run:
        for _ in range(45):
            run.stage.sandbox.everruns.add_task()
            run.stage.sandbox.xpander.add_task()
        before = runs(run.stage)
        assert await run.agent.run()
        assert run.met == before
        assert runs(run.stage) == set()
        assert {step.action["tool"] for step in run.steps if step.action["rel"] == "next"} == {"find_running"}


async def test_a_subagents_child_session_is_stopped_by_the_action_that_its_cancel_offers() -> None:
    async with setting() as run:
        task = {"session_id": EVERRUNS.active_session, "task_id": EVERRUNS.subagent_task}
        await run.agent.ask({"rel": "cancel", "tool": "cancel_task", "arguments": task})
        assert run.met == {EVERRUNS.subagent_task, EVERRUNS.child_session}
        await run.agent.confirm()
        assert run.work(EVERRUNS.subagent_task).answer["state"] == "canceled"


async def test_a_429_is_waited_out_as_long_as_it_asks() -> None:
    listing, stopping = (Trouble(path, answer=refusal(429, retry_after="40")) for path in ("/api/v1/tasks", "/stop"))
    async with setting(listing, stopping) as run:
        assert await run.agent.run()
        assert runs(run.stage) == set()
        assert run.waits.count(40) == 2
        later = [step for step in run.steps if step.answer and step.action.get("retry_after_seconds") == 40]
        assert [step.action["tool"] for step in later] == ["find_running", "stop_task"]
        assert {step.answer["outcome"] for step in later if step.answer} == {"observed", "stopped"}


async def test_a_wait_that_is_too_long_is_not_begun() -> None:
    async with setting(Trouble("/stop", times=99, answer=refusal(429, retry_after="86400"))) as run:
        assert not await run.agent.run()
        assert max(run.waits) < 60
        assert runs(run.stage) == run.met & set(run.stage.sandbox.xpander.tasks)


async def test_what_a_platform_says_it_did_not_act_on_is_called_again_later_and_later() -> None:
    down = refusal(502, {"error": {"code": "agent_unreachable"}})
    async with setting(Trouble("/task/cancel", times=3, answer=down)) as run:
        assert await run.agent.run()
        assert run.waits[:3] == [1, 2, 4]
        assert runs(run.stage) == set()


async def test_after_a_503_it_looks_before_it_cancels_again() -> None:
    async with setting(Trouble(f"{EVERSHELL.busy_workspace}/task/cancel", answer=refusal(503))) as run:
        assert await run.agent.run()
        busy = [step for step in run.steps if step.action["arguments"].get("workspace_id") == EVERSHELL.busy_workspace]
        told = [(step.answer["operation_id"], step.answer["outcome"]) for step in busy if step.answer]
        assert told[:2] == [("cancel_workspace_task", "unknown"), ("get_workspace_task", "observed")]
        assert ("cancel_workspace_task", "stopped") in told[2:]
        assert runs(run.stage) == set()


async def test_after_a_lost_answer_to_a_cancel_that_names_no_task_it_looks_and_finds_that_it_was_heard() -> None:
    session = EVERRUNS.active_session
    trouble = Trouble(f"{session}/cancel", arrives=True)
    async with setting(trouble) as run:
        assert await run.agent.run()
        assert trouble.met == 1
        assert run.outcomes("cancel").count("unknown") == 1
        assert run.stage.arrived.count(f"POST /v1/sessions/{session}/cancel") == 1
        assert run.work(session).answer["operation_id"] == "get_session"


async def test_a_cancel_that_names_no_task_and_got_lost_is_made_again_after_looking() -> None:
    session = EVERRUNS.active_session
    async with setting(Trouble(f"{session}/cancel")) as run:
        assert await run.agent.run()
        about = [step for step in run.steps if step.action["arguments"].get("session_id") == session]
        asked = [step.answer for step in about if step.answer]
        assert [(each["operation_id"], each["outcome"], each["work_stopped"]) for each in asked[:3]] == [
            ("cancel_turn", "unknown", "no"),
            ("get_session", "observed", "no"),
            ("cancel_turn", "stopped", "unknown"),
        ]
        assert all(work.ended for work in run.agent.works)
        assert runs(run.stage) == set()


async def test_a_cancel_of_a_task_whose_answers_are_lost_is_retried() -> None:
    trouble = Trouble(f"{XPANDER.finishing_task}/stop", times=2, arrives=True)  # pullcord itself repeats it once
    async with setting(trouble) as run:
        assert await run.agent.run()
        assert trouble.met == 2
        assert run.outcomes("retry") == ["already_finished"], "its first sending was heard, and the work ended"
        assert run.work(XPANDER.finishing_task).answer["state"] == "completed"


async def test_work_that_is_gone_has_ended_once_no_list_offers_it() -> None:
    task = EVERRUNS.background_task

    def expire(sandbox: Sandbox) -> None:
        del sandbox.everruns.tasks[task]

    async with setting(Trouble(f"{task}/cancel", answer=refusal(404), first=expire)) as run:
        assert await run.agent.run()
        assert (run.work(task).answer["outcome"], run.work(task).ended) == ("not_found", True)


async def test_a_platform_that_says_that_it_knows_no_such_work_but_lists_it_is_not_believed() -> None:
    task = EVERRUNS.background_task
    async with setting(Trouble(f"{task}/cancel", times=99, answer=refusal(404))) as run:
        assert not await run.agent.run()
        assert not run.work(task).ended
        assert runs(run.stage) == {task}


async def test_work_that_was_replaced_is_left_and_what_runs_instead_is_stopped_by_the_offered_action() -> None:
    workspace, first, second = EVERSHELL.queued_workspace, EVERSHELL.first_task, EVERSHELL.next_task
    async with setting() as run:
        await run.stage.call("cancel_workspace_task", {"workspace_id": workspace, "wait_seconds": 20})
        late = {"workspace_id": workspace, "expect_task_id": first}
        await run.agent.ask({"rel": "cancel", "tool": "cancel_workspace_task", "arguments": late})
        assert run.outcomes("cancel") == ["target_changed", "stopped"]
        await run.agent.confirm()
        tasks = run.stage.sandbox.evershell.tasks
        assert tasks[workspace][second].as_of(run.stage.clock()).status == "cancelled"


async def test_what_is_refused_for_good_is_reported_as_not_ended_and_everything_else_is_stopped() -> None:
    down = Trouble(
        f"{EVERSHELL.unreachable_workspace}/task/cancel",
        times=99,
        answer=refusal(502, {"error": {"code": "agent_unreachable"}}),
    )
    forbidden = Trouble(f"{XPANDER.slow_task}/stop", times=99, answer=refusal(403))
    async with setting(down, forbidden) as run:
        assert not await run.agent.run()
        assert runs(run.stage) == {EVERSHELL.unreachable_task, XPANDER.slow_task}
        assert {work.answer["platform"] for work in run.agent.works if not work.ended} == {"evershell", "xpander"}
        assert down.met == 4 * (1 + TRIES)
        assert forbidden.met == 4


async def test_where_a_list_cannot_be_read_nothing_is_said_to_have_stopped() -> None:
    async with setting(environ={"XPANDER_API_KEY": "wrong"}) as run:
        assert not await run.agent.run()
        assert all(work.ended for work in run.agent.works)
        assert runs(run.stage) <= set(run.stage.sandbox.xpander.tasks)


async def test_work_that_no_list_offers_any_more_but_that_nobody_saw_end_is_not_said_to_have_stopped() -> None:
    session = EVERRUNS.active_session
    blind = Trouble(f"/sessions/{session}", times=999, answer=refusal(403))
    async with setting(Trouble(f"{session}/cancel", arrives=True), blind) as run:
        assert not await run.agent.run()
        assert runs(run.stage) == set()
        assert [work.cancel["arguments"]["session_id"] for work in run.agent.works if not work.ended] == [session]


def test_an_action_that_is_no_tool_here_is_not_followed() -> None:
    there = {"rel": "self", "operation_id": "look", "method": "GET", "href": "https://platform.example/look"}
    here = {"rel": "self", "tool": "look", "arguments": {}}
    assert [*actions({"allowed_actions": [there, here]}, "self")] == [here]


class Endless:
    """A platform that offers one more at every turn."""

    def __init__(self, *rels: str) -> None:
        self.rels = rels
        self.calls = 0
        self.called: set[str] = set()

    async def call(self, name: str, _: Mapping[str, Any]) -> dict[str, Any]:
        self.calls += 1
        self.called.add(name)
        more = [{"rel": rel, "tool": rel, "arguments": {"number": self.calls}} for rel in self.rels]
        body: dict[str, Any] = {"items": []}
        return {
            "outcome": "unknown",
            "work_stopped": "no",
            "evidence": None,
            "resource": body,
            "parts": None,
            "allowed_actions": more,
        }

    def agent(self) -> Agent:
        async def sleep(_: float) -> None:
            pass

        tools = [
            {"name": "list", "annotations": {"readOnlyHint": True}, "inputSchema": {"properties": {}}},
            {
                "name": "look",
                "annotations": {"readOnlyHint": True},
                "inputSchema": {"properties": {"id": {}}, "required": ["id"]},
            },
            {"name": "stop_all", "annotations": {"readOnlyHint": False}, "inputSchema": {"properties": {}}},
        ]
        return Agent(tools, self.call, sleep, lambda _: None)


async def test_a_list_without_end_is_left_and_counts_as_not_read() -> None:
    endless = Endless("next")
    assert await endless.agent().find() == ([], False)
    assert endless.calls == 1 + PAGES
    assert endless.called == {"list", "next"}


async def test_a_call_that_is_to_be_repeated_for_ever_is_repeated_a_few_times() -> None:
    endless = Endless("retry")
    await endless.agent().follow({"rel": "cancel", "tool": "cancel", "arguments": {}})
    assert endless.calls == 1 + TRIES


async def test_cancels_that_lead_to_ever_more_cancels_are_followed_up_to_a_number() -> None:
    endless = Endless("cancel")
    agent = endless.agent()
    await agent.ask({"rel": "cancel", "tool": "cancel", "arguments": {"number": 0}})
    assert endless.calls == len(agent.works) == MOST
