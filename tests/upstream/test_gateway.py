"""The one room that sends: what is sent again and what never, how much is read, and how long it may take.

Waits are counted, not slept. The raw failures come from a transport, or from sockets of this machine.
"""

import contextlib
import gzip
import json
import logging
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.abc
import anyio.lowlevel
import httpcore2
import httpx2
import pytest
from anyio.streams.tls import TLSAttribute, TLSStream
from tests.support import Connection, Content, answering, over, respond, shipped
from tests.upstream.certificates import certificate
from tests.yard import yard

from pullcord.config import settings
from pullcord.flow.verdict import judge
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments
from pullcord.upstream.connections import dialler, tls
from pullcord.upstream.exchange import BODY_LIMIT
from pullcord.upstream.gateway import Gateway
from pullcord.upstream.request import Request, build

pytestmark = pytest.mark.anyio

Step: TypeAlias = "int | Exception | Callable[[], httpx2.Response]"
"""A status with an empty object, an error, or what makes an answer."""

Behaviour: TypeAlias = Callable[[anyio.abc.ByteStream], Awaitable[None]]

CURRENT = "cancel_turn"
TASK = "cancel_task"
GET = "get_task"
ALL = [CURRENT, TASK, GET]

NOT_SENT = [
    httpcore2.ConnectError("x"),
    httpcore2.ConnectTimeout("x"),
    httpcore2.PoolTimeout("x"),
    httpcore2.ProxyError("x"),
    httpcore2.UnsupportedProtocol("x"),
    httpcore2.ConnectionNotAvailable("x"),
]
LOST = [
    httpcore2.ReadTimeout("x"),
    httpcore2.WriteTimeout("x"),
    httpcore2.ReadError("x"),
    httpcore2.WriteError("x"),
    httpcore2.RemoteProtocolError("x"),
    httpcore2.LocalProtocolError("x"),
    ssl.SSLError("x"),
]


class Line:
    """A platform that answers step by step; the last step answers all that follows."""

    def __init__(self, *steps: Step, total: float = 30) -> None:
        self.steps = steps
        self.seen: list[httpx2.Request] = []
        self.slept: list[float] = []
        self.clock = 0.0
        transport = httpx2.MockTransport(self._answer)
        self.gateway = Gateway(over(transport), total=total, now=lambda: self.clock, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        step = self.steps[min(len(self.seen), len(self.steps) - 1)]
        self.seen.append(request)
        match step:
            case Exception():
                raise step
            case int():
                return respond(step, {})
        return step()

    async def send(self, name: str) -> Reply:
        async with self.gateway as gateway:
            return await gateway.send(shipped()[name], _request(shipped()[name]))


def _request(operation: Operation, url: str = "https://platform.example/x") -> Request:
    return Request(operation.method, url, {"Host": "platform.example", "Content-Length": "0"})


def _late(status: int, seconds: str) -> Callable[[], httpx2.Response]:
    return lambda: respond(status, {}, {"Retry-After": seconds})


def _html(status: int, headers: Mapping[str, str] | None = None) -> Callable[[], httpx2.Response]:
    return lambda: respond(status, b"<html>", headers)


ERRORS = [each for each in vars(httpcore2).values() if isinstance(each, type) and issubclass(each, Exception)]


@pytest.mark.parametrize("kind", [*ERRORS, OSError])
async def test_every_way_to_fail_is_told_apart_by_whether_it_was_sent(kind: type[Exception]) -> None:
    answer = await Line(kind("the platform's own words")).send(CURRENT)

    assert answer.failure is not None
    assert answer.sent is not (kind in {type(error) for error in NOT_SENT})
    assert "own words" not in answer.failure
    assert judge(shipped()[CURRENT], answer).outcome is (Outcome.UNKNOWN if answer.sent else Outcome.UNAVAILABLE)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("error", NOT_SENT, ids=lambda error: type(error).__name__)
async def test_a_failure_to_connect_is_tried_twice_more(name: str, error: Exception) -> None:
    line = Line(error)
    answer = await line.send(name)

    assert (len(line.seen), line.slept) == (3, [0.1, 0.2])
    assert answer.failure is not None
    assert not answer.sent


@pytest.mark.parametrize("name", ALL)
async def test_a_connection_that_stands_in_the_end_is_used(name: str) -> None:
    line = Line(httpcore2.ConnectError("x"), httpcore2.ConnectError("x"), 200)

    assert await line.send(name) == Reply(200, {}, {})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_short_wait_that_is_named_is_waited_out_twice(name: str, status: int) -> None:
    line = Line(_late(status, "5"), _late(status, "0"), 200)
    answer = await line.send(name)

    assert answer.status is not None
    assert (answer.status, line.slept) == (200, [5, 0])

    line = Line(_late(status, "1"))
    answer = await line.send(name)
    assert answer.status is not None
    assert (answer.status, len(line.seen), line.slept) == (status, 3, [1, 1])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "answer",
    [_late(429, "6"), _late(503, "3600"), 429, 503, _late(503, "soon")],
    ids=["6 s", "an hour", "429 unnamed", "503 unnamed", "no number"],
)
async def test_a_long_wait_or_none_that_is_named_is_left_to_the_caller(name: str, answer: Step) -> None:
    line = Line(answer)
    await line.send(name)

    assert (len(line.seen), line.slept) == (1, [])


