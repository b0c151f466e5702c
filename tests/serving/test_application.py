"""MCP over Streamable HTTP: who is let in, with which keys, and how much at once. Whole processes are in http/."""

import contextlib
import json
import random
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import httpx2
import pytest
from mcp import MCPError
from starlette.types import Receive, Scope, Send
from tests.serving.issuer import AUDIENCE, minting
from tests.serving.site import LEGACY, MODERN, Held, Site, message, minted, said, site
from tests.support import shipped
from tests.upstream.certificates import certificate

from pullcord.commands.main import main
from pullcord.config.settings import header, platforms
from pullcord.model.errors import SettingsError
from pullcord.sandbox import Sandbox
from pullcord.serving.access import TokenFile
from pullcord.serving.admission import BODY_LIMIT, Load
from pullcord.serving.application import SPARE, Front, listening

pytestmark = pytest.mark.anyio

ERAS = [LEGACY, MODERN]
CANCELS = {"cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"}
HEADERS = {"everruns": "Everruns-Api-Key", "evershell": "Evershell-Api-Key", "xpander": "Xpander-Api-Key"}


def task_of(sandbox: Sandbox) -> dict[str, str]:
    """The arguments that name a new task."""
    return {"session_id": sandbox.everruns.ids.active_session, "task_id": sandbox.everruns.add_task()}


# Serving


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_both_protocol_eras_are_served_without_sessions(mode: str) -> None:
    async with site() as here, here.client(mode) as client:
        tools = await client.list_tools()
        assert {each.name for each in tools.tools} >= CANCELS
        result = await client.call_tool("cancel_task", task_of(here.sandbox))
        assert (result.structured_content or {})["outcome"] == "stopping"


@pytest.mark.parametrize("version", ERAS)
async def test_any_replica_answers_any_request(version: str) -> None:
    """No request needs another before it, and no answer names a session."""
    async with site() as here:
        response = await here.post("tools/list", version=version)
        assert response.status_code == 200
        assert "mcp-session-id" not in response.headers
        assert (await here.call("cancel_task", task_of(here.sandbox), version=version))["outcome"] == "stopping"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_is_no_stream_to_open_and_no_session_to_end(method: str) -> None:
    async with site() as here:
        response = await here.http.request(method, "/mcp", headers={"Accept": "text/event-stream"})
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_health_tells_that_the_process_lives_and_readiness_that_it_can_work() -> None:
    async with site() as here:
        assert (await here.http.get("/healthz")).status_code == 200
        assert (await here.http.get("/readyz")).status_code == 200
        here.load.draining = True
        assert (await here.http.get("/healthz")).status_code == 200
        response = await here.http.get("/readyz")
        assert (response.status_code, response.json()["draining"]) == (503, True)
    async with site(environ={}) as here:
        response = await here.http.get("/readyz")
        assert (response.status_code, response.json()["configured"]) == (503, False)
        assert (await here.http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("front", "headers", "status"),
    [
        (Front(), {}, 200),
        (Front(), {"Host": "localhost:8642"}, 200),
        (Front(), {"Host": "rebound.example"}, 421),
        (Front(), {"Origin": "https://page.example"}, 403),
        (Front(), {"Origin": "http://localhost:3000"}, 403),
        (Front(hosts=["in.example"]), {"Host": "in.example"}, 200),
        (Front(hosts=["in.example"]), {"Host": "in.example:8642"}, 200),
        (Front(hosts=["in.example:1"]), {"Host": "in.example:1"}, 200),
        (Front(hosts=["in.example:1"]), {"Host": "in.example"}, 421),
        (Front(hosts=["[::5]"]), {"Host": "[::5]:1"}, 200),
        (Front(audience=AUDIENCE), {"Host": "pullcord.example"}, 200),
        (Front(origins=["https://page.example"]), {"Origin": "https://page.example"}, 200),
        (Front(origins=["https://page.example"]), {"Origin": "https://other.example"}, 403),
    ],
)
@pytest.mark.parametrize("version", ERAS)
async def test_host_and_origin_are_checked_always(
    front: Front, headers: dict[str, str], status: int, version: str
) -> None:
    async with site(front) as here:
        assert (await here.post("tools/list", headers=headers, version=version)).status_code == status


