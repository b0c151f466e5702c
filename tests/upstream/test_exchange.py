"""One request and its answer: what is read of it, how much, and how each way to fail is told."""

import gzip
import logging
from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest
from tests.support import Content, answering, respond
from tests.transport import mock
from tests.upstream.line import BROKEN, CURRENT, JSON, REFUSED, TASK, Line, at_once, request, unabridged

from pullcord.flow.verdict import judge
from pullcord.model.outcome import Outcome
from pullcord.model.projection import Projection
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream.exchange import BODY_LIMIT, SMALL, VALUES_LIMIT, Exchange
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio


async def exchanged(answer: Callable[[], httpx2.Response], *secrets: str) -> Reply:
    """What is read of an answer, whoever gave it."""
    sent = request(unabridged()[CURRENT])._replace(secrets=secrets)
    return await Exchange(mock(lambda _: answer()), connect=5).send(unabridged()[CURRENT], sent, 30)


@pytest.mark.parametrize("error", [REFUSED, BROKEN])
async def test_every_way_to_fail_is_told_apart_by_whether_it_was_sent(error: Exception) -> None:
    answer = await Line(error).send(CURRENT)

    assert answer == (Reply.lost(str(error)) if error is BROKEN else Reply.unsent(str(error)))
    assert judge(unabridged()[CURRENT], answer).outcome is (Outcome.UNKNOWN if answer.sent else Outcome.UNAVAILABLE)


async def test_an_answer_about_other_work_is_not_believed() -> None:
    answer = await Gateway(answering(200, {"id": "task_2", "session_id": "session_1"}), sleep=at_once).send(
        unabridged()[TASK], request(unabridged()[TASK])
    )

    assert answer == Reply(200, JSON, None, "it is about other work than was asked for", genuine=False, repeated=True)


async def test_an_error_is_believed_whatever_work_it_names() -> None:
    other_work = {"title": "No", "id": "task_2", "session_id": "session_1"}
    answer = await Line(lambda: respond(409, other_work)).send(TASK)

    assert (answer.genuine, answer.unreadable, answer.body) == (True, None, other_work)
    assert judge(unabridged()[TASK], answer).outcome is Outcome.REFUSED


async def test_a_body_is_read_up_to_its_limit_and_no_further() -> None:
    kilobyte = b" " * 1024
    content = Content(b'{"a":1}', *[kilobyte] * 4096)
    reply = await exchanged(lambda: httpx2.Response(200, stream=content))

    assert reply.status is not None
    assert (reply.unreadable, reply.body) == ("it is larger than 1 MiB", None)
    assert BODY_LIMIT == 2**20
    assert BODY_LIMIT < content.taken <= BODY_LIMIT + 1024


async def test_a_body_of_just_the_limit_is_read() -> None:
    reply = await exchanged(lambda: respond(200, b'"' + b"a" * (BODY_LIMIT - 2) + b'"'))

    assert reply.status is not None
    assert isinstance(reply.body, str)
    assert len(reply.body) == BODY_LIMIT - 2


@pytest.mark.parametrize(("length", "body"), [(SMALL, {"a": 1, "b": 2}), (SMALL + 1, {"a": 1})])
async def test_of_a_body_that_is_not_small_only_what_is_read_is_kept(length: int, body: Json) -> None:
    operation = replace(unabridged()[CURRENT], kept=lambda: Projection(members={"a": Projection()}))
    transport = mock(lambda _: respond(200, b'{"a":1,"b":2}'.ljust(length)))
    reply = await Exchange(transport, connect=5).send(operation, request(operation), 30)

    assert reply.body == body


async def test_a_body_that_breaks_off_is_unreadable() -> None:
    reply = await exchanged(lambda: httpx2.Response(200, stream=Content(b'{"status":"cancelled"', error=BROKEN)))

    assert reply == Reply(200, {}, None, "it broke off", genuine=False)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "zstd"])
async def test_a_compressed_reply_is_refused(encoding: str) -> None:
    content = gzip.compress(b'{"status":"cancelled"}')
    reply = await exchanged(lambda: respond(200, content, {"Content-Encoding": encoding}))

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
        b"[" * 40_000,
        b"[" * 40_000 + b"]" * 40_000,
        b'{"a":' * 40_000,
        b"9" * 5_000,
        b"{} {}",
        b"'a'",
    ],
    ids=lambda content: f"{len(content)} bytes: {content[:9]!r}",
)
async def test_what_is_no_json_is_unreadable_and_never_quoted(content: bytes) -> None:
    reply = await exchanged(lambda: respond(200, content))

    assert reply.status is not None
    assert (reply.body, reply.unreadable) == (None, "it is not JSON")


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b"[" + b"[]," * 50_000 + b"0]", b'[{"a":1}' + b',{"a":1}' * 25_000 + b"]"],
    ids=["levels", "empty arrays", "objects"],
)
async def test_more_values_than_anybody_reads_are_not_read(content: bytes) -> None:
    reply = await exchanged(lambda: respond(200, content))

    assert (reply.body, reply.unreadable) == (None, "it holds more than 50,000 values")
    assert VALUES_LIMIT == 50_000


async def test_as_many_values_as_may_be_read_are() -> None:
    reply = await exchanged(lambda: respond(200, b"[0" + b",0" * 49_999 + b"]"))

    assert (reply.body, reply.unreadable) == ([0] * 50_000, None)


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
    reply = await exchanged(lambda: respond(200, content))

    assert reply.status is not None
    assert (reply.body, reply.unreadable) == (body, None)


async def test_what_a_platform_answers_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="pullcord")
    await Gateway(answering(200, {"secret": "s"})).send(unabridged()[CURRENT], request(unabridged()[CURRENT]))

    assert [record for record in caplog.records if record.name.startswith("pullcord")] == []


@pytest.mark.parametrize("media", ["text/plain", "Text/Plain; charset=utf-8"])
@pytest.mark.parametrize(
    ("content", "body"),
    [(b"No such job \xff\n", "No such job \ufffd\n"), (b'{"a": 1}', '{"a": 1}'), (b" \r\n", None), (b"", None)],
)
async def test_a_plain_text_is_a_text(media: str, content: bytes, body: object) -> None:
    reply = await exchanged(lambda: respond(404, content, {"Content-Type": media}))

    assert (reply.body, reply.unreadable) == (body, None)


async def test_a_text_that_quotes_the_key_has_not_quoted_it() -> None:
    key = "evr_pat_0123456789"
    reply = await exchanged(lambda: respond(401, f"{key}?".encode(), {"Content-Type": "text/plain"}), key)

    assert reply.body == "[key]?"


async def test_a_platform_that_quotes_the_key_has_not_quoted_it() -> None:
    key = "evr_pat_0123456789"
    body = {"title": f"bad key {key}", key: [key, {"a": key}, 7, None]}
    reply = await exchanged(lambda: respond(401, body, {"X-Request-ID": f"r-{key}"}), "unheard-of", key)

    assert reply.headers["x-request-id"] == "r-[key]"
    assert reply.body == {"title": "bad key [key]", "[key]": ["[key]", {"a": "[key]"}, 7, None]}


async def test_a_key_too_short_to_be_secret_leaves_words_alone() -> None:
    reply = await exchanged(lambda: respond(200, {"state": "stated"}), "state")

    assert reply.body == {"state": "stated"}