PROBLEM = {"content-type": "application/problem+json"}


async def test_a_wait_that_the_body_names_counts_too() -> None:
    line = Line(lambda: respond(429, {"retry_after_seconds": 1.2}, PROBLEM), 200)

    await line.send(CURRENT)

    assert line.slept == [2], "never before its time"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 502, 504, 301, 302, 307, 308, 204, 418])
@pytest.mark.parametrize("name", ALL)
async def test_every_other_answer_is_final(name: str, status: int) -> None:
    line = Line(_late(status, "1"))
    answer = await line.send(name)

    assert answer.status is not None
    assert (answer.status, len(line.seen)) == (status, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    line = Line(lambda: respond(status, None, {"Location": "https://evil.example/"}), 200)
    answer = await line.send(CURRENT)

    assert answer.status is not None
    assert [request.url.host for request in line.seen] == ["platform.example"]
    assert judge(shipped()[CURRENT], answer).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("lost", [*LOST, _html(200), _html(500)], ids=[*map(repr, LOST), "200", "500"])
class TestALostAnswer:
    async def test_is_asked_for_once_more_where_that_hits_the_same_work(self, lost: Step) -> None:
        for name in (TASK, GET):
            line = Line(lost, 200)
            answer = await line.send(name)
            assert answer.status is not None
            assert (answer.status, len(line.seen), line.slept) == (200, 2, [0.1])

            line = Line(lost)
            answer = await line.send(name)
            assert len(line.seen) == 2
            assert judge(shipped()[name], answer).outcome is Outcome.UNKNOWN

    async def test_is_never_asked_for_again_where_that_could_hit_other_work(self, lost: Step) -> None:
        line = Line(lost, 200)
        answer = await line.send(CURRENT)

        assert (len(line.seen), line.slept) == (1, [])
        assert judge(shipped()[CURRENT], answer).outcome is Outcome.UNKNOWN

    @pytest.mark.parametrize(
        "later",
        [httpcore2.ConnectError("x"), 503, 429, _late(429, "60"), 401, 404, 409, 422, 500],
        ids=["connect", "503", "429", "429 in 60 s", "401", "404", "409", "422", "500"],
    )
    async def test_stays_lost_whatever_a_later_failure_says(self, lost: Step, later: Step) -> None:
        line = Line(lost, later)
        answer = await line.send(TASK)

        assert judge(shipped()[TASK], answer).outcome is Outcome.UNKNOWN, "the first one may have stopped it"

    async def test_of_a_look_gives_way_to_what_a_later_look_says(self, lost: Step) -> None:
        assert judge(shipped()[GET], await Line(lost, 404).send(GET)).outcome is Outcome.NOT_FOUND


async def test_repeats_are_counted_together() -> None:
    line = Line(httpcore2.ConnectError("x"), _late(503, "1"), httpcore2.ReadError("x"), 200)
    answer = await line.send(TASK)

    assert (len(line.seen), answer.failure is not None) == (3, True)


async def test_an_unreadable_refusal_still_refuses() -> None:
    for status, outcome in [(401, Outcome.DENIED), (404, Outcome.NOT_FOUND), (503, Outcome.UNAVAILABLE)]:
        line = Line(_html(status))
        assert judge(shipped()[TASK], await line.send(TASK)).outcome is outcome
        assert len(line.seen) == 1

    line = Line(_html(503, {"Retry-After": "2"}), 200)
    assert judge(shipped()[CURRENT], await line.send(CURRENT)).outcome is Outcome.UNKNOWN
    assert line.slept == [2]


async def test_a_body_is_read_up_to_its_limit_and_no_further() -> None:
    kilobyte = b" " * 1024
    content = Content(b'{"a":1}', *[kilobyte] * 4096)
    reply = await Line(lambda: httpx2.Response(200, stream=content)).send(CURRENT)

    assert reply.status is not None
    assert (reply.unreadable, reply.body) == ("it is larger than 1 MiB", None)
    assert BODY_LIMIT == 2**20
    assert BODY_LIMIT < content.taken <= BODY_LIMIT + 1024


async def test_a_body_of_just_the_limit_is_read() -> None:
    reply = await Line(lambda: respond(200, b'"' + b"a" * (BODY_LIMIT - 2) + b'"')).send(CURRENT)

    assert reply.status is not None
    assert isinstance(reply.body, str)
    assert len(reply.body) == BODY_LIMIT - 2


@pytest.mark.parametrize(
    "error", [httpcore2.ReadError("x"), httpcore2.ReadTimeout("x"), httpcore2.RemoteProtocolError("x")]
)
async def test_a_body_that_breaks_off_is_unreadable(error: Exception) -> None:
    line = Line(lambda: httpx2.Response(200, stream=Content(b'{"status":"cancelled"', error=error)))

    assert await line.send(CURRENT) == Reply(200, {}, None, "it broke off")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "zstd"])