# Access


@pytest.mark.parametrize("version", ERAS)
async def test_without_a_token_nobody_gets_in_and_nothing_tells_more(tmp_path: Path, version: str) -> None:
    path = tmp_path / "tokens"
    minted(path, ci="observe")
    async with site(Front(tokens=path)) as here:
        for headers in ({}, {"Authorization": "Bearer pullcord_guess"}, {"Authorization": "Basic eDp5"}):
            response = await here.post("tools/list", version=version, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer ")
        assert (await here.http.get("/healthz")).status_code == 200
        assert (await here.http.get("/.well-known/oauth-protected-resource/mcp")).status_code == 404


@pytest.mark.parametrize("version", ERAS)
async def test_a_caller_sees_and_calls_only_what_its_token_is_good_for(tmp_path: Path, version: str) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, watcher="observe", stopper="cancel", both="cancel observe")
    async with site(Front(tokens=path)) as here:
        every = set(await here.tools(callers["both"], version))
        assert every >= CANCELS
        assert set(await here.tools(callers["watcher"], version)) == every - CANCELS
        assert set(await here.tools(callers["stopper"], version)) == CANCELS
        target = task_of(here.sandbox)
        response = await here.post(
            "tools/call",
            {"name": "cancel_task", "arguments": target},
            headers=callers["watcher"],
            version=version,
        )
        error = said(response)["error"]
        assert error["code"] == -32602
        assert "needs a scope" in error["message"]
        seen = await here.call("get_task", target, headers=callers["watcher"], version=version)
        offered = {action["operation_id"]: action for action in seen["allowed_actions"]}
        assert offered.keys() & CANCELS
        assert all(
            "tool" not in offered[name] and "arguments" not in offered[name] for name in offered.keys() & CANCELS
        )
        assert [request.method for request in here.sandbox.requests] == ["GET"]
        seen = await here.call("get_task", target, headers=callers["both"], version=version)
        assert any(action.get("tool") == "cancel_task" for action in seen["allowed_actions"])
        stopped = await here.call("cancel_task", target, headers=callers["stopper"], version=version)
        assert stopped["outcome"] == "stopping"
        assert not [action for action in stopped["allowed_actions"] if action.get("tool") == "get_task"]


async def test_a_token_without_a_known_scope_is_good_for_nothing() -> None:
    async with minting() as issuer:
        front = Front(issuer=issuer.url, audience=AUDIENCE)
        async with site(front) as here:
            headers = {"Authorization": f"Bearer {issuer.token(scope='email profile')}"}
            assert await here.tools(headers) == []


@pytest.mark.parametrize("version", ERAS)
async def test_a_jwt_of_the_issuer_lets_in_and_others_are_sent_to_it(version: str) -> None:
    async with minting() as issuer, site(Front(issuer=issuer.url, audience=AUDIENCE)) as here:
        response = await here.post("tools/list", version=version, headers={"Authorization": "Bearer a.b.c"})
        assert response.status_code == 401
        metadata = re.search(r'resource_metadata="([^"]*)"', response.headers["www-authenticate"])
        assert metadata
        assert metadata[1] == "https://pullcord.example/.well-known/oauth-protected-resource/mcp"
        told = (await here.http.get("/.well-known/oauth-protected-resource/mcp")).json()
        assert told["resource"] == AUDIENCE
        assert told["authorization_servers"] == [issuer.url]
        assert told["scopes_supported"] == ["observe", "cancel"]
        headers = {"Authorization": f"Bearer {issuer.token(scope='observe')}"}
        assert not CANCELS & set(await here.tools(headers, version))
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        assert set(await here.tools(headers, version)) >= CANCELS
        assert (await here.call("cancel_task", task_of(here.sandbox), headers=headers, version=version))["outcome"]


