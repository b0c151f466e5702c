"""Connections: how they are made, shared and left, and what it tells when one can't be made.

Sharing is shown on a network in memory; what sockets, TLS and proxies do, on those of this machine.
"""

import contextlib
import errno
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.abc
import anyio.lowlevel
import httpcore2
import pytest
from anyio.streams.tls import TLSStream
from tests.upstream.certificates import certificate
from tests.upstream.line import CURRENT, GET, TASK, at_once, request, unabridged

from pullcord.config import settings
from pullcord.flow.verdict import judge
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.upstream.connections import Connections
from pullcord.upstream.gateway import LIMITS, Gateway, Limits
from pullcord.upstream.request import Request, build

pytestmark = pytest.mark.anyio

Behaviour: TypeAlias = Callable[[anyio.abc.ByteStream], Awaitable[None]]

ANY = replace(unabridged()[TASK], answers=())
"""An operation whose answers need to name nothing."""
KEPT = request(unabridged()[TASK], "http://127.0.0.1:1/x")._replace(kept=True)
"""A request that may share a connection."""
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


class Stream(httpcore2.AsyncNetworkStream):
    """A connection in memory, on which each request is answered by the same bytes, read in one or more pieces."""

    def __init__(self, pieces: Sequence[bytes], go_on: anyio.Event | None) -> None:
        self.requests = 0
        self.expired = False
        self.closed = False
        self._pieces = pieces
        self._go_on = go_on
        self._coming: list[bytes] = []

    async def write(self, buffer: bytes, *_: object, **__: object) -> None:
        if buffer:
            self.requests += 1
            self._coming = [*self._pieces]

    async def read(self, *_: object, **__: object) -> bytes:
        await anyio.lowlevel.checkpoint()
        if self._go_on:
            await self._go_on.wait()
        if not self._coming:
            await anyio.sleep_forever()
        return self._coming.pop(0)

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()  # as a socket's: where the caller is cancelled, it gets no further
        self.closed = True

    def get_extra_info(self, info: str) -> bool | None:
        return self.expired if info == "is_readable" else None


class Network(httpcore2.AsyncNetworkBackend):
    """Connections in memory, each remembered."""

    def __init__(self, *pieces: bytes) -> None:
        self.made: list[Stream] = []
        self.go_on: anyio.Event | None = None
        """What answers wait for."""
        self._pieces = pieces or (EMPTY,)

    async def connect_tcp(self, *_: object, **__: object) -> Stream:
        self.made.append(Stream(self._pieces, self.go_on))
        return self.made[-1]


def over(network: Network, limits: Limits = LIMITS) -> Gateway:
    return Gateway(Connections({}, limits.connections, network), limits=limits, sleep=at_once)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://platform.example:x/", {}),
        ("https://platform.example/", {"X-Reason": "sp\u00e4t"}),
        ("https://platform.example/", {"X-Reas\u00f6n": "late"}),
        ("https://platform.example/\ud800", {}),
    ],
)
async def test_what_is_no_address_and_what_fits_no_header_is_not_sent(url: str, headers: dict[str, str]) -> None:
    network = Network()
    sent = request(ANY, url)
    sent.headers.update(headers)
    async with over(network) as gateway:
        answer = await gateway.send(ANY, sent)

    assert answer == Reply.unsent("the base URL, or a value in the request, can't be sent")
    assert network.made == []


async def test_a_connection_is_made_by_the_first_call_shared_by_the_next_and_closed_at_the_end() -> None:
    network = Network()

    async with over(network) as gateway:
        assert network.made == []
        for _ in range(2):
            await gateway.send(ANY, KEPT)
        assert [each.closed for each in network.made] == [False]
    assert [each.closed for each in network.made] == [True]


async def test_connections_are_closed_even_if_the_server_is_cancelled() -> None:
    network = Network()

    with anyio.CancelScope() as scope:
        async with over(network) as gateway:
            await gateway.send(ANY, KEPT)
            scope.cancel()

    assert [each.closed for each in network.made] == [True]


async def test_a_connection_that_has_expired_is_closed_and_not_used_again() -> None:
    network = Network()

    async with over(network) as gateway:
        await gateway.send(ANY, KEPT)
        network.made[0].expired = True
        await gateway.send(ANY, KEPT)
        assert [each.closed for each in network.made] == [True, False]


