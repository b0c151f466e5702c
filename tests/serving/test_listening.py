"""On real sockets: where it listens, who is let in, and what happens to a call whose caller hangs up."""

import asyncio
import contextlib
import json
import os
import resource
import socket
import ssl
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import httpx2
import pytest
import uvicorn
from anyio.streams.tls import TLSStream
from starlette.types import Receive, Scope, Send
from tests.serving.site import ERAS, Held, keyless, message, minted, site, task_of, unwatched
from tests.upstream.certificates import certificate

from pullcord.model.errors import SettingsError
from pullcord.sandbox import Sandbox
from pullcord.serving.connections import Bounds
from pullcord.serving.front import PATH, Front
from pullcord.serving.listening import listening

pytestmark = pytest.mark.anyio


async def answering(scope: Scope, _: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def test_what_is_set_for_other_servers_of_the_process_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts of web applications set the number of workers, and some a word, on which uvicorn breaks."""
    monkeypatch.setenv("WEB_CONCURRENCY", "auto")
    async with listening(answering, Front(port=0)) as origin, httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.get(origin)).status_code == 200


async def drain(stream: anyio.abc.SocketStream) -> None:
    """Read to the end."""
    while True:
        await stream.receive()


async def connected(origin: str, text: bytes) -> anyio.abc.SocketStream:
    """Connect, and send something."""
    stream = await anyio.connect_tcp("127.0.0.1", httpx2.URL(origin).port or 0)
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
    async with site(platform=platform, journal=journal) as here, listening(here, Front(port=0)) as origin:
        with anyio.fail_after(120):
            stream = await connected(origin, request(version, "cancel_task", unwatched(here.sandbox)))
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
    async with site(platform=platform) as here, listening(here, Front(port=0)) as origin:
        with anyio.fail_after(120):
            arguments = {**task_of(here.sandbox), "wait_seconds": 300}
            stream = await connected(origin, request(version, "cancel_task", arguments))
            await looking.wait()
            await stream.aclose()
            await left.wait()
            await here.admission.idle()
    assert asked == {"POST": 1, "GET": 1}


async def test_a_connection_that_says_nothing_is_closed_before_and_after_its_tls_handshake(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    front = Front(port=0, certificate=crt, private_key=key)
    async with listening(answering, front, Bounds(total=9, share=9, first=0.2)) as origin:
        with anyio.fail_after(120):
            async with await connected(origin, b"") as stranger:
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stranger.receive()
            async with await connected(origin, b"nonsense that is no handshake") as stranger:
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await drain(stranger)
            trust = ssl.create_default_context(cafile=str(crt))
            async with (
                await connected(origin, b"") as stream,
                await TLSStream.wrap(stream, hostname="127.0.0.1", ssl_context=trust) as secure,
            ):
                with pytest.raises(anyio.EndOfStream):
                    await secure.receive()


async def test_an_idle_connection_is_kept_for_as_long_as_the_bounds_say_and_not_for_uvicorns_five_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configs: list[uvicorn.Config] = []

    class Recorded(uvicorn.Config):
        def load(self) -> None:
            configs.append(self)
            super().load()

    monkeypatch.setattr(uvicorn, "Config", Recorded)
    async with listening(answering, Front(port=0), Bounds(total=9, share=9, idle=60.0)):
        (config,) = configs
    assert config.timeout_keep_alive > 60


async def test_unfinished_handshakes_keep_nobody_out(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    front = Front(port=0, certificate=crt, private_key=key)
    trust = ssl.create_default_context(cafile=str(crt))
    async with (
        listening(answering, front, Bounds(total=8, share=8, first=30)) as origin,
        AsyncExitStack() as strangers,
        httpx2.AsyncClient(verify=trust) as client,
    ):
        for _ in range(20):
            await strangers.enter_async_context(await connected(origin, b""))
        assert (await client.get(origin)).status_code == 200


async def test_many_new_connections_wait_for_far_fewer_turns_of_the_requests_under_way_than_they_are() -> None:
    """Where each waits for a turn of all others, a cancel on a new connection is late by the requests before it."""
    served = 0

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal served
        served += 1
        await answering(scope, receive, send)

    number, turns = 200, 0
    async with listening(counting, Front(port=0)) as origin:
        with anyio.fail_after(120), ExitStack() as callers:
            for _ in range(number):
                address = ("127.0.0.1", httpx2.URL(origin).port)
                caller = callers.enter_context(socket.create_connection(address))
                caller.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while served < number:
                await anyio.lowlevel.checkpoint()
                turns += 1
    assert turns < number / 2


async def test_that_nothing_can_be_accepted_is_told_once_and_passes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the process may open no more files, as when something else of it took them."""
    monkeypatch.setattr("pullcord.serving.listening.RETRY_SECONDS", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with listening(answering, Front(port=0)) as origin:
        with anyio.fail_after(120), socket.socket() as caller, ExitStack() as taken:
            caller.settimeout(0)
            spare = os.dup(0)
            resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 1, hard))
            os.close(spare)
            try:
                with contextlib.suppress(OSError):
                    while True:
                        taken.callback(os.close, os.dup(0))
                with contextlib.suppress(BlockingIOError):
                    caller.connect(("127.0.0.1", httpx2.URL(origin).port))
                while not caplog.messages:
                    await anyio.lowlevel.checkpoint()
                for _ in range(100):  # more tries, none of them told
                    await anyio.lowlevel.checkpoint()
                assert caplog.messages == ["no connection can be accepted: Too many open files"]
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(caller, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await loop.sock_recv(caller, 1000)).startswith(b"HTTP/1.1 200")


async def test_tls_is_served_with_the_given_certificate(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    front = Front(port=0, certificate=crt, private_key=key)
    async with site() as here, listening(here, front) as origin:
        assert origin.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(crt))
        async with httpx2.AsyncClient(verify=trust) as client:
            assert (await client.get(f"{origin}/healthz")).status_code == 200


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
    async with site(beyond, environ=keyless(Sandbox())) as here, listening(here, here_only) as origin:
        needed, body = message("tools/list", {})
        headers = {**needed, **callers["ada"], "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
        async with httpx2.AsyncClient() as client:
            assert (await client.post(f"{origin}{PATH}", json=body, headers=headers)).status_code == status
            headers["X-Forwarded-Proto"] = "http"
            assert (await client.post(f"{origin}{PATH}", json=body, headers=headers)).status_code == 403


@pytest.mark.parametrize("host", ["::1", "localhost"])
async def test_it_listens_where_it_is_told(host: str) -> None:
    async with site() as here, listening(here, Front(host=host, port=0)) as origin, httpx2.AsyncClient() as client:
        assert (await client.get(f"{origin}/healthz")).status_code == 200


async def test_a_place_to_listen_that_cant_be_had_is_told_at_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="in use"):
        await listening(Held(), Front(port=taken.getsockname()[1])).__aenter__()
    with pytest.raises(SettingsError, match=r"--host nowhere\.invalid"):
        await listening(Held(), Front(host="nowhere.invalid", port=0)).__aenter__()