async def test_what_may_be_listed_for_one_caller_is_not_kept_for_another(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ci="observe")
    async with site(Front(tokens=path)) as here:
        assert said(await here.post("tools/list", headers=callers["ci"]))["result"]["cacheScope"] == "private"
    async with site() as here:
        assert said(await here.post("tools/list"))["result"]["cacheScope"] == "public"


@pytest.mark.parametrize("version", ERAS)
async def test_a_callers_token_reaches_no_platform_and_its_name_the_journal(tmp_path: Path, version: str) -> None:
    path, journal = tmp_path / "tokens", tmp_path / "journal"
    callers = minted(path, ada="observe cancel")
    token = callers["ada"]["Authorization"].removeprefix("Bearer ")
    sent: list[bytes] = []

    async def platform(scope: Scope, receive: Receive, send: Send) -> None:
        sent.extend(part for header in scope["headers"] for part in header)
        sent.extend((scope["raw_path"], scope["query_string"]))
        await answering(scope, receive, send)

    answering = Held()
    answering.answer.set()
    async with site(Front(tokens=path), platform=platform, journal=journal) as here:
        answer = await here.call("cancel_task", task_of(here.sandbox), headers=callers["ada"], version=version)
    assert answer["outcome"] == "stopping"
    assert sent
    assert not [part for part in sent if token.encode() in part]
    assert token not in journal.read_text()
    assert token not in json.dumps(answer)
    assert json.loads(journal.read_text().splitlines()[0])["client"].startswith("ada")


