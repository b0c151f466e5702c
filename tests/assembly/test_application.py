"""The application for programs that serve HTTP: run by itself, or mounted in another one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Unpack

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send
from tests.assembly.platforms import holding, reached, until_sent
from tests.serving.mint import AUDIENCE, minting
from tests.serving.site import message, minted, said

import pullcord
from pullcord.serving.front import Front
from pullcord.serving.listening import listening

pytestmark = pytest.mark.anyio

NEAR, BEYOND = ("127.0.0.1", 50000), ("192.0.2.7", 50000)
TASK = "91fbe9bc-35b3-41e8-b59d-922fb5a0f0ff"
CALL = {"name": "stop_task", "arguments": {"task_id": TASK}}


@asynccontextmanager
async def calling(
    client: tuple[str, int] | None, origin: str = "http://127.0.0.1", **options: Unpack[pullcord.ApplicationOptions]
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that runs, at an address and to an origin."""
    app = pullcord.asgi(**options)
    transport = httpx2.ASGITransport(app=app, client=client or NEAR)
    if client is None:

        async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "client": None}, receive, send)

        transport = httpx2.ASGITransport(app=nowhere)
    async with app.lifespan(), httpx2.AsyncClient(transport=transport, base_url=origin) as http:
        yield http


async def called(
    http: httpx2.AsyncClient, headers: dict[str, str] | None = None, path: str = "/mcp"
) -> httpx2.Response:
    """The answer to a tool call."""
    needed, body = message("tools/call", CALL)
    return await http.post(path, json=body, headers={**needed, **(headers or {})})


