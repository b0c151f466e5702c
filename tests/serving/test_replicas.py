"""Whole processes: two servers behind one proxy that alternates, and how a server is ended."""

import json
import re
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import anyio.abc
import anyio.lowlevel
import httpx2
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, types
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from tests.e2e.processes import started
from tests.real.server import free_ports
from tests.serving.site import ERAS, Held, message, minted, said
from tests.store import real

from pullcord.sandbox import Sandbox, running
from pullcord.serving.front import PATH, Front
from pullcord.serving.listening import listening

pytestmark = pytest.mark.anyio

EVER = 300
"""Seconds in which each test is over."""


@asynccontextmanager
async def serving(*arguments: str, settings: Mapping[str, str]) -> AsyncIterator[tuple[anyio.abc.Process, str]]:
    """A server process, and where it serves MCP."""
    async with started("serve", "--http", "--port", "0", *arguments, settings=settings) as process:
        assert process.stderr
        line = (await BufferedByteReceiveStream(process.stderr).receive_until(b"\n", 1000)).decode()
        found = re.fullmatch(r"pullcord: serving MCP at (\S+)", line)
        assert found, line
        yield process, found[1]


async def test_probes_have_a_port_of_their_own_and_the_start_tells_the_bounds() -> None:
    platform, sandbox = Held(), Sandbox()
    ids = sandbox.everruns.ids
    with anyio.fail_after(EVER):
        async with listening(platform, Front(port=0)) as base_url:
            settings = {"EVERRUNS_API_KEY": "k", "EVERRUNS_API_URL": base_url}
            options = ("--port", "0", "--probes", "0", "--max-calls", "1", "--max-queue", "0")
            async with (
                started("serve", "--http", *options, settings=settings) as process,
                httpx2.AsyncClient(timeout=EVER) as client,
                anyio.create_task_group() as tasks,
            ):
                assert process.stderr
                lines = BufferedByteReceiveStream(process.stderr)
                told = [(await lines.receive_until(b"\n", 1000)).decode() for _ in range(3)]
                served = re.fullmatch(r"pullcord: serving MCP at (\S+)", told[0])
                bound = r"pullcord: at most (\d+) connections at once, (\d+) of them from one address.*"
                probed = re.fullmatch(
                    r"pullcord: answering probes at (\S+)/healthz and \1/readyz, metrics at /metrics", told[2]
                )
                assert served
                assert re.fullmatch(bound, told[1])
                assert probed

                async def cancel() -> None:
                    arguments = {"session_id": ids.active_session, "task_id": ids.background_task}
                    headers, body = message("tools/call", {"name": "cancel_task", "arguments": arguments})
                    await client.post(served[1], json=body, headers=headers)

                tasks.start_soon(cancel)
                await platform.asked.wait()
                headers, body = message("tools/list", {})
                assert (await client.post(served[1], json=body, headers=headers)).status_code == 503
                assert (await client.get(f"{probed[1]}/healthz")).status_code == 200
                assert (await client.get(f"{probed[1]}/readyz")).status_code == 200
                assert (await client.post(f"{probed[1]}/mcp", json=body, headers=headers)).status_code == 404
                process.terminate()
                while (await client.get(f"{probed[1]}/readyz")).status_code == 200:
                    continue
                assert (await client.get(f"{probed[1]}/healthz")).status_code == 200
                platform.answer.set()
                assert await process.wait() == 0