async def test_the_journal_names_the_person_behind_a_client(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with (
        minting() as issuer,
        site(Front(issuer=issuer.url, audience=AUDIENCE), journal=journal) as here,
        here.client("auto", {"Authorization": f"Bearer {issuer.token()}"}) as client,
    ):
        await client.call_tool("cancel_task", task_of(here.sandbox))
    assert re.fullmatch(r"ada, mcp \S+", json.loads(journal.read_text().splitlines()[0])["client"])


# Whose keys


def keyless(sandbox: Sandbox) -> dict[str, str]:
    settings = sandbox.environment("http://127.0.0.1:1")
    return {name: value for name, value in settings.items() if not name.endswith("_KEY")}


@pytest.mark.parametrize("version", ERAS)
async def test_a_request_brings_its_keys_and_without_one_is_told_the_header(version: str) -> None:
    environ = keyless(Sandbox())
    async with site(Front(caller_keys=True), environ=environ) as here:
        target = task_of(here.sandbox)
        key = here.sandbox.environment("")["EVERRUNS_API_KEY"]
        for headers in ({}, {HEADERS["xpander"]: "k"}, {HEADERS["everruns"]: "two words"}):
            for name in ("cancel_task", "get_task"):
                answer = await here.call(name, target, headers=headers, version=version)
                assert answer["outcome"] == "denied"
                assert "header Everruns-Api-Key" in answer["message"]
                (action,) = [each for each in answer["allowed_actions"] if each["rel"] == "authorize"]
                assert action["hint"].startswith("Send the key in the request's header Everruns-Api-Key.")
        assert not here.sandbox.requests
        answer = await here.call("cancel_task", target, headers={HEADERS["everruns"]: "wrong"}, version=version)
        assert answer["outcome"] == "denied"
        (action,) = [each for each in answer["allowed_actions"] if each["rel"] == "authorize"]
        assert action["hint"].startswith("Check the key in the request's header Everruns-Api-Key.")
        answer = await here.call("cancel_task", target, headers={HEADERS["everruns"]: key}, version=version)
        assert answer["outcome"] == "stopping"
        assert key not in json.dumps(answer)
        assert [request.key for request in here.sandbox.requests] == ["unknown", "everruns"]


async def test_a_key_that_is_brought_twice_is_none() -> None:
    async with site(Front(caller_keys=True), environ=keyless(Sandbox())) as here:
        needed, body = message("tools/call", {"name": "get_task", "arguments": task_of(here.sandbox)})
        headers = [*needed.items(), (HEADERS["everruns"], "one"), (HEADERS["everruns"], "other")]
        answer = said(await here.http.post("/mcp", json=body, headers=headers))
        assert answer["result"]["structuredContent"]["outcome"] == "denied"
        assert not here.sandbox.requests


async def test_what_only_the_operator_can_set_is_asked_of_the_operator() -> None:
    async with site(Front(caller_keys=True), environ={}) as here:
        arguments = {"workspace_id": "ws_0001"}
        answer = await here.call("cancel_workspace_task", arguments, headers={HEADERS["evershell"]: "k"})
        assert answer["outcome"] == "denied"
        assert "EVERSHELL_SLUG" in answer["message"]
        assert "Evershell-Api-Key" not in answer["message"]


def test_every_platform_has_its_header_and_no_two_the_same() -> None:
    assert {name: header(platform.keys[0]) for name, platform in platforms(shipped()).items()} == HEADERS


async def test_every_tool_is_listed_where_keys_come_with_the_calls() -> None:
    async with site(Front(caller_keys=True), environ=keyless(Sandbox())) as brought, site() as own:
        assert await brought.tools() == await own.tools()


async def test_beyond_this_machine_keys_come_by_https_only(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe cancel")
    front = Front(host="192.0.2.7", hosts=["in.example"], tokens=path, caller_keys=True, proxies=["10.0.0.0/8"])
    assert front.faults() == []
    for base_url, status in (("http://in.example", 403), ("https://in.example", 200)):
        async with site(front, environ=keyless(Sandbox()), base_url=base_url) as here:
            response = await here.post("tools/list", headers=callers["ada"])
            assert response.status_code == status


async def test_the_keys_of_two_callers_never_mix() -> None:
    """A thousand interleaved calls of forty callers: each request that arrives carries the key of the task's owner."""
    owners: dict[str, str] = {}
    arrived: Counter[str] = Counter()
    mixed: list[str] = []

    async def platform(scope: Scope, receive: Receive, send: Send) -> None:
        key = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        for _ in range(random.randrange(5)):  # noqa: S311 - an order, no secret
            await anyio.lowlevel.checkpoint()  # lets others go first
        task_id = scope["path"].split("/tasks/")[1].partition("/")[0]
        if owners[task_id] != key:
            mixed.append(task_id)
        arrived[key] += 1
        await answering(scope, receive, send)

    answering = Held()
    answering.answer.set()
    async with site(Front(caller_keys=True), environ=keyless(Sandbox()), platform=platform) as here:

        async def call(caller: int) -> None:
            for number in range(25):
                target = task_of(here.sandbox)
                owners[target["task_id"]] = f"key-of-{caller}"
                answer = await here.call(
                    ("cancel_task", "get_task")[number % 2],
                    target,
                    headers={HEADERS["everruns"]: f"key-of-{caller}"},
                    version=ERAS[number // 2 % 2],
                )
                assert answer["outcome"] in {"stopping", "observed"}, answer

        with anyio.fail_after(600):
            async with anyio.create_task_group() as tasks:
                for caller in range(40):
                    tasks.start_soon(call, caller)
    assert mixed == []
    assert arrived == {f"key-of-{caller}": 25 for caller in range(40)}


# Load


@contextlib.asynccontextmanager
async def busy(here: Site, platform: Held, calls: int) -> AsyncIterator[list[str]]:
    """Keep so many calls on the wire while the block runs; what they were answered."""
    outcomes: list[str] = []

    async def call() -> None:
        outcomes.append((await here.call("cancel_task", task_of(here.sandbox)))["outcome"])

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            for _ in range(calls):
                tasks.start_soon(call)
            while platform.count < min(calls, 1):
                await anyio.lowlevel.checkpoint()
            await anyio.wait_all_tasks_blocked()
            yield outcomes
            platform.answer.set()


async def test_more_calls_than_there_are_places_wait_and_more_than_may_wait_are_told_when_to_come_again() -> None:
    platform = Held()
    async with site(load=Load(1, 1), platform=platform) as here:
        async with busy(here, platform, 2) as outcomes:
            assert platform.count == 1
            response = await here.post("tools/call", {"name": "cancel_task", "arguments": task_of(here.sandbox)})
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            error = response.json()["error"]
            assert "Nothing was sent" in error["message"]
            assert error["data"] == {"retry_after_seconds": 1}
        assert outcomes == ["stopping", "stopping"]
        assert platform.count == 2
        assert (await here.call("cancel_task", task_of(here.sandbox)))["outcome"] == "stopping"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_agents_host_is_told_in_words_that_the_server_is_busy(mode: str) -> None:
    platform = Held()
    async with site(load=Load(1, 0), platform=platform) as here, here.client(mode) as client:
        async with busy(here, platform, 1):
            with pytest.raises(MCPError, match=r"This server is busy\. Nothing was sent"):
                await client.call_tool("cancel_task", task_of(here.sandbox))
        assert platform.count == 1


async def test_nobody_waits_for_a_place_for_ever() -> None:
    platform = Held()
    async with site(load=Load(1, 1, waiting=0.01), platform=platform) as here, busy(here, platform, 1):
        assert (await here.post("tools/list")).status_code == 503


async def test_a_stranger_takes_no_place(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe cancel")
    platform = Held()
    async with site(Front(tokens=path), load=Load(1, 0), platform=platform) as here, anyio.create_task_group() as tasks:

        async def call() -> None:
            await here.call("cancel_task", task_of(here.sandbox), headers=callers["ada"])

        tasks.start_soon(call)
        await platform.asked.wait()
        assert (await here.post("tools/list")).status_code == 401
        assert (await here.post("tools/list", headers=callers["ada"])).status_code == 503
        platform.answer.set()


async def test_a_server_that_ends_takes_no_more_calls_and_waits_for_those_that_it_has() -> None:
    platform = Held()
    async with site(platform=platform) as here, busy(here, platform, 3) as outcomes:
        here.load.draining = True
        response = await here.post("tools/list")
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        with anyio.move_on_after(0.01) as early:
            await here.load.idle()
        assert early.cancelled_caught
        platform.answer.set()
        with anyio.fail_after(10):
            await here.load.idle()
        assert outcomes == ["stopping"] * 3


async def test_a_body_is_bounded() -> None:
    async with site() as here:
        response = await here.http.post("/mcp", content=b" " * (BODY_LIMIT + 1))
        assert response.status_code == 413
        needed, body = message("tools/list", {"padding": "x" * (BODY_LIMIT - 1000)})
        assert (await here.http.post("/mcp", json=body, headers=needed)).status_code == 200


async def test_a_client_that_sends_slowly_holds_no_place() -> None:
    platform = Held()

    async def dribble() -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep_forever()

    async with site(load=Load(1, 0, arriving=0.05), platform=platform) as here, anyio.create_task_group() as tasks:
        statuses: list[int] = []

        async def slow() -> None:
            statuses.append((await here.http.post("/mcp", content=dribble())).status_code)

        with anyio.fail_after(10):
            tasks.start_soon(slow)
            await anyio.wait_all_tasks_blocked()
            assert (await here.post("tools/list")).status_code == 200
            while not statuses:
                await anyio.lowlevel.checkpoint()
        assert statuses == [408]


class Line:
    """One request to the application, whose client does what a test says."""

    def __init__(self, version: str, name: str, arguments: dict[str, Any]) -> None:
        headers, body = message("tools/call", {"name": name, "arguments": arguments}, version)
        headers |= {"Host": "127.0.0.1", "Content-Type": "application/json"}
        self.scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "scheme": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self.gone = anyio.Event()
        self._body = [json.dumps(body).encode()]

    async def receive(self) -> dict[str, Any]:
        """The request, and then nothing until the client is gone."""
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def ignore(self, _: object) -> None:
        """Take nothing of the answer."""
        await self.gone.wait()


async def test_a_caller_that_hangs_up_while_it_waits_for_a_place_has_sent_nothing() -> None:
    platform = Held()
    async with site(load=Load(1, 1), platform=platform) as here:
        line = Line(MODERN, "cancel_task", task_of(here.sandbox))
        async with busy(here, platform, 1), anyio.create_task_group() as tasks:
            tasks.start_soon(here.app, line.scope, line.receive, line.ignore)
            await anyio.wait_all_tasks_blocked()
            line.gone.set()
            await anyio.wait_all_tasks_blocked()
            platform.answer.set()
        assert platform.count == 1
        assert (await here.post("tools/list")).status_code == 200


@pytest.mark.parametrize("version", ERAS)
async def test_a_client_that_takes_no_answer_holds_no_place(version: str) -> None:
    platform = Held()
    platform.answer.set()
    async with site(load=Load(1, 0, sending=0.05), platform=platform) as here:
        line = Line(version, "cancel_task", task_of(here.sandbox))
        with anyio.fail_after(10):
            with contextlib.suppress(BaseExceptionGroup, TimeoutError):
                await here.app(line.scope, line.receive, line.ignore)
            await here.load.idle()
        assert (await here.post("tools/list")).status_code == 200


# On real sockets


async def connected(url: str, text: bytes) -> anyio.abc.SocketStream:
    """Connect, and send something."""
    stream = await anyio.connect_tcp("127.0.0.1", httpx2.URL(url).port or 0)
    if text:
        await stream.send(text)
    return stream


def request(version: str, name: str, arguments: dict[str, Any]) -> bytes:
    """A whole HTTP request."""
    headers, body = message("tools/call", {"name": name, "arguments": arguments}, version)
    body["params"]["_meta"]["progressToken"] = 7
    content = json.dumps(body).encode()
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content


@pytest.mark.parametrize("version", ERAS)
async def test_a_cancel_that_is_on_the_wire_is_finished_though_its_caller_hangs_up(
    tmp_path: Path, version: str
) -> None:
    journal, platform = tmp_path / "journal", Held()
    async with site(platform=platform, journal=journal) as here, listening(here, Front(port=0)) as url:
        with anyio.fail_after(120):
            stream = await connected(url, request(version, "cancel_task", task_of(here.sandbox)))
            await platform.asked.wait()
            await stream.aclose()
            await anyio.wait_all_tasks_blocked()
            platform.answer.set()
            while len(journal.read_text().splitlines()) < 2:
                await anyio.lowlevel.checkpoint()
            await here.load.idle()
    assert json.loads(journal.read_text().splitlines()[1])["outcome"] == "stopping"
    assert platform.count == 1


@pytest.mark.parametrize("version", ERAS)
async def test_a_caller_that_hangs_up_ends_the_waiting(version: str) -> None:
    asked = Counter[str]()
    looking, left = anyio.Event(), anyio.Event()

    async def platform(scope: Scope, receive: Receive, send: Send) -> None:
        asked[scope["method"]] += 1
        if scope["method"] == "POST":
            await answering(scope, receive, send)
            return
        looking.set()
        try:
            await anyio.sleep_forever()
        finally:
            left.set()

    answering = Held()
    answering.answer.set()
    async with site(platform=platform) as here, listening(here, Front(port=0)) as url:
        with anyio.fail_after(120):
            arguments = {**task_of(here.sandbox), "wait_seconds": 300}
            stream = await connected(url, request(version, "cancel_task", arguments))
            await looking.wait()
            await stream.aclose()
            await left.wait()
            await here.load.idle()
    assert asked == {"POST": 1, "GET": 1}


@pytest.mark.parametrize("begun", [b"", b"POST /mcp HTTP/1.1\r\nHost: "])
async def test_a_connection_without_a_request_is_closed(begun: bytes) -> None:
    async with site() as here, listening(here, Front(port=0), idle=1) as url:
        with anyio.fail_after(30):
            async with await connected(url, begun) as stream:
                with pytest.raises(anyio.EndOfStream):
                    await stream.receive()


async def test_a_connection_whose_request_is_handled_stays_open() -> None:
    platform = Held()
    async with site(platform=platform) as here, listening(here, Front(port=0), idle=1) as url:
        async with httpx2.AsyncClient() as client, anyio.create_task_group() as tasks:
            needed, body = message("tools/call", {"name": "cancel_task", "arguments": task_of(here.sandbox)})
            statuses: list[int] = []

            async def call() -> None:
                statuses.append((await client.post(url, json=body, headers=needed, timeout=120)).status_code)

            tasks.start_soon(call)
            await platform.asked.wait()
            for _ in range(2):
                async with await connected(url, b"") as idle:
                    with pytest.raises(anyio.EndOfStream):
                        await idle.receive()
            assert statuses == []
            platform.answer.set()
        assert statuses == [200]


async def test_connections_are_bounded_and_there_are_more_than_places() -> None:
    front = Front(port=0, calls=1, queue=0)
    async with (
        site(front) as here,
        listening(here, front) as url,
        AsyncExitStack() as idle,
        httpx2.AsyncClient() as client,
    ):
        for _ in range(SPARE):
            await idle.enter_async_context(await connected(url, b""))
        assert (await client.get(httpx2.URL(url).join("/healthz"))).status_code == 200
        for _ in range(2):
            await idle.enter_async_context(await connected(url, b""))
        assert (await client.get(httpx2.URL(url).join("/healthz"))).status_code == 503


async def test_a_client_that_takes_no_answer_is_dropped() -> None:
    size = 32 * 1024 * 1024

    async def generous(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"x" * size})

    async with listening(generous, Front(port=0), idle=1) as url:
        with anyio.fail_after(120):
            async with (
                await connected(url, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as greedy,
                await connected(url, b"") as idle,
            ):
                with pytest.raises(anyio.EndOfStream):
                    await idle.receive()
                received = 0
                with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    while chunk := await greedy.receive():
                        received += len(chunk)
    assert 0 < received < size


async def test_tls_is_served_with_the_given_certificate(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    front = Front(port=0, certificate=crt, private_key=key)
    async with site() as here, listening(here, front) as url:
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(crt))
        async with httpx2.AsyncClient(verify=trust) as client:
            assert (await client.get(httpx2.URL(url).join("/healthz"))).status_code == 200


async def test_a_certificate_that_cant_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    for wrong in (tmp_path / "gone", crt):
        with pytest.raises(SettingsError, match=f"--tls-cert {crt}, --tls-key {wrong}"):
            await listening(Held(), Front(port=0, certificate=crt, private_key=wrong)).__aenter__()
    assert key.exists()


@pytest.mark.parametrize(("proxies", "status"), [(["127.0.0.1"], 200), (["10.0.0.0/8"], 403), ([], 403)])
async def test_only_a_trusted_proxy_can_say_that_a_request_came_by_https(
    tmp_path: Path, proxies: list[str], status: int
) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe")
    beyond = Front(host="192.0.2.7", port=0, tokens=path, caller_keys=True, proxies=proxies)
    here_only = Front(port=0, proxies=proxies)
    async with site(beyond, environ=keyless(Sandbox())) as here, listening(here, here_only) as url:
        needed, body = message("tools/list", {})
        headers = {**needed, **callers["ada"], "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
        async with httpx2.AsyncClient() as client:
            assert (await client.post(url, json=body, headers=headers)).status_code == status
            headers["X-Forwarded-Proto"] = "http"
            assert (await client.post(url, json=body, headers=headers)).status_code == 403


@pytest.mark.parametrize("host", ["::1", "localhost"])
async def test_it_listens_where_it_is_told(host: str) -> None:
    async with site() as here, listening(here, Front(host=host, port=0)) as url, httpx2.AsyncClient() as client:
        assert (await client.get(httpx2.URL(url).join("/healthz"))).status_code == 200


async def test_a_place_to_listen_that_cant_be_had_is_told_at_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="in use"):
        await listening(Held(), Front(port=taken.getsockname()[1])).__aenter__()
    with pytest.raises(SettingsError, match=r"--host nowhere\.invalid"):
        await listening(Held(), Front(host="nowhere.invalid", port=0)).__aenter__()


# At the start


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "192.0.2.7"], ["callers must be checked. Give --tokens FILE", "--allowed-host"]),
        (
            ["--host", "192.0.2.7", "--caller-keys"],
            ["callers must be checked", "--allowed-host", "keys travel by https"],
        ),
        (["--host", "10.1.2.3", "--issuer", "https://id.example"], ["--allowed-host", "--issuer and --audience"]),
        (["--audience", "https://in.example/mcp"], ["--issuer and --audience"]),
        (["--issuer", "http://id.example", "--audience", "api://us"], ["--issuer http://id", "--audience api://us"]),
        (["--tls-cert", "x.pem"], ["--tls-cert and --tls-key"]),
        (["--trusted-proxy", "10.0.0.0/99"], ["--trusted-proxy 10.0.0.0/99"]),
        (["--max-calls", "0", "--max-queue", "-1"], ["--max-calls 0", "--max-queue -1"]),
        (["--tokens", "/nowhere/tokens"], ["--tokens /nowhere/tokens: the file can't be read"]),
    ],
)
def test_what_cant_be_served_safely_is_refused_at_the_start_with_every_way_out(
    arguments: list[str], told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--http", "--port", "0", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told)
    for line, words in zip(lines, told, strict=True):
        assert line.startswith("pullcord: --")
        assert words in line


def test_options_for_http_are_refused_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", "--caller-keys"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "pullcord: --port: only with --http",
        "pullcord: --caller-keys: only with --http",
    ]


