"""MCP over Streamable HTTP: who is let in, and with which keys. Whole processes are in test_replicas.py."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import anyio
import anyio.abc
import anyio.lowlevel
import pytest
from mcp import MCPError
from starlette.types import Receive, Scope, Send
from tests.serving.mint import AUDIENCE, minting
from tests.serving.site import ERAS, Held, keyless, message, minted, said, site, task_of, unwatched
from tests.support import shipped

from pullcord.config.settings import header, platforms
from pullcord.sandbox import Sandbox
from pullcord.serving.front import Front

pytestmark = pytest.mark.anyio

CANCELS = {"cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"}
HEADERS = {"everruns": "Everruns-Api-Key", "evershell": "Evershell-Api-Key", "xpander": "Xpander-Api-Key"}


# Serving


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_both_protocol_eras_are_served_without_sessions(mode: str) -> None:
    async with site() as here, here.client(mode) as client:
        tools = await client.list_tools()
        assert {each.name for each in tools.tools} >= CANCELS
        result = await client.call_tool("cancel_task", unwatched(here.sandbox))
        assert (result.structured_content or {})["outcome"] == "stopping"


@pytest.mark.parametrize("version", ERAS)
async def test_any_replica_answers_any_request(version: str) -> None:
    """No request needs another before it, and no answer names a session."""
    async with site() as here:
        response = await here.post("tools/list", version=version)
        assert response.status_code == 200
        assert "mcp-session-id" not in response.headers
        assert (await here.call("cancel_task", unwatched(here.sandbox), version=version))["outcome"] == "stopping"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_is_no_stream_to_open_and_no_session_to_end(method: str) -> None:
    async with site() as here:
        response = await here.http.request(method, "/mcp", headers={"Accept": "text/event-stream"})
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_health_tells_that_the_process_lives_and_readiness_that_it_can_work() -> None:
    async with site() as here:
        assert (await here.http.get("/healthz")).status_code == 200
        assert (await here.http.get("/readyz")).status_code == 200
        here.admission.drain()
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
        (Front(allowed_hosts=["in.example"]), {"Host": "in.example"}, 200),
        (Front(allowed_hosts=["in.example"]), {"Host": "in.example:8642"}, 200),
        (Front(allowed_hosts=["in.example:1"]), {"Host": "in.example:1"}, 200),
        (Front(allowed_hosts=["in.example:1"]), {"Host": "in.example"}, 421),
        (Front(allowed_hosts=["[::5]"]), {"Host": "[::5]:1"}, 200),
        (Front(resource=AUDIENCE), {"Host": "pullcord.example"}, 200),
        (Front(allowed_origins=["https://page.example"]), {"Origin": "https://page.example"}, 200),
        (Front(allowed_origins=["https://page.example"]), {"Origin": "https://other.example"}, 403),
        (Front(), {"Host": "LocalHost:8642"}, 200),
        (Front(allowed_hosts=["In.Example"]), {"Host": "in.example"}, 200),
        (Front(allowed_hosts=["in.example:1"]), {"Host": "IN.example:1"}, 200),
        (Front(allowed_hosts=["in.example:1"]), {"Host": "IN.example:2"}, 421),
        (Front(resource="https://Pullcord.Example/mcp"), {"Host": "pullcord.example"}, 200),
        (Front(allowed_origins=["https://Page.example:8443"]), {"Origin": "https://page.example:8443"}, 200),
    ],
)
@pytest.mark.parametrize("version", ERAS)
async def test_host_and_origin_are_checked_always(
    front: Front, headers: dict[str, str], status: int, version: str
) -> None:
    async with site(front) as here:
        assert (await here.post("tools/list", headers=headers, version=version)).status_code == status


@pytest.mark.parametrize(
    ("headers", "option"),
    [({"Host": "evil.example"}, "--allowed-host"), ({"Origin": "https://evil.example"}, "--allowed-origin")],
)
@pytest.mark.parametrize("version", ERAS)
async def test_whose_name_or_page_is_not_allowed_is_told_in_words_before_its_token_is_read(
    tmp_path: Path, headers: dict[str, str], option: str, version: str
) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe")
    async with site(Front(token_file=path)) as here:
        for token in (callers["ada"], {}):
            response = await here.post("tools/list", headers={**headers, **token}, version=version)
            assert response.status_code in {421, 403}
            message = response.json()["error"]["message"]
            assert "Nothing was sent" in message
            assert message.endswith(f"with {option}.")
            assert "evil" not in response.text


@pytest.mark.parametrize("version", ERAS)
async def test_a_slash_at_the_end_of_the_path_leads_to_the_same_and_nowhere_else(version: str) -> None:
    """A redirect would go where the request's own header Host says, with the token."""
    async with site() as here:
        needed, body = message("tools/list", {}, version)
        response = await here.http.post("/mcp/", json=body, headers=needed)
        assert "tools" in said(response)["result"]
        for path in ("/healthz/", "/mcp//", "/"):
            assert (await here.http.post(path, json=body, headers=needed)).status_code == 404