class Alternating:
    """A proxy that sends each request to another server than the one before."""

    def __init__(self, *servers: str) -> None:
        self.servers = servers
        self.served = Counter[str]()
        self._client = httpx2.AsyncClient(timeout=EVER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        asked = Request(scope, receive)
        server = self.servers[self.served.total() % len(self.servers)]
        self.served[server] += 1
        headers = [(name, value) for name, value in asked.headers.items() if name not in {"host", "content-length"}]
        body = await asked.body()
        async with self._client.stream(asked.method, server, headers=headers, content=body) as answer:
            await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw})
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def aclose(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def replicas(*arguments: str, settings: Mapping[str, str]) -> AsyncIterator[tuple[str, Counter[str]]]:
    """Two servers behind one proxy: its address, and which server was asked how often."""
    async with (
        serving(*arguments, settings=settings) as (_, one),
        serving(*arguments, settings=settings) as (_, other),
    ):
        proxy = Alternating(one, other)
        try:
            async with listening(proxy, Front(port=0)) as origin:
                yield f"{origin}{PATH}", proxy.served
        finally:
            await proxy.aclose()


def answer_of(result: types.CallToolResult) -> dict[str, Any]:
    answer: dict[str, Any] = result.structured_content or {}
    return answer


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_two_servers_tell_one_client_one_story(mode: str) -> None:
    """List, cancel with waiting, follow: whichever server answers."""
    sandbox = Sandbox(wind_down=0.2)
    with anyio.fail_after(EVER):
        async with (
            running(sandbox) as base_url,
            replicas(settings=sandbox.environment(base_url)) as (url, served),
            Client(url, mode=mode, cache=None) as client,
        ):
            listed = answer_of(await client.call_tool("list_org_tasks", {"state": "running"}))
            item = next(
                item for item in listed["resource"]["items"] if item["id"] == sandbox.everruns.ids.background_task
            )
            cancel = next(action for action in item["allowed_actions"] if action["rel"] == "cancel")
            states: list[str | None] = []

            async def progressed(progress: float, total: float | None, message: str | None) -> None:
                assert total
                assert progress <= total
                states.append(message)

            stopped = answer_of(
                await client.call_tool(
                    cancel["tool"], {**cancel["arguments"], "wait_seconds": 20}, progress_callback=progressed
                )
            )
            assert (stopped["outcome"], stopped["work_stopped"]) == ("stopped", "yes")
            assert states
            target = {name: cancel["arguments"][name] for name in ("session_id", "task_id")}
            seen = answer_of(await client.call_tool("get_task", target))
            assert (seen["state"], seen["work_stopped"]) == ("canceled", "yes")
            again = answer_of(await client.call_tool(cancel["tool"], cancel["arguments"]))
            assert again["outcome"] == "stopped"
            assert len(served) == 2
            assert min(served.values()) >= 2


async def test_what_one_server_asks_a_person_the_other_hears() -> None:
    sandbox = Sandbox()
    asked: list[str] = []

    async def consent(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(context, ClientRequestContext)
        assert context is not None
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"cancel": True})

    with anyio.fail_after(EVER):
        async with running(sandbox) as base_url:
            settings = {**sandbox.environment(base_url), "PULLCORD_STATE_KEY": secrets.token_hex(16)}
            ids = sandbox.everruns.ids
            target = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 0}
            async with (
                replicas("--confirm", settings=settings) as (url, served),
                Client(url, cache=None, elicitation_callback=consent) as client,
            ):
                done = answer_of(await client.call_tool("cancel_task", target))
                assert done["outcome"] == "stopping"
                assert len(asked) == 1
                assert len(served) == 2
                async with Client(url, mode="legacy", cache=None, elicitation_callback=consent) as old:
                    # Without sessions there is no way back to a client of the handshake era: it is told, not cancelled.
                    refused = answer_of(await old.call_tool("cancel_task", target))
                    assert refused["outcome"] == "denied"
                    assert "2026-07-28" in refused["allowed_actions"][0]["hint"]


