"""Whatever a caller writes to standard input: the server stays up, stays small, and answers each call once."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.faults.proxy import Exchange, Proxy, proxy
from tests.faults.wire import PATIENCE, Era, Server, serving

from pullcord.sandbox import Sandbox, running

ROOM = 64
"""MiB that any caller may cost."""
METHODS = (
    *("initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/list", "resources/read"),
    *("prompts/list", "prompts/get", "completion/complete", "logging/setLevel"),
    *("notifications/cancelled", "tasks/cancel", "nothing"),
)
CALLS = 2_000


@asynccontextmanager
async def facing(era: Era, folder: Path) -> AsyncIterator[tuple[Sandbox, Proxy, Server]]:
    """A server on a sandbox, with a journal."""
    sandbox = Sandbox(wind_down=600)
    async with running(sandbox) as base_url, proxy(base_url) as standing:
        environ = sandbox.environment(f"http://127.0.0.1:{standing.port}")
        options = ("--timeout", "20", "--journal", str(folder / "journal"))
        async with serving(era, environ, folder / "stderr", *options) as server:
            yield sandbox, standing, server


class Held:
    """A server that a thread runs, for tests that hypothesis calls again and again."""

    def __init__(self, portal: BlockingPortal, server: Server) -> None:
        self.server = server
        self.do: Callable[..., Any] = portal.call
        self.before = server.memory()

    def stands(self) -> None:
        """It answers, and hasn't grown."""
        assert "result" in self.do(self.server.request, "tools/list", {})
        assert self.server.memory() - self.before < ROOM


@pytest.fixture(scope="module", params=get_args(Era))
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    with start_blocking_portal() as portal:
        facing_it: AbstractContextManager[tuple[Sandbox, Proxy, Server]] = portal.wrap_async_context_manager(
            facing(request.param, tmp_path_factory.mktemp("held"))
        )
        with facing_it as (_, _, server):
            yield Held(portal, server)
        assert server.process.returncode == 0
        assert "Traceback" not in server.complaints()


OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["cancel_task", "stop_task", "cancel_turn", "cancel_workspace_task", "get_task", "x", ""])
PARAMS = st.fixed_dictionaries({}, optional={"name": NAMES | JSON, "arguments": JSON, "_meta": JSON, "uri": JSON})


@given(st.lists(st.binary(max_size=200), max_size=5))
@OFTEN
def test_bytes_that_are_no_message_are_passed_over(held: Held, rubbish: list[bytes]) -> None:
    held.do(held.server.write, b"\n".join(rubbish) + b"\n")
    held.stands()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.just("2.0") | JSON,
            "id": JSON,
            "method": st.sampled_from(METHODS) | JSON,
            "params": PARAMS | JSON,
            "result": JSON,
            "error": JSON,
        },
    )
    | JSON
)
@OFTEN
def test_messages_of_any_shape_are_answered_once_or_passed_over(held: Held, message: object) -> None:
    held.do(held.server.write, json.dumps(message).encode() + b"\n")
    held.stands()


@given(st.sampled_from([*METHODS, "no/such"]), PARAMS)
@OFTEN
def test_every_request_has_exactly_one_answer(held: Held, method: str, params: dict[str, Any]) -> None:
    params.pop("_meta", None)  # with one of another era a request is refused before it is accepted
    answer = held.do(held.server.request, method, params)
    assert ("result" in answer) != ("error" in answer)
    held.stands()
    assert held.server.answers[json.dumps(answer["id"])] == 1


@given(st.sampled_from(["cancel_task", "stop_task", "cancel_turn", "cancel_workspace_task", "get_task"]), JSON)
@OFTEN
def test_arguments_of_any_shape_are_answered_as_invalid(held: Held, name: str, arguments: object) -> None:
    answer = held.do(held.server.request, "tools/call", {"name": name, "arguments": arguments})
    if isinstance(arguments, dict):
        assert answer["result"]["structuredContent"]["outcome"] == "invalid_arguments"
        assert len(json.dumps(answer)) < 100_000
    else:
        assert "error" in answer or arguments is None


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + b'{"a":' * 100_000,
        b'{"jsonrpc":"2.0","id":' + b"9" * 100_000 + b',"method":"ping"}',
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
        b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
        b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf{}",
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"y"}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"none"}}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":"x"}}',
        b"\r",
        b"Content-Length: 2\r\n\r\n{}",
    ],
    ids=lambda line: repr(line[:60]),
)
def test_lines_of_known_malice_are_survived(held: Held, line: bytes) -> None:
    held.do(held.server.write, line + b"\n")
    held.stands()