# From a web page

PAGE = "https://page.example"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version,mcp-param-x",
}


async def test_a_page_of_an_allowed_origin_may_ask_and_read_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe")
    async with site(Front(token_file=path, allowed_origins=["https://Page.example"])) as here:
        may = await here.http.options("/mcp", headers={**PREFLIGHT, "Access-Control-Request-Private-Network": "true"})
        assert may.status_code == 200
        assert may.headers["access-control-allow-origin"] == PAGE
        assert "POST" in may.headers["access-control-allow-methods"]
        assert may.headers["access-control-allow-headers"] == PREFLIGHT["Access-Control-Request-Headers"]
        assert may.headers["access-control-allow-private-network"] == "true"
        for headers, status in ((callers["ada"], 200), ({}, 401)):
            answer = await here.post("tools/list", headers={**headers, "Origin": PAGE})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == PAGE
            assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("allowed", [[], ["https://other.example"]])
async def test_a_page_of_another_origin_may_neither_ask_nor_read(allowed: list[str]) -> None:
    async with site(Front(allowed_origins=allowed)) as here:
        may = await here.http.options("/mcp", headers=PREFLIGHT)
        assert may.status_code >= 400
        assert "access-control-allow-origin" not in may.headers
        answer = await here.post("tools/list", headers={"Origin": PAGE})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


# Access


@pytest.mark.parametrize("version", ERAS)
async def test_without_a_token_nobody_gets_in_and_is_told_what_to_send(tmp_path: Path, version: str) -> None:
    path = tmp_path / "tokens"
    minted(path, ci="observe")
    async with site(Front(token_file=path)) as here:
        for headers, has_token in (
            ({}, False),
            ({"Authorization": "Basic eDp5"}, False),
            ({"Authorization": "bearer pullcord_guess"}, True),
        ):
            response = await here.post("tools/list", version=version, headers=headers)
            assert response.status_code == 401
            challenge = response.headers["www-authenticate"]
            # RFC 6750: no error where no token was sent.
            assert challenge.startswith(
                'Bearer error="invalid_token", ' if has_token else 'Bearer scope="observe cancel"'
            )
            assert 'scope="observe cancel"' in challenge
            message = response.json()["error"]["message"]
            assert message.startswith(
                "The token that was sent is not valid" if has_token else "A token is needed here."
            )
            remedy = "Send a token of whoever runs this server, in the header Authorization, as: Bearer TOKEN."
            assert message.endswith(f" Nothing was sent. {remedy}")
        assert (await here.http.get("/healthz")).status_code == 200
        assert (await here.http.get("/.well-known/oauth-protected-resource/mcp")).status_code == 404


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_agents_host_is_told_in_words_that_a_token_is_needed(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "tokens"
    minted(path, ci="observe")
    async with site(Front(token_file=path)) as here:
        told = pytest.RaisesExc(MCPError, match=r"A token is needed here\. Nothing was sent")
        with pytest.RaisesGroup(told, flatten_subgroups=True):
            async with here.client(mode):
                pass


@pytest.mark.parametrize("version", ERAS)
async def test_a_caller_sees_and_calls_only_what_its_token_is_good_for(tmp_path: Path, version: str) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, watcher="observe", stopper="cancel", both="cancel observe")
    async with site(Front(token_file=path)) as here:
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
        at_once = {**target, "wait_seconds": 0}
        stopped = await here.call("cancel_task", at_once, headers=callers["stopper"], version=version)
        assert stopped["outcome"] == "stopping"
        assert not [action for action in stopped["allowed_actions"] if action.get("tool") == "get_task"]


@pytest.mark.parametrize("version", ERAS)
async def test_a_token_without_a_known_scope_is_told_which_it_needs(version: str) -> None:
    async with minting() as issuer, site(Front(issuer=issuer.url, resource=AUDIENCE)) as here:
        for scope in ("email profile", ""):
            headers = {"Authorization": f"Bearer {issuer.token(scope=scope)}"}
            response = await here.post("tools/list", version=version, headers=headers)
            assert response.status_code == 403
            challenge = response.headers["www-authenticate"]
            assert challenge.startswith('Bearer error="insufficient_scope", ')
            assert 'scope="observe cancel"' in challenge
            assert 'resource_metadata="https://pullcord.example/.well-known/oauth-protected-resource/mcp"' in challenge
            message = response.json()["error"]["message"]
            assert message.startswith(
                "The token that was sent has no scope among observe and cancel. Nothing was sent."
            )
            assert "the issuer that https://pullcord.example/.well-known/oauth-protected-resource/mcp names" in message