def test_a_server_whose_callers_bring_the_keys_holds_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XPANDER_API_KEY", "k")
    assert main(["serve", "--http", "--caller-keys"]) == 2
    assert "XPANDER_API_KEY is set, but with --caller-keys each request brings its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"PULLCORD_STATE_KEY": "short"}, "PULLCORD_STATE_KEY: write 32 random characters or more"),
        (
            {"PULLCORD_STATE_KEY_FILE": "/nowhere/key"},
            "PULLCORD_STATE_KEY_FILE: there is nothing in the file that it names",
        ),
    ],
)
def test_a_state_key_that_cant_protect_is_refused(
    settings: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert main(["serve", "--http", "--confirm"]) == 2
    assert told in capsys.readouterr().err


def test_a_token_is_shown_once_with_the_line_that_lets_it_in(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "tokens"
    assert main(["token", "ci", "--scope", "observe"]) == 0
    printed = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    path.write_text(printed["line"].strip())
    token = printed["token"].strip()
    assert path.read_text().startswith("ci:observe:")
    assert token not in path.read_text()
    known = anyio.run(TokenFile(path).verify_token, token)
    assert known
    assert known.scopes == ["observe"]
    assert main(["token", "ada"]) == 0
    assert "ada:observe,cancel:" in capsys.readouterr().out
    assert main(["token", "a b"]) == 2