def outcome(response: httpx2.Response) -> str:
    """The outcome of a tool call."""
    return str(said(response)["result"]["structuredContent"]["outcome"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_it_runs_by_itself_with_its_lifespan_inside(mode: str) -> None:
    async with listening(pullcord.asgi(sandbox=True), Front(port=0)) as origin:
        async with Client(streamable_http_client(f"{origin}/mcp"), mode=mode) as client:
            result = await client.call_tool("find_running", {"platform": "xpander"})
            assert (result.structured_content or {})["outcome"] == "observed"
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{origin}/readyz")).json()["ready"] is True


@pytest.mark.parametrize("panel", [True, False])
async def test_hosts_are_offered_the_panel_unless_it_is_left_out(*, panel: bool) -> None:
    async with calling(NEAR, panel=panel) as http:
        headers, body = message("tools/list", {})
        response = await http.post("/mcp", json=body, headers=headers)
    assert response.status_code == 200
    assert ("ui://pullcord/panel" in response.text) is panel


async def test_it_is_mounted_in_a_host_whose_lifespan_enters_its_own() -> None:
    async def hello(_: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    tools = pullcord.asgi(sandbox=True)
    host = Starlette(routes=[Route("/", hello), Mount("/tools", tools)], lifespan=tools.lifespan)
    async with listening(host, Front(port=0)) as origin:
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{origin}/")).text == "hello"
        async with Client(streamable_http_client(f"{origin}/tools/mcp")) as client:
            assert [tool.name for tool in (await client.list_tools()).tools if tool.name == "stop_task"]


async def test_a_request_outside_of_the_lifespan_is_the_hosts_mistake() -> None:
    transport = httpx2.ASGITransport(app=pullcord.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        with pytest.raises(RuntimeError, match="enter its lifespan in that of the host"):
            await http.get("/healthz")


async def test_it_may_begin_again_after_its_end() -> None:
    app = pullcord.asgi()
    for _ in range(2):
        async with (
            app.lifespan(),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1") as http,
        ):
            assert outcome(await called(http)) == "denied"


class TestAccess:
    @pytest.mark.parametrize("client", [BEYOND, None])
    async def test_without_tokens_only_this_machine_may_call(self, client: tuple[str, int] | None) -> None:
        async with calling(client) as http:
            response = await called(http)
        assert response.status_code == 403
        assert said(response)["error"]["message"].startswith("Only this machine may call here")

    @pytest.mark.parametrize("client", [("127.0.0.1", 1), ("::1", 1)])
    async def test_this_machine_may_call_by_its_own_names_only(self, client: tuple[str, int]) -> None:
        async with calling(client) as http:
            assert outcome(await called(http)) == "denied"
            assert (await called(http, {"Host": "elsewhere.example"})).status_code == 421
            assert (await called(http, {"Origin": "https://page.example"})).status_code == 403

    async def test_from_beyond_a_token_is_needed_and_https(self, tmp_path: Path) -> None:
        path = tmp_path / "tokens"
        token = minted(path, ci="cancel")["ci"]
        options: pullcord.ApplicationOptions = {"tokens": path, "allowed_hosts": ["tools.example"]}
        async with calling(BEYOND, "https://tools.example", **options) as http:
            assert (await called(http)).status_code == 401
            assert outcome(await called(http, token)) == "denied"
        async with calling(BEYOND, "http://tools.example", **options) as http:
            assert (await called(http, token)).status_code == 403
        async with calling(NEAR, "http://127.0.0.1", **options) as http:
            assert (await called(http)).status_code == 401
            assert outcome(await called(http, token)) == "denied"

    async def test_tokens_of_an_issuer_are_taken_and_clients_find_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")  # the issuer, too, is asked without this environment
        async with (
            minting() as issuer,
            calling(
                BEYOND,
                "https://tools.example",
                issuer=issuer.url,
                resource="https://tools.example/mcp",
                audiences=[AUDIENCE],
            ) as http,
        ):
            challenge = (await called(http)).headers["www-authenticate"]
            assert "https://tools.example/.well-known/oauth-protected-resource/mcp" in challenge
            metadata = await http.get("/.well-known/oauth-protected-resource/mcp")
            assert metadata.json()["authorization_servers"] == [issuer.url]
            token = issuer.token(scope="observe cancel")
            assert outcome(await called(http, {"Authorization": f"Bearer {token}"})) == "denied"

    async def test_each_request_may_bring_its_own_keys(self) -> None:
        async with reached() as on:
            environ = {name: value for name, value in on.environ.items() if not name.endswith("_KEY")}
            async with calling(NEAR, environ=environ, caller_keys=True) as http:
                assert outcome(await called(http)) == "denied"
                assert outcome(await called(http, {"Xpander-Api-Key": on.environ["XPANDER_API_KEY"]})) == "not_found"


class TestFaults:
    @pytest.mark.parametrize(
        ("options", "fault"),
        [
            ({"issuer": "https://id.example"}, "--issuer and --resource: give both"),
            ({"max_calls": 0}, "--max-calls 0"),
            ({"platforms": ["nowhere"]}, "--platform nowhere"),
            ({"tokens": "/nowhere/tokens"}, "--tokens /nowhere/tokens"),
            ({"confirm": True, "environ": {"PULLCORD_STATE_KEY": "short"}}, "PULLCORD_STATE_KEY: write 32"),
        ],
    )
    async def test_faults_are_told_when_its_lifespan_begins(
        self, options: pullcord.ApplicationOptions, fault: str
    ) -> None:
        with pytest.raises(pullcord.SettingsError) as caught:
            await pullcord.asgi(**options).lifespan().__aenter__()
        (line,) = caught.value.faults
        assert line.startswith(fault)

    async def test_all_of_them_are_told_at_once(self) -> None:
        with pytest.raises(pullcord.SettingsError) as caught:
            await pullcord.asgi(max_calls=0, limit="many", platforms=["nowhere"]).lifespan().__aenter__()
        calls, limit, platform = caught.value.faults
        assert (calls[:13], limit[:7], platform[:18]) == ("--max-calls 0", "--limit", "--platform nowhere")


async def test_at_its_end_further_requests_are_told_so_while_a_cancel_on_the_wire_is_finished() -> None:
    outcomes: list[str] = []
    async with holding() as on, anyio.create_task_group() as tasks:
        app = pullcord.asgi(environ=on.environ)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1", timeout=60
        ) as http:

            async def call() -> None:
                headers, body = message("tools/call", {"name": on.tool, "arguments": dict(on.arguments)})
                outcomes.append(outcome(await http.post("/mcp", json=body, headers=headers)))

            async def call_late() -> None:
                while (response := await called(http)).status_code != 503:  # noqa: ASYNC110 - it asks, and has no event
                    await anyio.sleep(0.01)
                assert said(response)["error"]["message"].startswith("This server is ending. Nothing was sent")
                on.platform.answer.set()

            with anyio.fail_after(30):
                async with app.lifespan():
                    tasks.start_soon(call)
                    await on.platform.asked.wait()
                    tasks.start_soon(call_late)
                while not outcomes:  # noqa: ASYNC110 - the answer was given, and its client may still read it
                    await anyio.sleep(0.01)
    assert outcomes == ["stopping"]


async def test_at_its_end_a_call_that_waits_answers_at_once() -> None:
    outcomes: list[str] = []
    async with reached(wind_down=600) as on, anyio.create_task_group() as tasks:
        app = pullcord.asgi(environ=on.environ)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1", timeout=60
        ) as http:

            async def call() -> None:
                workspace = on.sandbox.evershell.ids.busy_workspace
                arguments = {"workspace_id": workspace, "wait_seconds": 300}
                headers, body = message("tools/call", {"name": "cancel_workspace_task", "arguments": arguments})
                outcomes.append(outcome(await http.post("/mcp", json=body, headers=headers)))

            with anyio.fail_after(30):
                async with app.lifespan():
                    tasks.start_soon(call)
                    await until_sent(on)
                while not outcomes:  # noqa: ASYNC110 - the answer was given, and its client may still read it
                    await anyio.sleep(0.01)
    assert outcomes == ["stopping"]