@pytest.mark.parametrize("version", ERAS)
async def test_that_a_token_cant_be_checked_is_no_fault_of_the_token(version: str) -> None:
    async with minting() as issuer, site(Front(issuer=issuer.url, resource=AUDIENCE)) as here:
        issuer.down = True
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        response = await here.post("tools/list", version=version, headers=headers)
        assert (response.status_code, response.headers["retry-after"]) == (503, "10")
        assert "Your token can't be checked now" in response.json()["error"]["message"]
        assert (await here.post("tools/list", version=version)).status_code == 401
        assert (await here.http.get("/healthz", headers=headers)).status_code == 200


@pytest.mark.parametrize("version", ERAS)
async def test_tokens_may_name_the_server_otherwise_than_by_its_url(version: str) -> None:
    async with minting() as issuer:
        front = Front(issuer=issuer.url, resource=AUDIENCE, audiences=["api://one", "two"])
        async with site(front) as here:
            for audience, status in (("two", 200), ("api://one", 200), (AUDIENCE, 401)):
                headers = {"Authorization": f"Bearer {issuer.token(aud=audience)}"}
                assert (await here.post("tools/list", version=version, headers=headers)).status_code == status
            told = (await here.http.get("/.well-known/oauth-protected-resource/mcp")).json()
            assert told["resource"] == AUDIENCE


@pytest.mark.parametrize("version", ERAS)
async def test_a_jwt_of_the_issuer_lets_in_and_others_are_sent_to_it(version: str) -> None:
    async with minting() as issuer, site(Front(issuer=issuer.url, resource=AUDIENCE)) as here:
        response = await here.post("tools/list", version=version, headers={"Authorization": "Bearer a.b.c"})
        assert response.status_code == 401
        metadata = re.search(r'resource_metadata="([^"]*)"', response.headers["www-authenticate"])
        assert metadata
        assert metadata[1] == "https://pullcord.example/.well-known/oauth-protected-resource/mcp"
        told = (await here.http.get("/.well-known/oauth-protected-resource/mcp")).json()
        assert told["resource"] == AUDIENCE
        assert told["authorization_servers"] == [issuer.url]
        assert told["scopes_supported"] == ["observe", "cancel"]
        headers = {"Origin": "https://any.example"}
        seen = await here.http.get("/.well-known/oauth-protected-resource/mcp", headers=headers)
        assert seen.headers["access-control-allow-origin"] == "*"
        headers = {"Authorization": f"Bearer {issuer.token(scope='observe')}"}
        assert not CANCELS & set(await here.tools(headers, version))
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        assert set(await here.tools(headers, version)) >= CANCELS
        assert (await here.call("cancel_task", unwatched(here.sandbox), headers=headers, version=version))["outcome"]


async def test_what_may_be_listed_for_one_caller_is_not_kept_for_another(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ci="observe")
    async with site(Front(token_file=path)) as here:
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
    async with site(Front(token_file=path), platform=platform, journal=journal) as here:
        answer = await here.call("cancel_task", unwatched(here.sandbox), headers=callers["ada"], version=version)
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
        site(Front(issuer=issuer.url, resource=AUDIENCE), journal=journal) as here,
        here.client("auto", {"Authorization": f"Bearer {issuer.token()}"}) as client,
    ):
        await client.call_tool("cancel_task", unwatched(here.sandbox))
    assert re.fullmatch(r"ada, mcp \S+", json.loads(journal.read_text().splitlines()[0])["client"])


# Whose keys


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
        at_once = {**target, "wait_seconds": 0}
        answer = await here.call("cancel_task", at_once, headers={HEADERS["everruns"]: key}, version=version)
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


@pytest.mark.parametrize("caller_keys", [True, False])
async def test_beyond_this_machine_tokens_and_keys_come_by_https_only(tmp_path: Path, *, caller_keys: bool) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe cancel")
    front = Front(
        host="192.0.2.7",
        allowed_hosts=["in.example"],
        token_file=path,
        caller_keys=caller_keys,
        trusted_proxies=["10.0.0.0/8"],
    )
    assert front.faults() == []
    environ = keyless(Sandbox()) if caller_keys else None
    for base_url, statuses in (("http://in.example", (403, 403)), ("https://in.example", (200, 401))):
        async with site(front, environ=environ, base_url=base_url) as here:
            known = await here.post("tools/list", headers=callers["ada"])
            guessed = await here.post("tools/list", headers={"Authorization": "Bearer pullcord_guess"})
            assert (known.status_code, guessed.status_code) == statuses


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
                    {**target, "wait_seconds": 0},
                    headers={HEADERS["everruns"]: f"key-of-{caller}"},
                    version=ERAS[number // 2 % 2],
                )
                assert answer["outcome"] in {"stopping", "observed"}, answer

        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                for caller in range(40):
                    tasks.start_soon(call, caller)
    assert mixed == []
    assert arrived == {f"key-of-{caller}": 25 for caller in range(40)}
