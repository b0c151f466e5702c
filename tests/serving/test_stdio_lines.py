"""Lines: which are messages, and what those get as an answer that are none."""

import json
from typing import Any

import anyio
import pytest
from mcp import types
from mcp.shared.message import SessionMessage

from pullcord.serving.stdio_lines import Answering, LineError, message, too_long

pytestmark = pytest.mark.anyio

PARSE, REQUEST = types.PARSE_ERROR, types.INVALID_REQUEST
HALF = b'"a": "\\ud83d"'
CALL = b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"a": 1}}'
WRONG: list[tuple[bytes, int, object]] = [
    (b"garbage", PARSE, None),
    (b"[" * 100_000, PARSE, None),
    (b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params"', PARSE, None),
    # What a more lenient reader can make something of: whoever asked waits for the answer with this id.
    (CALL.replace(b'"a": 1', HALF), PARSE, 7),
    (CALL.replace(b"7", b'"seven"').replace(b'"a": 1', HALF), PARSE, "seven"),
    (CALL.replace(b"7", b'"\\ud83d"'), PARSE, None),
    (CALL.replace(b"ping", b"\xff"), PARSE, 7),
    (b"\xef\xbb\xbf" + CALL, PARSE, 7),
    (CALL.decode().encode("utf-16"), PARSE, None),
    (b"[" + CALL + b"]", REQUEST, None),
    (b"[]", REQUEST, None),
    (b"{}", REQUEST, None),
    (b'"ping"', REQUEST, None),
    (CALL.replace(b"2.0", b"1.0"), REQUEST, 7),
    (CALL.replace(b'{"a": 1}', b"[1]"), REQUEST, 7),
    (CALL.replace(b'"ping"', b'{"method": "ping", "id": 5}'), REQUEST, 7),
    # An answer to a question of ours: as an id of theirs its number would mean something else.
    (b'{"jsonrpc": "2.0", "id": 7, "result": 1}', REQUEST, None),
]
NO_IDS = [b"null", b"1.5", b"true", b"{}", b"[7]"]


@pytest.mark.parametrize(
    ("line", "code", "number"), [*WRONG, *((CALL.replace(b"7", each), REQUEST, None) for each in NO_IDS)]
)
def test_a_line_that_is_no_message_is_told_what_is_wrong_with_it(line: bytes, code: int, number: object) -> None:
    with pytest.raises(LineError, match="Nothing was done") as caught:
        message(line)
    answer = caught.value.answer
    assert (answer.error.code, answer.id) == (code, number)
    assert json.loads(answer.model_dump_json(by_alias=True, exclude_unset=True))["id"] == number


@pytest.mark.parametrize(
    "line", [CALL, CALL + b"\r\n", b'{"jsonrpc": "2.0", "method": "x"}', b'{"jsonrpc": "2.0", "id": 7, "result": {}}']
)
def test_a_line_that_is_one_is_read(line: bytes) -> None:
    read = message(line).message
    assert json.loads(read.model_dump_json(by_alias=True, exclude_unset=True)) == json.loads(line)


def as_the_sdk_reads(line: bytes) -> SessionMessage | Exception:
    """What the SDK's own reader makes of a line."""
    try:
        text = line.decode("utf-8", errors="replace")
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(text, by_name=False))
    except ValueError as error:
        return error


async def answered(*items: SessionMessage | Exception, gone: bool = False) -> tuple[list[SessionMessage], list[Any]]:
    """What passes, and what is written meanwhile."""
    send, read = anyio.create_memory_object_stream[SessionMessage | Exception](100)
    write, sent = anyio.create_memory_object_stream[SessionMessage](100)
    if gone:
        await write.aclose()
    async with send:
        for item in items:
            await send.send(item)
    async with Answering(read, write) as answering:
        passed = [item async for item in answering]
    await write.aclose()
    async with sent:
        return passed, [item.message async for item in sent]


@pytest.mark.parametrize(("line", "code", "number"), WRONG)
async def test_the_sdks_own_reader_leads_to_the_same_answers(line: bytes, code: int, number: object) -> None:
    item = as_the_sdk_reads(line)
    if isinstance(item, SessionMessage):
        assert b"\xff" in line  # it replaces such bytes, and reads on
        return
    passed, (answer,) = await answered(item)
    assert passed == []
    assert (answer.error.code, answer.id) == (code, number)


async def test_messages_pass_and_each_other_line_is_answered_and_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = message(CALL)
    passed, sent = await answered(good, as_the_sdk_reads(b"secret"), as_the_sdk_reads(b" \r\n"), too_long(), good)
    assert passed == [good, good]
    assert [answer.error.code for answer in sent] == [PARSE, REQUEST]
    assert len(caplog.messages) == 2
    assert all(told.startswith("a line was answered with an error: The line is") for told in caplog.messages)
    assert "secret" not in caplog.text


async def test_an_error_of_another_kind_is_answered_too() -> None:
    _, (answer,) = await answered(RuntimeError("x"))
    assert (answer.error.code, answer.id) == (REQUEST, None)


async def test_where_nobody_reads_answers_reading_goes_on() -> None:
    passed, sent = await answered(too_long(), message(CALL), gone=True)
    assert (len(passed), sent) == (1, [])