def test_lines_of_50_mb_cost_no_more_than_what_a_line_may_have(held: Held) -> None:
    before = held.server.memory("VmHWM")
    held.do(held.server.write, b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":"')
    for _ in range(50):
        held.do(held.server.write, b"x" * 2**20)
    held.do(held.server.write, b'"}}\n')
    held.stands()
    assert held.server.memory("VmHWM") - before < ROOM


def test_a_large_argument_is_answered_in_few_words(held: Held) -> None:
    before = held.server.memory("VmHWM")
    for _ in range(5):
        task = {"session_id": "x" * 2**20, "reason": "y" * 2**20, "z" * 2**20: 1}
        answer = held.do(held.server.request, "tools/call", {"name": "cancel_turn", "arguments": task})
        assert answer["result"]["structuredContent"]["outcome"] == "invalid_arguments"
        assert len(answer["result"]["content"][0]["text"]) < 4_000
    assert held.server.memory("VmHWM") - before < ROOM


@pytest.mark.anyio
async def test_thousands_of_calls_at_once_are_answered_once_each(tmp_path: Path) -> None:
    async with facing("modern", tmp_path) as (sandbox, _, server):
        before = server.memory()
        targets = [sandbox.xpander.add_task() for _ in range(CALLS)]
        waiting = [
            await server.start("tools/call", {"name": "stop_task", "arguments": {"task_id": target}})
            for target in targets
        ]
        with anyio.fail_after(PATIENCE):
            answers = [await answer for _, answer in waiting]
        assert server.memory("VmHWM") - before < ROOM
    outcomes = [answer["result"]["structuredContent"]["outcome"] for answer in answers]
    # What found no connection in time was surely not sent.
    assert set(outcomes) <= {"stopped", "unavailable"}
    assert outcomes.count("stopped") >= 100
    assert set(server.answers.values()) == {1}
    hit = [arrival.path for arrival in sandbox.requests]
    assert len(hit) == len(set(hit)) == outcomes.count("stopped")


@pytest.mark.anyio
@pytest.mark.parametrize("era", get_args(Era))
async def test_two_calls_of_one_id_are_two_calls(era: Era, tmp_path: Path) -> None:
    async with facing(era, tmp_path) as (sandbox, _, server):
        for _ in range(2):
            call = {"name": "stop_task", "arguments": {"task_id": sandbox.xpander.add_task()}}
            await server.write(json.dumps(server.message("tools/call", call, "twice")).encode() + b"\n")
        with anyio.fail_after(PATIENCE):
            while server.answers['"twice"'] < 2:
                await server.request("tools/list", {})
    assert server.answers['"twice"'] == 2
    assert len(sandbox.requests) == 2


class Gate:
    """Holds an exchange until it is opened."""

    def __init__(self) -> None:
        self.reached = anyio.Event()
        self.opened = anyio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        self.reached.set()
        await self.opened.wait()
        await exchange.send(answer)


@pytest.mark.anyio
@pytest.mark.parametrize("era", get_args(Era))
async def test_a_call_may_be_taken_back_at_every_stage(era: Era, tmp_path: Path) -> None:
    async with facing(era, tmp_path) as (sandbox, standing, server):
        workspace = sandbox.evershell.add_workspace()
        task = sandbox.evershell.add_task(workspace)
        session = sandbox.everruns.ids.active_session
        stages: list[tuple[str, str, dict[str, Any], bool]] = [
            # Where it is held, the tool, its arguments, and whether the cancel had left by then.
            ("GET", "cancel_workspace_task", {"workspace_id": workspace, "expect_task_id": task}, False),
            ("POST", "cancel_workspace_task", {"workspace_id": workspace}, True),
            ("POST", "stop_task", {"task_id": sandbox.xpander.add_task()}, True),
            ("POST", "cancel_task", {"session_id": session, "task_id": sandbox.everruns.add_task()}, True),
            (
                "GET",
                "cancel_task",
                {"session_id": session, "task_id": sandbox.everruns.add_task(), "wait_seconds": 300},
                True,
            ),
        ]
        for method, tool, arguments, left in stages:
            gate = Gate()
            word = arguments.get("task_id", workspace)
            standing.spoils[method, word] = [gate]
            sent = sum(arrival.method == "POST" for arrival in sandbox.requests)
            number, _ = await server.start("tools/call", {"name": tool, "arguments": arguments})
            with anyio.fail_after(PATIENCE):
                await gate.reached.wait()
            await server.cancel(number)
            await server.request("tools/list", {})  # answered once the notification has been read
            gate.opened.set()
            del standing.spoils[method, word]
            assert "result" in await server.request("tools/call", {"name": "list_workspaces", "arguments": {}})
            assert server.answers[json.dumps(number)] == 0
            assert sum(arrival.method == "POST" for arrival in sandbox.requests) - sent == left

        for _ in range(50):  # taken back at once, in the same breath: it may be answered, or not, and never twice
            number, _ = await server.start(
                "tools/call", {"name": "stop_task", "arguments": {"task_id": sandbox.xpander.add_task()}}
            )
            await server.cancel(number)
    assert max(server.answers.values()) == 1
    assert "Traceback" not in server.complaints()
    intents, outcomes = _journalled(tmp_path / "journal")
    assert intents == outcomes
    assert {arrival.request_id for arrival in sandbox.requests if arrival.method == "POST"} <= intents


def _journalled(path: Path) -> tuple[set[str], set[str]]:
    lines = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines() if line]
    ids = [{line["id"] for line in lines if line["event"] == event} for event in ("intent", "outcome")]
    return ids[0], ids[1]