async def test_a_compressed_reply_is_refused(encoding: str) -> None:
    content = gzip.compress(b'{"status":"cancelled"}')
    reply = await Line(lambda: respond(200, content, {"Content-Encoding": encoding})).send(CURRENT)

    assert reply.status is not None
    assert (reply.body, reply.unreadable) == (None, "it is compressed, although pullcord asked for plain text")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"<html>",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"-Infinity",
        b"\xff\xfe\xfd",
        b'"\x80"',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5_000,
        b"{} {}",
        b"'a'",
    ],
    ids=lambda content: f"{len(content)} bytes: {content[:9]!r}",
)
async def test_what_is_no_json_is_unreadable_and_never_quoted(content: bytes) -> None:
    reply = await Line(lambda: respond(200, content)).send(CURRENT)

    assert reply.status is not None
    assert (reply.body, reply.unreadable) == (None, "it is not JSON")


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"", None),
        (b" \r\n\t ", None),
        (b"null", None),
        (b'{"a":1e999}', {"a": float("inf")}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"\xef\xbb\xbf{}", {}),
        ('{"a":"\u202e"}'.encode("utf-16"), {"a": "\u202e"}),
        (b'"\\ud800"', "\ud800"),
    ],
)
async def test_json_or_nothing_is_readable(content: bytes, body: object) -> None:
    reply = await Line(lambda: respond(200, content)).send(CURRENT)

    assert reply.status is not None
    assert (reply.body, reply.unreadable) == (body, None)


