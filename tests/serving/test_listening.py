"""On real sockets: which connections stay open, and what happens to a call whose caller hangs up."""

import contextlib
import json
import socket
import ssl
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import httpx2
import pytest
from starlette.types import Receive, Scope, Send
from tests.serving.site import ERAS, Held, keyless, message, minted, site, task_of
from tests.upstream.certificates import certificate

from pullcord.model.errors import SettingsError
from pullcord.sandbox import Sandbox
from pullcord.serving.front import Front
from pullcord.serving.listening import SPARE, listening

pytestmark = pytest.mark.anyio


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
        with anyio.fail_after(20):
            stream = await connected(url, request(version, "cancel_task", task_of(here.sandbox)))
            await platform.asked.wait()
            await stream.aclose()
            await anyio.wait_all_tasks_blocked()
            platform.answer.set()
            while len(journal.read_text().splitlines()) < 2:
                await anyio.lowlevel.checkpoint()
            await here.admission.idle()
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
        with anyio.fail_after(20):
            arguments = {**task_of(here.sandbox), "wait_seconds": 300}
            stream = await connected(url, request(version, "cancel_task", arguments))
            await looking.wait()
            await stream.aclose()
            await left.wait()
            await here.admission.idle()
    assert asked == {"POST": 1, "GET": 1}


@pytest.mark.parametrize("begun", [b"", b"POST /mcp HTTP/1.1\r\nHost: "])
async def test_a_connection_without_a_request_is_closed(begun: bytes) -> None:
    async with site() as here, listening(here, Front(port=0), idle=1) as url:
        with anyio.fail_after(10):
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
                statuses.append((await client.post(url, json=body, headers=needed, timeout=30)).status_code)

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
    front = Front(port=0, max_calls=1, max_queue=0)
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
        with anyio.fail_after(20):
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
    beyond = Front(host="192.0.2.7", port=0, token_file=path, caller_keys=True, trusted_proxies=proxies)
    here_only = Front(port=0, trusted_proxies=proxies)
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