@pytest.mark.debian
async def test_replicas_that_share_redis_send_as_many_cancels_as_one_and_hear_each_consent_once(tmp_path: Path) -> None:
    sandbox = Sandbox()
    options = ("--confirm", "--limit", "2/hour")
    with anyio.fail_after(EVER):
        async with running(sandbox) as base_url, AsyncExitStack() as stack:
            (port,) = free_ports(1)
            settings = {
                **sandbox.environment(base_url),
                "PULLCORD_STATE_KEY": secrets.token_hex(16),
                "PULLCORD_SHARED": f"redis://127.0.0.1:{port}/1",
            }
            replicas = [await stack.enter_async_context(serving(*options, settings=settings)) for _ in range(2)]
            one, other = (url for _, url in replicas)
            client = await stack.enter_async_context(httpx2.AsyncClient(timeout=EVER))
            ids = sandbox.everruns.ids
            target = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 0}

            async def call(url: str, name: str = "cancel_task", **extras: object) -> dict[str, Any]:
                headers, body = message("tools/call", {"name": name, "arguments": target, **extras})
                if name == "get_task":
                    body["params"]["arguments"] = {name: value for name, value in target.items() if "wait" not in name}
                body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = {"elicitation": {"form": {}}}
                result: dict[str, Any] = said(await client.post(url, json=body, headers=headers))["result"]
                return result

            async def agreed(*urls: str) -> list[dict[str, Any]]:
                """The results of one consent, each time with another replica."""
                state = (await call(one))["requestState"]
                consent = {"consent": {"action": "accept", "content": {"cancel": True}}}
                return [await call(url, requestState=state, inputResponses=consent) for url in urls]

            async with real(tmp_path, port):
                first, again = await agreed(one, other)
                assert first["structuredContent"]["outcome"] == "stopping"
                assert "requestState" in again, "it is asked anew"
                assert (await agreed(other))[0]["structuredContent"]["outcome"] == "stopping"
                for url in (one, other):
                    (limited,) = await agreed(url)
                    assert limited["structuredContent"]["outcome"] == "rate_limited"
            for url in (one, other):
                (refused,) = await agreed(url)
                assert refused["structuredContent"]["outcome"] == "unavailable"
                assert (await call(url, "get_task"))["structuredContent"]["outcome"] == "observed"
            assert sum(each.method == "POST" for each in sandbox.requests) == 2


async def test_a_caller_with_a_token_and_its_own_key_is_served_by_processes(tmp_path: Path) -> None:
    """As a team runs it: tokens, callers' keys, and the journal on standard output."""
    sandbox = Sandbox()
    callers = minted(tmp_path / "tokens", ada="observe cancel")
    with anyio.fail_after(EVER):
        async with running(sandbox) as base_url:
            given = sandbox.environment(base_url)
            keyless = {name: value for name, value in given.items() if not name.endswith("_KEY")}
            options = ("--tokens", str(tmp_path / "tokens"), "--caller-keys", "--journal", "/dev/stdout")
            async with serving(*options, settings=keyless) as (process, url):
                headers = {**callers["ada"], "Everruns-Api-Key": given["EVERRUNS_API_KEY"]}
                async with (
                    httpx2.AsyncClient(headers=headers, timeout=EVER) as http,
                    Client(streamable_http_client(url, http_client=http), cache=None) as client,
                ):
                    ids = sandbox.everruns.ids
                    target = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 0}
                    assert answer_of(await client.call_tool("cancel_task", target))["outcome"] == "stopping"
                assert process.stdout
                lines = BufferedByteReceiveStream(process.stdout)
                written = [json.loads(await lines.receive_until(b"\n", 5000)) for _ in range(2)]
                assert [line["event"] for line in written] == ["intent", "outcome"]
                assert written[0]["client"].startswith("ada, ")


class Ending(NamedTuple):
    """A server process whose platform answers when it is told to, and a client of it."""

    platform: Held
    process: anyio.abc.Process
    url: str
    client: httpx2.AsyncClient
    tasks: anyio.abc.TaskGroup

    async def call(self, tool: str, version: str = ERAS[-1]) -> httpx2.Response:
        ids = Sandbox().everruns.ids
        arguments = {"session_id": ids.active_session, "task_id": ids.background_task}
        headers, body = message("tools/call", {"name": tool, "arguments": arguments}, version)
        return await self.client.post(self.url, json=body, headers=headers)

    async def readiness(self) -> httpx2.Response:
        return await self.client.get(httpx2.URL(self.url).join("/readyz"))