async def test_the_newest_connection_is_taken_first_and_those_that_a_burst_left_are_closed_in_time() -> None:
    network = Network()

    async with over(network) as gateway:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(gateway.send, ANY, KEPT)
        assert len(network.made) == 3
        for _ in range(5):
            await gateway.send(ANY, KEPT)
        assert sorted(each.requests for each in network.made) == [1, 1, 6]
        for each in network.made:
            each.expired = each.requests == 1
        await gateway.send(ANY, KEPT._replace(url="http://127.0.0.1:2/x"))
        assert sorted((each.requests, each.closed) for each in network.made) == [
            (1, False), (1, True), (1, True), (6, False)
        ]  # fmt: skip


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-", b"Length: 2\r\n\r\n{}"],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x"],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"],
    ],
    ids=["a head in two", "hints", "chunks", "more", "closed"],
)
async def test_a_connection_on_which_not_just_an_answer_came_or_it_cannot_be_told_is_not_kept(
    pieces: list[bytes],
) -> None:
    network = Network(*pieces)

    async with over(network) as gateway:
        for _ in range(2):
            answer = await gateway.send(ANY, KEPT)
            assert (answer.status, answer.unreadable) == (200, None)
        assert [each.closed for each in network.made] == [True, True]


@pytest.mark.parametrize(
    "pieces",
    [
        [b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"a":', b" null", b"}"],
        [b"HTTP/1.1 404 Not Found\nContent-Length: 2\n\n{}"],
    ],
    ids=["a body in three", "lines that end in one character"],
)
async def test_a_connection_on_which_just_an_answer_came_is_kept(pieces: list[bytes]) -> None:
    network = Network(*pieces)

    async with over(network) as gateway:
        for _ in range(2):
            await gateway.send(ANY, KEPT)
        assert [(each.requests, each.closed) for each in network.made] == [(2, False)]


async def test_a_connection_is_never_lent_to_another_origin() -> None:
    network = Network()

    async with over(network) as gateway:
        for port in (1, 2, 1):
            await gateway.send(ANY, KEPT._replace(url=f"http://127.0.0.1:{port}/x"))
        assert [each.requests for each in network.made] == [2, 1]


async def test_a_request_that_may_share_no_connection_says_so_and_its_own_is_closed() -> None:
    network = Network()

    async with over(network) as gateway:
        await gateway.send(ANY, KEPT)
        await gateway.send(ANY, KEPT._replace(kept=False))
        assert [(each.requests, each.closed) for each in network.made] == [(1, False), (1, True)]


async def test_a_call_that_finds_no_free_connection_waits_and_says_in_time_that_nothing_was_sent() -> None:
    network = Network()
    network.go_on = anyio.Event()
    answers: list[Reply] = []

    async def call() -> None:
        answers.append(await gateway.send(ANY, KEPT))

    with anyio.fail_after(20):
        async with over(network, Limits(connect=0.01, connections=1)) as gateway:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await anyio.wait_all_tasks_blocked()
                await call()
                network.go_on.set()
            await call()

    assert answers[0] == Reply.unsent("too many calls are under way")
    assert [answer.status for answer in answers[1:]] == [204, 204]


async def test_looks_leave_connections_to_cancels() -> None:
    network = Network()
    network.go_on = anyio.Event()
    answers: list[Reply] = []

    async def call(method: str) -> None:
        operation = ANY if method == "POST" else unabridged()[GET]
        answers.append(await gateway.send(operation, KEPT._replace(method=method, cancels=method == "POST")))

    with anyio.fail_after(20):
        async with over(network, Limits(connect=0.01, connections=8)) as gateway, anyio.create_task_group() as tasks:
            for _ in range(7):
                tasks.start_soon(call, "GET")
            await anyio.wait_all_tasks_blocked()
            await call("GET")
            assert answers == [Reply.unsent("too many calls are under way")]
            tasks.start_soon(call, "POST")
            await anyio.wait_all_tasks_blocked()
            assert len(network.made) == 8
            network.go_on.set()
    assert [answer.status for answer in answers[1:]] == [204] * 8


async def test_a_look_that_is_dropped_within_its_answer_gives_its_place_back() -> None:
    network = Network(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    look = KEPT._replace(method="GET")

    async def dropped(gateway: Gateway) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gateway.send, unabridged()[GET], look)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    with anyio.fail_after(20):
        async with over(network, Limits(connections=1)) as gateway:
            for _ in range(2):
                await dropped(gateway)
            assert [(each.requests, each.closed) for each in network.made] == [(1, True), (1, True)]


@asynccontextmanager
async def serving(behaviour: Behaviour, secure: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server of bytes on this machine's own address; its port."""

    async def handle(stream: anyio.abc.ByteStream) -> None:
        async with stream:
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await behaviour(await TLSStream.wrap(Flight(stream), ssl_context=secure) if secure else stream)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def answer_of(url: str, environ: Mapping[str, str] | None = None, limits: Limits = LIMITS) -> Reply:
    """What comes of a cancel that names no task."""
    with anyio.fail_after(20):
        async with Gateway(environ=environ, limits=limits, sleep=at_once) as gateway:
            return await gateway.send(unabridged()[CURRENT], request(unabridged()[CURRENT], url))


async def answer_over_sockets(
    url: str,
    behaviour: Behaviour,
    secure: ssl.SSLContext | None = None,
    environ: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
) -> Reply:
    """What comes of such a cancel at a URL with the port of a server."""
    async with serving(behaviour, secure) as port:
        return await answer_of(url.format(port), environ, limits)


async def answers(stream: anyio.abc.ByteStream) -> None:
    await stream.receive()
    await stream.send(EMPTY)


async def hangs_up(stream: anyio.abc.ByteStream) -> None:
    await stream.receive()


class TestWhyNothingWasSent:
    """Each reason in words of its own, since each is mended elsewhere."""

    async def test_nobody_listens_there(self) -> None:
        async with serving(hangs_up) as free:
            pass

        assert await answer_of(f"http://127.0.0.1:{free}/x") == Reply.unsent(
            "the connection was refused: nobody listens there"
        )

    async def test_none_of_its_addresses_is_listened_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 9)) for host in ("127.0.0.1", "127.0.0.2")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        answer = await answer_of("http://platform.example:9/x")

        assert answer == Reply.unsent("the connection was refused: nobody listens there")

    async def test_there_is_no_such_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)

        answer = await answer_of("https://platform.example/x")

        assert answer == Reply.unsent("there is no such host: its name could not be resolved")

    async def test_the_other_side_speaks_no_tls(self) -> None:
        received: list[bytes] = []

        async def no_tls(stream: anyio.abc.ByteStream) -> None:
            received.append(await stream.receive())
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answer = await answer_over_sockets("https://127.0.0.1:{}/x", no_tls)

        assert answer == Reply.unsent("the TLS handshake failed")
        assert len(received) == 3
        assert not any(b"POST" in each for each in received)

    async def test_its_certificate_is_not_trusted(self, tmp_path: Path) -> None:
        secure, _ = secured(tmp_path)
        answer = await answer_over_sockets("https://127.0.0.1:{}/x", hangs_up, secure)

        assert answer == Reply.unsent("its TLS certificate is not trusted (self-signed certificate)")

    async def test_its_certificate_is_another_hosts(self, tmp_path: Path) -> None:
        secure, environ = secured(tmp_path)
        answer = await answer_over_sockets("https://localhost:{}/x", hangs_up, secure, environ)

        assert answer.failure is not None
        assert answer.failure.startswith("its TLS certificate is not trusted (Hostname mismatch")
        assert not answer.sent

    async def test_this_machine_has_no_way_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreachable(*_: object, **__: object) -> None:
            raise OSError(errno.ENETUNREACH, "Connect call failed")

        monkeypatch.setattr(socket, "getaddrinfo", unreachable)

        assert await answer_of("http://platform.example/x") == Reply.unsent(
            "the connection could not be made (Network is unreachable)"
        )

    async def test_its_port_is_none(self) -> None:
        assert await answer_of("http://127.0.0.1:99999999/x") == Reply.unsent(
            "the base URL, or a value in the request, can't be sent"
        )

    async def test_it_took_too_long(self) -> None:
        async def silent(_: anyio.abc.ByteStream) -> None:
            await anyio.sleep_forever()

        answer = await answer_over_sockets("https://127.0.0.1:{}/x", silent, limits=Limits(connect=0.05))

        assert answer == Reply.unsent("connecting took too long")

    async def test_the_time_of_the_whole_call_ended_before_a_connection_stood(self) -> None:
        async def silent(_: anyio.abc.ByteStream) -> None:
            await anyio.sleep_forever()

        answer = await answer_over_sockets("https://127.0.0.1:{}/x", silent, limits=Limits(total=1.5))

        assert answer == Reply.unsent("connecting took too long")

    async def test_the_other_side_hung_up_before_a_request_was_written(self) -> None:
        assert await answer_over_sockets("https://127.0.0.1:{}/x", hangs_up) == Reply.unsent(
            "the connection could not be made"
        )

    @pytest.mark.parametrize(
        "headers", [{"X-Reason": "late "}, {"X-Reason": "a\r\nb"}, {"X Reason": "late"}, {"Transfer-Encoding": "gzip"}]
    )
    async def test_the_request_is_none_that_http_can_carry(self, headers: Mapping[str, str]) -> None:
        received: list[bytes] = []

        async def listens(stream: anyio.abc.ByteStream) -> None:
            received.append(await stream.receive())

        async with serving(listens) as port, Gateway(sleep=at_once) as gateway:
            sent = request(unabridged()[CURRENT], f"http://127.0.0.1:{port}/x")
            sent.headers.update(headers)
            answer = await gateway.send(unabridged()[CURRENT], sent)

        assert answer == Reply.unsent("the request can't be written as HTTP")
        assert received == []

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1:{}/x", "ws://127.0.0.1:{}/x"])
    async def test_its_address_is_no_https(self, url: str) -> None:
        assert await answer_over_sockets(url, answers) == Reply.unsent("the base URL is neither http nor https")