async def test_a_platform_that_never_answers_is_given_up_in_time() -> None:
    async def silent(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    for name in ALL:
        gateway = Gateway(over(httpx2.MockTransport(silent)), total=0.05)
        with anyio.fail_after(5):
            answer = await gateway.send(shipped()[name], _request(shipped()[name]))
        assert answer == Reply.lost("no answer came in time")


async def test_a_body_that_never_ends_is_given_up_in_time() -> None:
    async def drips() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await anyio.sleep(0.001)

    gateway = Gateway(over(httpx2.MockTransport(lambda _: httpx2.Response(200, content=drips()))), total=0.05)
    with anyio.fail_after(5):
        answer = await gateway.send(shipped()[CURRENT], _request(shipped()[CURRENT]))

    assert answer == Reply.lost("no answer came in time")


async def test_repeats_stay_within_the_whole_time() -> None:
    line = Line(_late(503, "5"), total=8)
    await line.send(CURRENT)

    assert line.slept == [5], "a second wait would end after the call's time"


async def _gone(name: str, *, before: bool = False) -> tuple[list[str], list[Reply]]:
    """Let the caller go away while a call is on the wire, or before; what reached the platform, and what was learnt."""
    wire: list[str] = []
    learnt: list[Reply] = []
    on_the_wire, go_on = anyio.Event(), anyio.Event()

    async def slow(_: httpx2.Request) -> httpx2.Response:
        wire.append("arrived")
        on_the_wire.set()
        await go_on.wait()
        wire.append("answered")
        return respond(200, {})

    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            learnt.append(await gateway.send(shipped()[name], _request(shipped()[name])))

    with anyio.fail_after(5):
        async with Gateway(over(httpx2.MockTransport(slow))) as gateway, anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()
            if before:
                scope.cancel()
            tasks.start_soon(call, scope)
            if not before:
                await on_the_wire.wait()
                scope.cancel()
            await anyio.wait_all_tasks_blocked()
            go_on.set()
    return wire, learnt


@pytest.mark.parametrize("name", [CURRENT, TASK])
async def test_a_cancel_on_the_wire_is_finished_though_its_caller_goes_away(name: str) -> None:
    wire, learnt = await _gone(name)

    assert wire == ["arrived", "answered"]
    assert [type(each) for each in learnt] == [Reply]


async def test_a_look_on_the_wire_is_dropped_with_its_caller() -> None:
    assert await _gone(GET) == (["arrived"], [])


@pytest.mark.parametrize("name", ALL)
async def test_nothing_is_sent_for_a_caller_that_has_gone(name: str) -> None:
    assert await _gone(name, before=True) == ([], [])


async def test_a_finished_cancel_is_not_sent_again_for_a_caller_that_has_gone() -> None:
    seen: list[httpx2.Request] = []
    scope = anyio.CancelScope()

    def refused(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        scope.cancel()
        raise httpcore2.ConnectError("x")

    with anyio.fail_after(5), scope:
        await Gateway(over(httpx2.MockTransport(refused))).send(shipped()[TASK], _request(shipped()[TASK]))

    assert (len(seen), scope.cancelled_caught) == (1, True)


class Dialled:
    """Connections to a platform that always answers so, each remembered."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.made: list[Connection] = []
        self._transport = httpx2.MockTransport(lambda _: answer)

    def __call__(self, _: httpcore2.Origin) -> Connection:
        self.made.append(Connection(self._transport))
        return self.made[-1]


KEPT = _request(shipped()[TASK], "http://127.0.0.1:1/x")._replace(kept=True)
"""A request that may share a connection."""


async def test_a_connection_is_made_by_the_first_call_shared_by_the_next_and_closed_at_the_end() -> None:
    dialled = Dialled(respond(200))

    async with Gateway(dialled) as gateway:
        assert dialled.made == []
        for _ in range(2):
            await gateway.send(shipped()[TASK], KEPT)
        assert [each.closed for each in dialled.made] == [False]
    assert [each.closed for each in dialled.made] == [True]


async def test_connections_are_closed_even_if_the_server_is_cancelled() -> None:
    dialled = Dialled(respond(200))

    with anyio.CancelScope() as scope:
        async with Gateway(dialled) as gateway:
            await gateway.send(shipped()[TASK], KEPT)
            scope.cancel()

    assert [each.closed for each in dialled.made] == [True]


async def test_a_connection_that_has_expired_is_closed_and_not_used_again() -> None:
    dialled = Dialled(respond(200))

    async with Gateway(dialled) as gateway:
        await gateway.send(shipped()[TASK], KEPT)
        dialled.made[0].expired = True
        await gateway.send(shipped()[TASK], KEPT)
        assert [each.closed for each in dialled.made] == [True, False]


async def test_the_newest_connection_is_taken_first_and_those_that_a_burst_left_are_closed_in_time() -> None:
    dialled = Dialled(respond(200))

    async with Gateway(dialled) as gateway:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(gateway.send, shipped()[TASK], KEPT)
        assert len(dialled.made) == 3
        for _ in range(5):
            await gateway.send(shipped()[TASK], KEPT)
        assert sorted(each.requests for each in dialled.made) == [1, 1, 6]
        for each in dialled.made:
            each.expired = each.requests == 1
        await gateway.send(shipped()[TASK], KEPT._replace(url="http://127.0.0.1:2/x"))
        assert sorted((each.requests, each.closed) for each in dialled.made) == [
            (1, False), (1, True), (1, True), (6, False)
        ]  # fmt: skip


async def test_a_connection_of_which_it_cannot_be_told_whether_more_came_is_not_kept() -> None:
    made: list[Connection] = []

    def dial(_: httpcore2.Origin) -> Connection:
        made.append(Connection(httpx2.MockTransport(lambda _: respond(200))))
        made[-1].forget()
        return made[-1]

    async with Gateway(dial) as gateway:
        for _ in range(2):
            await gateway.send(shipped()[TASK], KEPT)
        assert [each.closed for each in made] == [True, True]


async def test_a_connection_is_never_lent_to_another_origin() -> None:
    dialled = Dialled(respond(200))

    async with Gateway(dialled) as gateway:
        for port in (1, 2, 1):
            await gateway.send(shipped()[TASK], KEPT._replace(url=f"http://127.0.0.1:{port}/x"))
        assert [each.requests for each in dialled.made] == [2, 1]


async def test_a_call_that_finds_no_free_connection_waits_and_says_in_time_that_nothing_was_sent() -> None:
    go_on = anyio.Event()

    async def slow(_: httpx2.Request) -> httpx2.Response:
        await go_on.wait()
        return respond(200)

    answers: dict[str, Reply] = {}

    async def call(name: str) -> None:
        answers[name] = await gateway.send(shipped()[CURRENT], _request(shipped()[CURRENT]))

    with anyio.fail_after(5):
        gateway = Gateway(over(httpx2.MockTransport(slow)), connect=0.01, connections=1, sleep=_at_once)
        async with gateway, anyio.create_task_group() as tasks:
            tasks.start_soon(call, "first")
            await anyio.wait_all_tasks_blocked()
            await call("second")
            go_on.set()
            while "first" not in answers:
                await anyio.lowlevel.checkpoint()
            await call("third")

    assert answers["second"] == Reply.unsent("too many calls are under way")
    assert [type(answers[name]) for name in ("first", "third")] == [Reply, Reply]


@asynccontextmanager
async def _server(behaviour: Behaviour) -> AsyncIterator[int]:
    """A server of bytes on this machine's own address; its port."""

    async def handle(stream: anyio.abc.ByteStream) -> None:
        async with stream:
            await behaviour(stream)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def _over_sockets(url: str, behaviour: Behaviour) -> Reply:
    with anyio.fail_after(20):
        async with _server(behaviour) as port, Gateway(total=10) as gateway:
            return await gateway.send(shipped()[CURRENT], _request(shipped()[CURRENT], url.format(port)))


async def test_a_tls_handshake_that_fails_has_sent_nothing() -> None:
    received: list[bytes] = []

    async def no_tls(stream: anyio.abc.ByteStream) -> None:
        received.append(await stream.receive())
        await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    answer = await _over_sockets("https://127.0.0.1:{}/x", no_tls)

    assert answer == Reply.unsent("the connection could not be made")
    assert len(received) == 3
    assert not any(b"POST" in each for each in received)


async def test_a_connection_that_breaks_after_the_request_is_lost() -> None:
    received: list[bytes] = []

    async def hangs_up(stream: anyio.abc.ByteStream) -> None:
        received.append(await stream.receive())

    answer = await _over_sockets("http://127.0.0.1:{}/x", hangs_up)

    assert answer.failure is not None
    assert (answer.sent, len(received)) == (True, 1)


async def test_an_answer_that_is_no_http_is_lost() -> None:
    async def babbles(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"SSH-2.0-OpenSSH_9.6\r\n")

    answer = await _over_sockets("http://127.0.0.1:{}/x", babbles)

    assert answer == Reply.lost("the answer was no HTTP, or broke off")


async def test_a_redirect_to_nonsense_is_no_crash() -> None:
    async def sends(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 302 Found\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n")

    answer = await _over_sockets("http://127.0.0.1:{}/x", sends)

    assert judge(shipped()[CURRENT], answer).outcome is Outcome.UNKNOWN


async def test_the_content_of_a_request_arrives_whole() -> None:
    cancel = yard()["cancel_yard_task"]
    arrived = bytearray()

    async def takes(stream: anyio.abc.ByteStream) -> None:
        while not arrived.endswith(b"}"):
            arrived.extend(await stream.receive())
        await stream.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    with anyio.fail_after(20):
        async with _server(takes) as port, Gateway(total=10) as gateway:
            reached = settings.Settings(f"http://127.0.0.1:{port}", None, "", {}, ())
            given: Arguments = {"id": "t1", "hardness": "soft", "reason": " stuck, naïvely "}
            answer = await gateway.send(cancel, build(cancel, given, reached, "r1"))

    assert answer.status == 202
    head, _, content = bytes(arrived).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /tasks/t1:cancel HTTP/1.1\r\n")
    assert json.loads(content)["reason"] == " stuck, naïvely "


async def test_a_real_answer_is_read() -> None:
    async def answers(stream: anyio.abc.ByteStream) -> None:
        request = await stream.receive()
        assert b"accept-encoding" not in request.lower()
        await stream.send(b'HTTP/1.1 200 OK\r\nX-Request-ID: r\r\nContent-Length: 10\r\n\r\n{"a": [1]}')

    assert await _over_sockets("http://127.0.0.1:{}/x", answers) == Reply(
        200, {"x-request-id": "r", "content-length": "10"}, {"a": [1]}
    )


async def test_a_port_where_nobody_listens_has_been_sent_nothing() -> None:
    async with _server(lambda stream: stream.aclose()) as free:
        pass
    async with Gateway() as gateway:
        answer = await gateway.send(shipped()[CURRENT], _request(shipped()[CURRENT], f"http://127.0.0.1:{free}/x"))

    assert answer == Reply.unsent("the connection could not be made")


async def test_a_proxy_of_the_environment_never_sees_what_stays_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answers(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # discard: nobody listens
    answer = await _over_sockets("http://127.0.0.1:{}/x", answers)

    assert answer.status is not None
    assert answer.status == 204


async def _behind(monkeypatch: pytest.MonkeyPatch, proxy: str, past: str = "") -> tuple[Reply, list[bytes]]:
    """What comes of a call, and what reached the proxy, which refuses it."""
    received: list[bytes] = []

    async def refuses(stream: anyio.abc.ByteStream) -> None:
        received.append(await stream.receive())
        await stream.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with anyio.fail_after(20):
        async with _server(refuses) as port, Gateway(total=10, sleep=_at_once) as gateway:
            monkeypatch.setenv("HTTPS_PROXY", proxy.format(port))
            monkeypatch.setenv("NO_PROXY", past)
            asked = _request(shipped()[CURRENT], "https://127.0.0.1:9/x")  # discard: nobody listens
            return await gateway.send(shipped()[CURRENT], asked), received


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{}", "127.0.0.1:{}"])
async def test_a_proxy_that_refuses_the_connection_has_passed_nothing_on(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    answer, received = await _behind(monkeypatch, proxy)

    assert answer == Reply.unsent("the proxy refused the connection")
    assert len(received) == 3
    assert all(each.startswith(b"CONNECT 127.0.0.1:9 ") for each in received)


async def test_a_proxy_is_given_the_name_and_password_that_its_address_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    _, received = await _behind(monkeypatch, "http://someone:else@127.0.0.1:{}")

    assert b"proxy-authorization: basic c29tzw9uztplbhnl\r\n" in received[0].lower()


async def test_a_host_that_the_environment_excepts_is_reached_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, received = await _behind(monkeypatch, "http://127.0.0.1:{}", past="localhost,127.0.0.1")

    assert answer == Reply.unsent("the connection could not be made")
    assert received == []


@pytest.mark.parametrize(
    ("excepted", "host", "past"),
    [
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        ("example.com", "badexample.com", False),
        (".example.com", "api.example.com", True),
        (".example.com", "example.com", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "example.com", False),
        ("EXAMPLE.com", "example.com", True),
        ("localhost, example.com", "example.com", True),
        ("localhost,,", "example.com", False),
        ("example.com:8443", "example.com", True),
        ("example.com:443", "example.com", False),
        ("https://example.com", "example.com", True),
        ("http://example.com", "example.com", False),
        ("*", "example.com", True),
        ("localhost, *", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.30", False),
        ("fd00::/8", "fd00::1", True),
        ("[::1]", "::1", True),
        ("::1", "fd00::1", False),
        ("10.0.0.0/8", "fd00::1", False),
        ("example.com:x, [", "example.com", False),
    ],
)
def test_what_the_environment_excepts_from_its_proxy_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, excepted: str, host: str, *, past: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", excepted)
    connection = dialler()(httpcore2.Origin(b"https", host.encode(), 8443))
    assert (type(connection) is httpcore2.AsyncHTTPConnection) is past


@pytest.mark.parametrize("url", ["ftp://platform.example/x", "ws://platform.example/x", "https://platform.example:x/"])
async def test_an_address_that_is_not_https_is_told_and_nothing_is_sent(url: str) -> None:
    async with Gateway(sleep=_at_once) as gateway:
        answer = await gateway.send(shipped()[TASK], _request(shipped()[TASK], url))

    assert answer == Reply.unsent("the base URL is neither http nor https")


async def test_where_pullcords_own_files_went_while_it_ran_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pullcord.upstream.exchange", None)
    async with Gateway(sleep=_at_once) as gateway:
        answer = await gateway.send(shipped()[TASK], _request(shipped()[TASK]))

    assert answer == Reply.unsent("pullcord's own files went while it ran; it must be started again")


async def test_headers_are_read_whatever_their_bytes() -> None:
    async def answers(stream: anyio.abc.ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 204 No\r\nX-Name: caf\xe9\r\nX-Twice: a\r\nX-TWICE: b\r\n\r\n")

    answer = await _over_sockets("http://127.0.0.1:{}/x", answers)

    assert answer == Reply(204, {"x-name": "caf\xe9", "x-twice": "a, b"})


async def test_what_a_platform_answers_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="pullcord")
    await Gateway(over(answering(200, {"secret": "s"}))).send(shipped()[CURRENT], _request(shipped()[CURRENT]))

    assert [record for record in caplog.records if record.name.startswith("pullcord")] == []


async def test_a_platform_that_quotes_the_key_has_not_quoted_it() -> None:
    key = "evr_pat_0123456789"
    body = {"error": f"bad key {key}", key: [key, {"a": key}, 7, None]}
    gateway = Gateway(over(answering(401, body, {"X-Request-ID": f"r-{key}"})))
    request = _request(shipped()[CURRENT])._replace(secrets=("unheard-of", key))

    assert await gateway.send(shipped()[CURRENT], request) == Reply(
        401, {"x-request-id": "r-[key]"}, {"error": "bad key [key]", "[key]": ["[key]", {"a": "[key]"}, 7, None]}
    )


async def test_a_key_too_short_to_be_secret_leaves_words_alone() -> None:
    request = _request(shipped()[CURRENT])._replace(secrets=("state",))
    answer = await Gateway(over(answering(200, {"state": "stated"}))).send(shipped()[CURRENT], request)

    assert answer == Reply(200, {}, {"state": "stated"})


async def test_a_pause_ends_with_its_time_or_with_the_process() -> None:
    line = Line(200)
    with anyio.fail_after(5):
        await line.gateway.pause(7)
        assert line.slept == [7]

        gateway = Gateway()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gateway.pause, 3600)
            await anyio.wait_all_tasks_blocked()
            gateway.ending.set()


UNUSABLE = ["nonsense://127.0.0.1:1", "http://127.0.0.1:x", "http://127.0.0.1:99999", "socks5://127.0.0.1:1"]


@pytest.mark.parametrize("proxy", UNUSABLE)
async def test_a_proxy_that_cannot_be_spoken_to_is_told_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    async with Gateway(sleep=_at_once) as gateway:
        answer = await gateway.send(shipped()["stop_task"], _request(shipped()["stop_task"]))

    assert answer == Reply.unsent("the proxy that this machine's environment names can't be used")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_certificates_that_cannot_be_read_are_told_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    authorities = tmp_path / "authorities.pem"
    if content:
        authorities.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))
    tls.cache_clear()
    async with Gateway(sleep=_at_once) as gateway:
        answer = await gateway.send(shipped()["stop_task"], _request(shipped()["stop_task"]))

    assert answer == Reply.unsent("the certificates that this machine's environment names can't be read")


def _page(body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _about(task: str, state: str = "canceled") -> str:
    return json.dumps({"id": task, "session_id": SESSION, "state": state})


SESSION = f"session_{0:032}"


async def _cancels(
    behaviour: Behaviour, name: str, tasks: Sequence[str], secure: ssl.SSLContext | None = None
) -> tuple[list[Reply], int]:
    """What comes of cancels one after the other, and how many connections they took."""
    connections = 0

    async def counted(stream: anyio.abc.ByteStream) -> None:
        nonlocal connections
        connections += 1
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await behaviour(await TLSStream.wrap(stream, ssl_context=secure) if secure else stream)

    operation = shipped()[name]
    with anyio.fail_after(20):
        async with _server(counted) as port, Gateway(total=10, sleep=_at_once) as gateway:
            reached = {"EVERRUNS_API_KEY": "key", "EVERRUNS_API_URL": f"http{'s' if secure else ''}://127.0.0.1:{port}"}
            using = settings.read(shipped(), reached)[operation.platform.name]
            asked = [
                build(operation, {"session_id": SESSION, "task_id": task}, using, request_id="r") for task in tasks
            ]
            return [await gateway.send(operation, each) for each in asked], connections


async def _at_once(_: float) -> None: ...


async def _honest(stream: anyio.abc.ByteStream) -> None:
    while True:
        line, *_ = (await stream.receive()).split(b"\r\n")
        await stream.send(_page(_about(line.split(b"/")[-3].decode())))


async def test_cancels_whose_answers_name_their_work_share_a_connection() -> None:
    answers, connections = await _cancels(_honest, TASK, ["task_1", "task_2", "TASK_3"])
    assert [answer.body["id"] for answer in answers if isinstance(answer.body, dict)] == [
        "task_1",
        "task_2",
        "TASK_3",
    ]
    assert connections == 1


async def test_cancels_whose_answers_name_nothing_have_a_connection_each() -> None:
    _, connections = await _cancels(_honest, CURRENT, ["task_1", "task_2"])
    assert connections == 2


MORE = [
    _page(_about("task_0")),
    _page('{"id": 7}'),
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
    b"\r\n",
    b"x",
]
"""What may come behind an answer: a second one, or a part of one."""


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_comes_behind_an_answer_is_never_taken_for_the_next_one(
    scheme: str, more: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection on which it came is left: nothing is asked twice."""
    asked = 0

    async def doubled(stream: anyio.abc.ByteStream) -> None:
        nonlocal asked
        while True:
            line, *_ = (await stream.receive()).split(b"\r\n")
            asked += 1
            answer = _page(_about(line.split(b"/")[-3].decode(), "running"))
            if scheme == "http":
                await stream.send(answer + more)
            else:
                await _in_one_flight(stream, answer, more)

    secure = _secured(tmp_path, monkeypatch) if scheme == "https" else None
    answers, connections = await _cancels(doubled, TASK, ["task_1", "task_2"], secure)

    assert [judge(shipped()[TASK], answer).outcome for answer in answers] == [Outcome.STOPPING] * 2
    assert [answer.body["id"] for answer in answers if isinstance(answer.body, dict)] == [
        "task_1",
        "task_2",
    ]
    assert (asked, connections) == (2, 2)


def _secured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, which pullcord trusts."""
    crt, key = certificate(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(crt))
    tls.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context


async def _in_one_flight(stream: anyio.abc.ByteStream, *records: bytes) -> None:
    """Send several records of TLS at once, so that they are read from the socket together."""
    assert isinstance(stream, TLSStream)
    secure, waiting = stream.extra(TLSAttribute.ssl_object), stream._write_bio  # noqa: SLF001 - no other way there
    for record in records:
        secure.write(record)
    await stream.transport_stream.send(waiting.read())


async def test_cancels_share_a_connection_with_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secure = _secured(tmp_path, monkeypatch)
    _, connections = await _cancels(_honest, TASK, ["task_1", "task_2", "task_3"], secure)
    assert connections == 1


async def test_a_connection_that_was_ended_in_the_same_flight_as_an_answer_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, late = 0, []

    async def ends(stream: anyio.abc.ByteStream) -> None:
        nonlocal asked
        line, *_ = (await stream.receive()).split(b"\r\n")
        asked += 1
        assert isinstance(stream, TLSStream)
        secure = stream.extra(TLSAttribute.ssl_object)
        secure.write(_page(_about(line.split(b"/")[-3].decode())))
        with contextlib.suppress(ssl.SSLWantReadError):
            secure.unwrap()
        await _in_one_flight(stream)
        late.append(await stream.transport_stream.receive())

    answers, connections = await _cancels(ends, TASK, ["task_1", "task_2"], _secured(tmp_path, monkeypatch))

    assert [type(answer) for answer in answers] == [Reply, Reply]
    assert (asked, connections, late) == (2, 2, [])


async def test_a_platform_that_always_speaks_of_other_work_leaves_the_outcome_unknown() -> None:
    async def astray(stream: anyio.abc.ByteStream) -> None:
        while True:
            await stream.receive()
            await stream.send(_page(_about("task_0")))

    answers, connections = await _cancels(astray, TASK, ["task_1", "task_2", "task_3"])

    assert [judge(shipped()[TASK], answer).outcome for answer in answers] == [Outcome.UNKNOWN] * 3
    assert isinstance(answers[0], Reply)
    assert answers[0].unreadable == "it is about other work than was asked for"
    assert connections == 6