@asynccontextmanager
async def ending(*arguments: str) -> AsyncIterator[Ending]:
    platform = Held()
    with anyio.fail_after(EVER):
        async with listening(platform, Front(port=0)) as base_url:
            settings = {"EVERRUNS_API_KEY": "k", "EVERRUNS_API_URL": base_url}
            async with (
                serving(*arguments, settings=settings) as (process, url),
                httpx2.AsyncClient(timeout=EVER) as client,
                anyio.create_task_group() as tasks,
            ):
                yield Ending(platform, process, url, client, tasks)
            platform.answer.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_server_that_is_told_to_end_finishes_what_is_on_the_wire(number: signal.Signals) -> None:
    outcomes: list[str] = []
    async with ending() as on:

        async def cancel() -> None:
            answer = said(await on.call("cancel_task"))
            outcomes.append(answer["result"]["structuredContent"]["outcome"])

        on.tasks.start_soon(cancel)
        await on.platform.asked.wait()
        assert (await on.readiness()).status_code == 200
        on.process.send_signal(number)
        while (ready := await on.readiness()).status_code == 200:
            continue
        assert ready.json()["draining"] is True
        headers, body = message("tools/list", {})
        refused = await on.client.post(on.url, json=body, headers=headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert outcomes == []
        on.platform.answer.set()
        with anyio.fail_after(60):
            assert await on.process.wait() == 0
    assert outcomes == ["stopping"]


async def test_a_server_that_is_told_to_end_tells_at_once_what_it_saw_of_work_that_it_watches() -> None:
    sandbox = Sandbox(wind_down=1000)
    with anyio.fail_after(EVER):
        async with (
            running(sandbox) as base_url,
            serving(settings=sandbox.environment(base_url)) as (process, url),
            httpx2.AsyncClient(timeout=EVER) as client,
        ):
            ids = sandbox.everruns.ids
            arguments = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 300}
            headers, body = message("tools/call", {"name": "cancel_task", "arguments": arguments})
            body["params"]["_meta"]["progressToken"] = 1
            async with client.stream("POST", url, json=body, headers=headers) as answer:
                lines = answer.aiter_lines()
                async for line in lines:
                    if "notifications/progress" in line:
                        break
                process.terminate()
                last = [line async for line in lines if line.startswith("data: ")][-1]
            told = json.loads(last.removeprefix("data: "))["result"]["structuredContent"]
            assert (told["outcome"], told["work_stopped"]) == ("stopping", "no")
            assert "pullcord watched it for" in told["message"]
            with anyio.fail_after(60):
                assert await process.wait() == 0


@pytest.mark.parametrize("version", ERAS)
async def test_a_second_signal_ends_what_waits_and_loses_no_cancel_on_the_wire(tmp_path: Path, version: str) -> None:
    answers: list[dict[str, Any]] = []
    async with ending("--journal", str(tmp_path / "journal")) as on:

        async def call(tool: str) -> None:
            answers.append(said(await on.call(tool, version)))

        on.tasks.start_soon(call, "cancel_task")
        on.tasks.start_soon(call, "get_task")
        while on.platform.count < 2:
            await anyio.lowlevel.checkpoint()
        on.process.terminate()
        while (await on.readiness()).status_code == 200:
            continue
        on.process.send_signal(signal.SIGHUP)
        while not answers:  # the look; the cancel is not answered by the platform yet
            await anyio.lowlevel.checkpoint()
        on.process.terminate()
        on.platform.answer.set()
        assert await on.process.wait() == 1
    look, cancel = answers
    assert "had to end before the call was done" in look["error"]["message"]
    assert cancel["result"]["structuredContent"]["outcome"] == "stopping"
    assert recorded(tmp_path / "journal") == "stopping"


async def test_a_server_that_waits_for_a_dead_platform_still_ends_in_time(tmp_path: Path) -> None:
    async with ending("--journal", str(tmp_path / "journal")) as on:

        async def cancel() -> None:
            assert (await on.call("cancel_task")).status_code == 500

        on.tasks.start_soon(cancel)
        await on.platform.asked.wait()
        on.process.terminate()
        with anyio.fail_after(60):
            assert await on.process.wait() == 1
        assert on.process.stderr
        assert b"calls were cut off" in await on.process.stderr.receive()
    assert recorded(tmp_path / "journal") == "unknown"


def recorded(journal: Path) -> str:
    """The outcome in a journal of one cancel."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["intent", "outcome"]
    return str(lines[1]["outcome"])