async def test_a_connection_that_breaks_after_the_request_is_lost() -> None:
    received: list[bytes] = []

    async def hangs_up(stream: anyio.abc.ByteStream) -> None:
        received.append(await stream.receive())

    answer = await answer_over_sockets("http://127.0.0.1:{}/x", hangs_up)

    assert answer.failure is not None
    assert (answer.sent, len(received)) == (True, 1)


async def test_an_answer_whose_connection_breaks_within_its_body_is_unreadable() -> None:
    async def breaks_off(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")

    answer = await answer_over_sockets("http://127.0.0.1:{}/x", breaks_off)

    assert (answer.status, answer.body, answer.unreadable) == (200, None, "it broke off")


async def test_an_answer_that_is_no_http_is_lost() -> None:
    async def babbles(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"SSH-2.0-OpenSSH_9.6\r\n")

    answer = await answer_over_sockets("http://127.0.0.1:{}/x", babbles)

    assert answer == Reply.lost("the answer was no HTTP, or broke off")


async def test_a_redirect_to_nonsense_is_no_crash() -> None:
    async def sends(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 302 Found\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n")

    answer = await answer_over_sockets("http://127.0.0.1:{}/x", sends)

    assert judge(unabridged()[CURRENT], answer).outcome is Outcome.UNKNOWN


async def test_a_real_answer_is_read() -> None:
    async def gives(stream: anyio.abc.ByteStream) -> None:
        received = (await stream.receive()).lower()
        assert b"\r\nconnection: close\r\n" in received
        assert b"accept-encoding" not in received
        await stream.send(page('{"status": "cancelled"}'))

    answer = await answer_over_sockets("http://127.0.0.1:{}/x", gives)

    headers = {"content-type": "application/json", "content-length": "23"}
    assert answer == Reply(200, headers, {"status": "cancelled"})


async def test_headers_are_read_whatever_their_bytes() -> None:
    async def gives(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 204 No\r\nX-Name: caf\xe9\r\nX-Twice: a\r\nX-TWICE: b\r\n\r\n")

    answer = await answer_over_sockets("http://127.0.0.1:{}/x", gives)

    assert answer.headers == {"x-name": "caf\xe9", "x-twice": "a, b"}


async def test_a_proxy_never_sees_what_stays_on_this_machine() -> None:
    environ = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}  # discard: nobody listens
    answer = await answer_over_sockets("http://127.0.0.1:{}/x", answers, environ=environ)

    assert answer.status == 204


async def behind(
    proxy: str, past: str = "", says: bytes = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
) -> tuple[Reply, list[bytes]]:
    """What comes of a call, and what reached the proxy, which says so and hangs up."""
    received: list[bytes] = []

    async def refuses(stream: anyio.abc.ByteStream) -> None:
        received.append(await stream.receive())
        await stream.send(says)

    with anyio.fail_after(20):
        async with serving(refuses) as port:
            environ = {"HTTPS_PROXY": proxy.format(port), "NO_PROXY": past}
            async with Gateway(environ=environ, limits=Limits(total=10), sleep=at_once) as gateway:
                sent = request(unabridged()[CURRENT], "https://127.0.0.1:9/x")  # discard: nobody listens
                return await gateway.send(unabridged()[CURRENT], sent), received


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{}", "127.0.0.1:{}"])
async def test_a_proxy_that_refuses_the_connection_has_passed_nothing_on(proxy: str) -> None:
    answer, received = await behind(proxy)

    assert answer == Reply.unsent("the proxy refused the connection (by way of the proxy that the environment names)")
    assert len(received) == 3
    assert all(each.startswith(b"CONNECT 127.0.0.1:9 ") for each in received)


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_proxy_that_hangs_up_before_tls_stands_has_passed_nothing_on(says: bytes) -> None:
    answer, received = await behind("http://127.0.0.1:{}", says=says)

    assert (answer.status, answer.sent, len(received)) == (None, False, 3)


async def test_cancels_share_a_connection_by_way_of_a_proxy(tmp_path: Path) -> None:
    secure, environ = secured(tmp_path)
    received: list[bytes] = []

    async def passes_on(stream: anyio.abc.ByteStream) -> None:
        received.append(await stream.receive())
        await stream.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await honest(await TLSStream.wrap(stream, ssl_context=secure))

    with anyio.fail_after(20):
        async with serving(passes_on) as port:
            reached = {"EVERRUNS_API_KEY": "key", "EVERRUNS_API_URL": "https://127.0.0.1:9"}
            environ["HTTPS_PROXY"] = f"http://127.0.0.1:{port}"
            async with Gateway(environ=environ, sleep=at_once) as gateway:
                came = [
                    await gateway.send(unabridged()[TASK], each) for each in requests(TASK, reached, "task_1", "task_2")
                ]

    assert [answer.status for answer in came] == [200, 200]
    assert len(received) == 1


async def test_a_proxy_is_given_the_name_and_password_that_its_address_holds() -> None:
    _, received = await behind("http://someone:else@127.0.0.1:{}")

    assert b"proxy-authorization: basic c29tzw9uztplbhnl\r\n" in received[0].lower()


async def test_a_host_that_the_environment_excepts_is_reached_past_the_proxy() -> None:
    answer, received = await behind("http://127.0.0.1:{}", past="localhost,127.0.0.1")

    assert answer == Reply.unsent("the connection was refused: nobody listens there")
    assert received == []


async def test_a_proxy_of_the_process_is_not_heeded_where_the_environment_that_was_given_names_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere")

    assert await answer_of("https://127.0.0.1:9/x") == Reply.unsent("the connection was refused: nobody listens there")


UNUSABLE = ["nonsense://127.0.0.1:1", "http://127.0.0.1:x", "http://127.0.0.1:99999", "socks5://127.0.0.1:1"]


@pytest.mark.parametrize("proxy", UNUSABLE)
async def test_a_proxy_that_cannot_be_spoken_to_is_told_and_nothing_is_sent(proxy: str) -> None:
    answer = await answer_of("https://platform.example/x", {"ALL_PROXY": proxy}, Limits(connect=0.1, connections=1))

    assert answer == Reply.unsent("the proxy that this machine's environment names can't be used")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_certificates_that_cannot_be_read_are_told_and_nothing_is_sent(
    tmp_path: Path, content: str | None
) -> None:
    authorities = tmp_path / "authorities.pem"
    if content:
        authorities.write_text(content, encoding="utf-8")
    answer = await answer_of("https://platform.example/x", {"SSL_CERT_FILE": str(authorities)})

    assert answer == Reply.unsent("the certificates that this machine's environment names can't be read")


async def test_certificates_of_a_folder_are_trusted(tmp_path: Path) -> None:
    secure, environ = secured(tmp_path)
    answer = await answer_over_sockets("https://127.0.0.1:{}/x", answers, secure, in_a_folder(environ))

    assert answer.status == 204


def page(body: str) -> bytes:
    media = "Content-Type: application/json"
    return f"HTTP/1.1 200 OK\r\n{media}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def about(task: str, state: str = "canceled") -> str:
    return json.dumps({"id": task, "session_id": SESSION, "state": state})


SESSION = f"session_{0:032}"


def requests(name: str, reached: Mapping[str, str], *tasks: str) -> list[Request]:
    operation = unabridged()[name]
    using = settings.read(unabridged(), reached)[operation.platform.name]
    return [build(operation, {"session_id": SESSION, "task_id": task}, using, request_id="r") for task in tasks]


async def cancels(
    behaviour: Behaviour,
    name: str,
    tasks: Sequence[str],
    secure: ssl.SSLContext | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[list[Reply], int]:
    """What comes of cancels one after the other, and how many connections they took."""
    connections = 0

    async def counted(stream: anyio.abc.ByteStream) -> None:
        nonlocal connections
        connections += 1
        await behaviour(stream)

    operation = unabridged()[name]
    with anyio.fail_after(20):
        gateway = Gateway(environ=environ, limits=Limits(total=10), sleep=at_once)
        async with serving(counted, secure) as port, gateway:
            reached = {"EVERRUNS_API_KEY": "key", "EVERRUNS_API_URL": f"http{'s' if secure else ''}://127.0.0.1:{port}"}
            return [await gateway.send(operation, each) for each in requests(name, reached, *tasks)], connections


async def honest(stream: anyio.abc.ByteStream) -> None:
    while True:
        line, *_ = (await stream.receive()).split(b"\r\n")
        await stream.send(page(about(line.split(b"/")[-3].decode())))


async def test_cancels_whose_answers_name_their_work_share_a_connection() -> None:
    came, connections = await cancels(honest, TASK, ["task_1", "task_2", "TASK_3"])
    assert [answer.body["id"] for answer in came if isinstance(answer.body, dict)] == [
        "task_1",
        "task_2",
        "TASK_3",
    ]
    assert connections == 1


async def test_cancels_whose_answers_name_nothing_have_a_connection_each() -> None:
    _, connections = await cancels(honest, CURRENT, ["task_1", "task_2"])
    assert connections == 2


MORE = [
    page(about("task_0")),
    page('{"id": 7}'),
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
    b"\r\n",
    b"x",
]
"""What may come behind an answer: a second one, or a part of one."""


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_comes_behind_an_answer_is_never_taken_for_the_next_one(
    scheme: str, more: bytes, tmp_path: Path
) -> None:
    """The connection on which it came is left: nothing is asked twice."""
    asked = 0

    async def doubled(stream: anyio.abc.ByteStream) -> None:
        nonlocal asked
        while True:
            line, *_ = (await stream.receive()).split(b"\r\n")
            asked += 1
            answer = page(about(line.split(b"/")[-3].decode(), "running"))
            if scheme == "http":
                await stream.send(answer + more)
            else:
                flight = flight_of(stream)
                flight.hold()
                await stream.send(answer)
                await stream.send(more)
                await flight.release()

    secure, environ = secured(tmp_path) if scheme == "https" else (None, {})
    came, connections = await cancels(doubled, TASK, ["task_1", "task_2"], secure, environ)

    assert [judge(unabridged()[TASK], answer).outcome for answer in came] == [Outcome.STOPPING] * 2
    assert [answer.body["id"] for answer in came if isinstance(answer.body, dict)] == [
        "task_1",
        "task_2",
    ]
    assert (asked, connections) == (2, 2)


def secured(folder: Path) -> tuple[ssl.SSLContext, dict[str, str]]:
    """A server's side of TLS, and the environment that makes pullcord trust it."""
    crt, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context, {"SSL_CERT_FILE": str(crt)}


def in_a_folder(environ: Mapping[str, str]) -> dict[str, str]:
    """That environment, with the certificate's folder in place of its file."""
    crt = Path(environ["SSL_CERT_FILE"])
    return {"SSL_CERT_DIR": str(crt.rename(crt.with_name("a7ef587b.0")).parent)}  # OpenSSL's hash of the name in it


class Flight(anyio.abc.ByteStream):
    """A stream that can hold back what is sent on it, so that several records of TLS are read from a socket together.

    Args:
        stream: carries it.
    """

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self.received: list[bytes] = []
        self._stream = stream
        self._held: list[bytes] | None = None

    def hold(self) -> None:
        self._held = []

    async def release(self) -> None:
        held, self._held = b"".join(self._held or []), None
        await self._stream.send(held)

    async def send(self, item: bytes) -> None:
        if self._held is None:
            await self._stream.send(item)
        else:
            self._held.append(item)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        self.received.append(await self._stream.receive(max_bytes))
        return self.received[-1]

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


def flight_of(stream: anyio.abc.ByteStream) -> Flight:
    assert isinstance(stream, TLSStream)
    assert isinstance(stream.transport_stream, Flight)
    return stream.transport_stream


async def test_cancels_share_a_connection_with_tls_too(tmp_path: Path) -> None:
    _, connections = await cancels(honest, TASK, ["task_1", "task_2", "task_3"], *secured(tmp_path))
    assert connections == 1


async def test_a_connection_that_was_ended_in_the_same_flight_as_an_answer_is_left(tmp_path: Path) -> None:
    late: list[list[bytes]] = []

    async def ends(stream: anyio.abc.ByteStream) -> None:
        line, *_ = (await stream.receive()).split(b"\r\n")
        flight = flight_of(stream)
        flight.hold()
        await stream.send(page(about(line.split(b"/")[-3].decode())))
        flight.received.clear()
        late.append(flight.received)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(says_goodbye, stream)
            await anyio.wait_all_tasks_blocked()
            await flight.release()

    async def says_goodbye(stream: anyio.abc.ByteStream) -> None:
        assert isinstance(stream, TLSStream)
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.unwrap()

    came, connections = await cancels(ends, TASK, ["task_1", "task_2"], *secured(tmp_path))

    assert [answer.status for answer in came] == [200, 200]
    assert (connections, late) == (2, [[], []])


@pytest.mark.parametrize("late", [b"x", b""], ids=["a byte", "its end"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_connection_on_which_something_came_while_it_was_idle_is_left(
    scheme: str, late: bytes, tmp_path: Path
) -> None:
    """By a request on it the platform would be asked twice."""
    asked: list[bytes] = []
    is_idle, has_come = anyio.Event(), anyio.Event()

    async def speaks_late(stream: anyio.abc.ByteStream) -> None:
        asked.append(await stream.receive())
        await stream.send(EMPTY)
        await is_idle.wait()
        if late:
            await stream.send(late)
        else:
            await (flight_of(stream) if secure else stream).aclose()  # with TLS's goodbye it would wait for another
        has_come.set()
        await anyio.sleep_forever()

    secure, environ = secured(tmp_path) if scheme == "https" else (None, {})
    with anyio.fail_after(20):
        gateway = Gateway(environ=environ, sleep=at_once)
        async with serving(speaks_late, secure) as port, gateway:
            kept = KEPT._replace(url=f"{scheme}://127.0.0.1:{port}/x")
            await gateway.send(ANY, kept)
            is_idle.set()
            await has_come.wait()
            answer = await gateway.send(ANY, kept)

    assert (answer.status, answer.repeated, len(asked)) == (204, False, 2)


async def test_a_platform_that_always_speaks_of_other_work_leaves_the_outcome_unknown() -> None:
    async def astray(stream: anyio.abc.ByteStream) -> None:
        while True:
            await stream.receive()
            await stream.send(page(about("task_0")))

    came, connections = await cancels(astray, TASK, ["task_1", "task_2", "task_3"])

    assert [judge(unabridged()[TASK], answer).outcome for answer in came] == [Outcome.UNKNOWN] * 3
    assert isinstance(came[0], Reply)
    assert came[0].unreadable == "it is about other work than was asked for"
    assert connections == 6
