"""A person is asked before each cancel, in both protocol eras, and heard once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError, types
from mcp.client import ClientRequestContext
from mcp.client.session import ElicitationFnT
from pydantic import SecretStr
from tests.loom import loom
from tests.sandbox.clock import Clock
from tests.support import BASE_URL, respond, shipped, sound
from tests.transport import Over, mock

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.consent import question
from pullcord.flow.engine import Engine
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.model.errors import SharedStateError
from pullcord.model.operation import Place
from pullcord.sandbox import Sandbox
from pullcord.serving.elicitation import Elicitation
from pullcord.serving.server import make
from pullcord.upstream.connections import Transport
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("mode", ["legacy", "auto"])
YES = types.ElicitResult(action="accept", content={"cancel": True})


@dataclass
class Asked:
    """A client whose person answers, and the sandbox behind its server."""

    sandbox: Sandbox
    scope: Surface
    client: Client
    questions: list[str] = field(default_factory=list)

    async def call(self, name: str, **arguments: object) -> dict[str, Any]:
        return sound(self.scope, name, await self.client.call_tool(name, arguments))


@asynccontextmanager
async def asking(
    mode: str,
    says: types.ElicitResult | None,
    *,
    elicitation: Elicitation | None = None,
    limit: Limit | None = None,
    instead: ElicitationFnT | None = None,
    transport: Transport | None = None,
) -> AsyncIterator[Asked]:
    """Set up a server that asks; None: a client that can't be asked."""
    questions: list[str] = []

    async def answer(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context.request_id is not None
        questions.append(params.message)
        assert says
        return says

    sandbox = Sandbox(Clock())
    scope = Surface.of(shipped(), settings.read(shipped(), sandbox.environment(BASE_URL)))
    async with Gateway(transport or Over(httpx2.ASGITransport(app=sandbox.app))) as gateway:
        engine = Engine(gateway, rate_limit=RateLimit(limit, gateway.now) if limit else None)
        server = make(scope, engine, elicitation=elicitation or Elicitation(None))
        async with Client(server, mode=mode, cache=None, elicitation_callback=answer if says else instead) as client:
            yield Asked(sandbox, scope, client, questions)


@BOTH
async def test_with_consent_the_cancel_is_sent(mode: str) -> None:
    async with asking(mode, YES) as asked:
        target = asked.sandbox.xpander.ids.executing_task
        answer = await asked.call("stop_task", task_id=target, reason="it \u202eloops\x1b[31m\nfor ever")
        assert answer["outcome"] == "stopped"
        assert len(asked.sandbox.requests) == 1
    assert asked.questions == [
        f'xpander.ai - stop a task? task_id {target}. The agent\'s reason: "it loops[31m for ever"'
    ]


@BOTH
async def test_what_an_agent_writes_stays_in_its_quotes(mode: str) -> None:
    async with asking(mode, YES) as asked:
        target = asked.sandbox.xpander.ids.executing_task
        await asked.call("stop_task", task_id=target, reason='done" The operator agreed. \u201cYes\u201d \uff02')
    assert asked.questions == [
        f"xpander.ai - stop a task? task_id {target}. The agent's reason: \"done' The operator agreed. 'Yes' '\""
    ]


def test_of_an_argument_that_is_more_than_one_word_the_question_says_where_it_ends() -> None:
    cancel = shipped()["stop_task"]
    free = replace(cancel, parameters=(cancel.parameters[0]._replace(place=Place.BODY),))
    settings_of = settings.read(shipped(), Sandbox().environment(BASE_URL))
    call = Call(Surface.of(shipped(), settings_of), free, {free.parameters[0].name: 'x. Nothing is "stopped"'})
    assert question(call).sentence == "xpander.ai - stop a task? task_id \"x. Nothing is 'stopped'\"."


async def test_a_person_who_does_not_answer_is_not_waited_for_for_ever() -> None:
    async def forget(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert (context.request_id is not None, bool(params.message)) == (True, True)
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.fail_after(30):
        async with asking("legacy", None, instead=forget, elicitation=Elicitation(None, patience=0.05)) as asked:
            answer = await asked.call("stop_task", task_id=asked.sandbox.xpander.ids.executing_task)
            assert not asked.sandbox.requests
    assert answer["message"] == "No cancel was sent: the person who was asked did not agree to it."


@BOTH
@pytest.mark.parametrize(
    "says",
    [
        types.ElicitResult(action="decline"),
        types.ElicitResult(action="cancel"),
        types.ElicitResult(action="accept", content={"cancel": False}),
        types.ElicitResult(action="accept", content={}),
        types.ElicitResult(action="accept"),
        types.ElicitResult(action="accept", content={"cancel": "true"}),
        types.ElicitResult(action="decline", content={"cancel": True}),
    ],
    ids=repr,
)
async def test_anything_but_consent_is_a_refusal_and_nothing_is_sent(mode: str, says: types.ElicitResult) -> None:
    async with asking(mode, says) as asked:
        answer = await asked.call("cancel_workspace_task", workspace_id=asked.sandbox.evershell.ids.busy_workspace)
        assert {arrival.method for arrival in asked.sandbox.requests} == {"GET"}, "only looks at what runs"
    assert answer["outcome"] == "refused"
    assert answer["message"] == "No cancel was sent: the person who was asked did not agree to it."
    assert len(asked.questions) == 1


@BOTH
async def test_a_client_that_cannot_ask_is_denied_and_told_how_to_change_that(mode: str) -> None:
    async with asking(mode, None) as asked:
        answer = await asked.call("cancel_turn", session_id=asked.sandbox.everruns.ids.active_session)
        assert list(asked.sandbox.requests) == []
    assert answer["outcome"] == "denied"
    (how,) = answer["allowed_actions"]
    assert how["rel"] == "authorize"
    assert "--confirm" in how["hint"]


@BOTH
async def test_nobody_is_asked_about_a_look_or_about_what_cannot_be_sent(mode: str) -> None:
    async with asking(mode, YES) as asked:
        look = await asked.call("get_session", session_id=asked.sandbox.everruns.ids.active_session)
        malformed = await asked.call("cancel_turn", session_id="none")
    assert (look["outcome"], malformed["outcome"]) == ("observed", "invalid_arguments")
    assert asked.questions == []


@BOTH
async def test_each_cancel_is_asked_about_anew(mode: str) -> None:
    async with asking(mode, YES) as asked:
        for _ in range(2):
            await asked.call("cancel_turn", session_id=asked.sandbox.everruns.ids.active_session)
    assert len(asked.questions) == 2


@BOTH
async def test_consent_does_not_lift_the_brake(mode: str) -> None:
    async with asking(mode, YES, limit=Limit(1, "hour")) as asked:
        ids = asked.sandbox.xpander.ids
        outcomes = [
            (await asked.call("stop_task", task_id=each))["outcome"] for each in (ids.executing_task, ids.slow_task)
        ]
    assert outcomes == ["stopped", "rate_limited"]


async def test_a_client_that_fails_to_ask_has_not_asked() -> None:
    async def fail(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ErrorData:
        assert context.request_id is not None
        return types.ErrorData(code=-1, message=f"no way to show {params.message}")

    async with asking("legacy", None, instead=fail) as asked:
        answer = await asked.call("stop_task", task_id=asked.sandbox.xpander.ids.executing_task)
        assert list(asked.sandbox.requests) == []
    assert answer["outcome"] == "denied"


# What a client may do that answers for the person: the modern era's replay of a call.


async def begun(asked: Asked, name: str, arguments: dict[str, Any]) -> types.InputRequiredResult:
    """The question that a call is answered with."""
    result = await asked.client.session.call_tool(name, arguments, allow_input_required=True)
    assert isinstance(result, types.InputRequiredResult)
    assert "elicitation" in str(result.input_requests)
    return result


async def replayed(
    asked: Asked, name: str, arguments: dict[str, Any], state: str | None, said: types.ElicitResult | None = YES
) -> types.CallToolResult | types.InputRequiredResult:
    return await asked.client.session.call_tool(
        name,
        arguments,
        input_responses={"consent": said} if said else {},
        request_state=state,
        allow_input_required=True,
    )


async def test_an_answer_counts_for_the_very_call_that_was_asked_about() -> None:
    async with asking("auto", YES) as asked:
        ids = asked.sandbox.xpander.ids
        asked_about = {"task_id": ids.executing_task}
        state = (await begun(asked, "stop_task", asked_about)).request_state
        for name, arguments in (
            ("stop_task", {"task_id": ids.slow_task}),
            ("stop_task", {**asked_about, "reason": "other"}),
            ("cancel_turn", {"session_id": asked.sandbox.everruns.ids.active_session}),
        ):
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await replayed(asked, name, arguments, state)
        assert list(asked.sandbox.requests) == []
        result = await replayed(asked, "stop_task", asked_about, state)
        assert isinstance(result, types.CallToolResult)
        assert sound(asked.scope, "stop_task", result)["outcome"] == "stopped"


async def test_an_answer_counts_once() -> None:
    async with asking("auto", YES) as asked:
        arguments = {"workspace_id": asked.sandbox.evershell.ids.queued_workspace}
        state = (await begun(asked, "cancel_workspace_task", arguments)).request_state
        assert isinstance(await replayed(asked, "cancel_workspace_task", arguments, state), types.CallToolResult)
        again = await replayed(asked, "cancel_workspace_task", arguments, state)
        assert isinstance(again, types.InputRequiredResult)
        assert again.request_state != state
        assert cancels(asked) == 1


def cancels(asked: Asked) -> int:
    """How many cancels reached the sandbox."""
    return sum(arrival.method == "POST" for arrival in asked.sandbox.requests)


@BOTH
async def test_the_question_names_the_work_that_was_found(mode: str) -> None:
    async with asking(mode, YES) as asked:
        ids = asked.sandbox.evershell.ids
        answer = await asked.call("cancel_workspace_task", workspace_id=ids.queued_workspace)
    (question,) = asked.questions
    assert question == (
        "EverShell - cancel the task that runs in a workspace?"
        f" workspace_id {ids.queued_workspace}, task_id {ids.first_task}."
    )
    assert answer["target"]["task_id"] == ids.first_task


class Moving:
    """A platform whose workspace runs one task at the first look, and then others, or none; None: the look fails."""

    def __init__(self, then: list[str] | None) -> None:
        self.looks = [["task_1"]]
        self.then = then
        self.cancels = 0
        self.transport = mock(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            self.cancels += 1
            return respond(202)
        running = self.looks.pop() if self.looks else self.then
        return (
            respond(500) if running is None else respond(200, [{"id": each, "status": "running"} for each in running])
        )


MOVES = pytest.mark.parametrize(
    ("then", "outcome", "found", "says"),
    [
        (["task_2"], "target_changed", {"task_id": "task_2"}, "another task runs now than the expected one; target"),
        ([], "target_changed", {"task_id": None}, "no task runs now. The expected one may have ended, or may not have"),
        (["task_1", "task_2"], "refused", {}, "several tasks run now, and which of them the cancel would meet is"),
        (None, "unavailable", {}, "whether it would hit what was meant could not be told."),
    ],
)


@BOTH
@MOVES
async def test_a_consent_to_one_target_is_none_to_what_runs_when_it_arrives(
    mode: str, then: list[str] | None, outcome: str, found: dict[str, str | None], says: str
) -> None:
    """In the handshake era the call waits and looks again; in the modern one the target is sealed in the question."""
    platform = Moving(then)
    async with asking(mode, YES, transport=platform.transport) as asked:
        answer = await asked.call("cancel_workspace_task", workspace_id="ws_1")
    what = "workspace_id ws_1, task_id task_1"
    assert asked.questions == [f"EverShell - cancel the task that runs in a workspace? {what}."]
    assert (answer["outcome"], platform.cancels) == (outcome, 0)
    assert f"Nothing was cancelled: {says}" in answer["message"]
    assert answer["target"] == {"workspace_id": "ws_1", **found}


class Parent:
    """Loom, with a thread that runs and the threads that it started; all end when they are cancelled."""

    def __init__(self) -> None:
        self.children = ["a", "b"]
        self.cancelled: list[str] = []
        self.transport = mock(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            self.cancelled.append(request.url.path.split("/")[2])
            return respond(200, {"state": "proved"})
        if request.url.path == "/threads":
            return respond(200, {"threads": [], "total": 0})
        children = self.children if request.url.path == "/threads/top" else []
        return respond(200, {"state": "running", "children": children})


@BOTH
@pytest.mark.parametrize(
    ("children", "cancelled", "parts"),
    [
        (["a"], {"a"}, {"a": "stopped"}),
        (["a", "b", "c"], {"a", "b"}, {"a": "stopped", "b": "stopped", "c": "refused"}),
    ],
)
async def test_a_consent_holds_for_the_parts_that_it_named_whatever_else_runs_when_it_arrives(
    mode: str, children: list[str], cancelled: set[str], parts: dict[str, str]
) -> None:
    platform = Parent()

    async def answer(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context.request_id is not None
        assert "With it 2 more: Loom - cancel a thread: id a. Loom - cancel a thread: id b." in params.message
        platform.children = children
        return YES

    scope = Surface.of(loom(), settings.read(loom(), {}))
    async with Gateway(platform.transport) as gateway:
        server = make(scope, Engine(gateway), elicitation=Elicitation(None))
        async with Client(server, mode=mode, cache=None, elicitation_callback=answer) as client:
            result = await client.call_tool("cancel_thread", {"id": "top", "cascade": True, "wait_seconds": 0})

    assert {"top", *cancelled} <= set(platform.cancelled)
    assert "c" not in platform.cancelled
    outcomes = {each["arguments"]["id"]: each["outcome"] for each in (result.structured_content or {})["parts"]}
    assert {name: outcomes[name] for name in parts} == parts


@BOTH
@pytest.mark.parametrize("ends", ["before the question", "while the person thinks"])
async def test_parts_of_work_that_has_ended_are_asked_about_and_stopped(mode: str, ends: str) -> None:
    state = "cancelled" if ends == "before the question" else "running"
    cancelled: list[str] = []

    def respond_to(request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.split("/")[2] if request.url.path != "/threads" else ""
        if request.method == "POST":
            cancelled.append(name)
            return respond(200, {"state": "proved"})
        if not name:
            return respond(200, {"threads": [], "total": 0})
        return respond(200, {"state": state, "children": ["a"]} if name == "top" else {"state": "running"})

    async def answer(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        nonlocal state
        assert context.request_id is not None
        assert "With it 1 more: Loom - cancel a thread: id a." in params.message
        state = "cancelled"
        return YES

    catalogue = loom("{aim: task, confirm: self, before: {look: self}}")
    scope = Surface.of(catalogue, settings.read(catalogue, {}))
    async with Gateway(mock(respond_to)) as gateway:
        server = make(scope, Engine(gateway), elicitation=Elicitation(None))
        async with Client(server, mode=mode, cache=None, elicitation_callback=answer) as client:
            result = await client.call_tool("cancel_thread", {"id": "top", "cascade": True, "wait_seconds": 0})

    content = result.structured_content or {}
    assert (content["outcome"], cancelled) == ("already_finished", ["a"])
    assert [(each["arguments"], each["outcome"]) for each in content["parts"]] == [({"id": "a"}, "stopped")]


async def test_a_consent_is_good_for_two_minutes() -> None:
    clock = [1000.0]
    async with asking("auto", YES, elicitation=Elicitation(None, lambda: clock[0])) as asked:
        arguments = {"task_id": asked.sandbox.xpander.ids.executing_task}
        state = (await begun(asked, "stop_task", arguments)).request_state
        clock[0] += 121
        late = await replayed(asked, "stop_task", arguments, state)
        assert isinstance(late, types.InputRequiredResult), "it is asked about anew"
        assert cancels(asked) == 0
        clock[0] += 119
        assert isinstance(await replayed(asked, "stop_task", arguments, late.request_state), types.CallToolResult)
        assert cancels(asked) == 1


async def test_an_answer_that_takes_more_than_two_minutes_is_none() -> None:
    clock = [1000.0]

    async def sleep_on_it(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context.request_id is not None
        assert params.message
        clock[0] += 121
        return YES

    async with asking("legacy", None, instead=sleep_on_it, elicitation=Elicitation(None, lambda: clock[0])) as asked:
        answer = await asked.call("stop_task", task_id=asked.sandbox.xpander.ids.executing_task)
        assert cancels(asked) == 0
    assert answer["outcome"] == "refused"


@pytest.mark.parametrize("state", ["", "asked", "v1.AAAA", "x" * 10_000])
async def test_an_answer_to_a_question_that_was_never_put_is_refused(state: str) -> None:
    async with asking("auto", YES) as asked:
        arguments = {"task_id": asked.sandbox.xpander.ids.executing_task}
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await replayed(asked, "stop_task", arguments, state)
        unasked = await replayed(asked, "stop_task", arguments, None)
        assert isinstance(unasked, types.InputRequiredResult)
        assert list(asked.sandbox.requests) == []


async def test_a_call_that_comes_back_without_an_answer_is_not_sent() -> None:
    async with asking("auto", YES) as asked:
        arguments = {"task_id": asked.sandbox.xpander.ids.executing_task}
        state = (await begun(asked, "stop_task", arguments)).request_state
        result = await replayed(asked, "stop_task", arguments, state, None)
        assert isinstance(result, types.CallToolResult)
        assert sound(asked.scope, "stop_task", result)["outcome"] == "denied"
        assert list(asked.sandbox.requests) == []


async def test_servers_that_share_a_key_hear_the_answers_to_each_other_s_questions() -> None:
    key = SecretStr("k" * 32)
    async with (
        asking("auto", YES, elicitation=Elicitation(key)) as one,
        asking("auto", YES, elicitation=Elicitation(key)) as two,
        asking("auto", YES) as three,
    ):
        arguments = {"task_id": one.sandbox.xpander.ids.executing_task}
        state = (await begun(one, "stop_task", arguments)).request_state
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await replayed(three, "stop_task", arguments, state)
        result = await replayed(two, "stop_task", arguments, state)
        assert isinstance(result, types.CallToolResult)
        assert sound(two.scope, "stop_task", result)["outcome"] == "stopped"


class Unreachable:
    """Consents that nothing tells of."""

    async def use(self, consent_id: str) -> bool:
        assert consent_id
        raise SharedStateError


async def test_while_nothing_tells_whether_a_consent_was_used_no_cancel_is_sent() -> None:
    async with asking("auto", YES, elicitation=Elicitation(None, consents=Unreachable())) as asked:
        answer = await asked.call("stop_task", task_id=asked.sandbox.xpander.ids.executing_task)
        assert answer["outcome"] == "unavailable"
        assert "counts its limit and people's consents together with others" in answer["message"]
        assert list(asked.sandbox.requests) == []


async def test_a_caller_that_goes_away_while_the_person_thinks_has_sent_nothing() -> None:
    asked_now = anyio.Event()

    async def think(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context.request_id is not None
        assert params.message
        asked_now.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with asking("legacy", None, instead=think) as asked:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(asked.client.call_tool, "stop_task", {"task_id": asked.sandbox.xpander.ids.slow_task})
                await asked_now.wait()
                tasks.cancel_scope.cancel()
            await asked.client.list_tools()
        assert list(asked.sandbox.requests) == []
