"""What went wrong, in RFC 9457's members, whatever the platform calls them."""

from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support import shipped

from pullcord.model.expression import Expression, Source
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream.problem import members, retry_after

EVERRUNS = shipped()["get_task"].platform
EVERSHELL = shipped()["get_workspace_task"].platform
XPANDER = shipped()["get_execution"].platform


PROBLEM = {"content-type": "application/problem+json; charset=utf-8"}


def test_rfc_9457_is_taken_as_it_is() -> None:
    body: dict[str, Json] = {
        "type": "https://docs.everruns.com/errors/rate_limited",
        "title": "Too Many Requests",
        "status": 200,
        "detail": "Slow down.",
        "code": "rate_limited",
        "instance": "/v1/x",
        "retry_after_seconds": 60,
        "secret": "no",
    }

    assert members(EVERRUNS, Reply(429, {**PROBLEM, "x-request-id": "r1"}, body, retry_after=60)) == {
        "type": "https://docs.everruns.com/errors/rate_limited",
        "title": "Too Many Requests",
        "detail": "Slow down.",
        "code": "rate_limited",
        "instance": "/v1/x",
        "request_id": "r1",
        "status": 429,
        "retry_after_seconds": 60,
    }


def test_another_envelope_is_read_where_the_manifest_says() -> None:
    body: Json = {"error": {"code": "agent_unreachable", "message": "No.", "request_id": "00000001"}, "title": "T"}

    assert members(EVERSHELL, Reply(502, {}, body)) == {
        "detail": "No.",
        "code": "agent_unreachable",
        "request_id": "00000001",
        "status": 502,
    }


@pytest.mark.parametrize("media", ["application/json", "text/plain", ""])
def test_what_the_manifest_does_not_name_counts_only_in_a_document_of_rfc_9457(media: str) -> None:
    """A proxy's page has a title, too."""
    body: Json = {"title": "Bad Gateway", "detail": "No.", "retry_after_seconds": 9}

    reply = Reply(503, {"content-type": media}, body)
    assert members(EVERRUNS, reply) == {"status": 503}
    assert retry_after(EVERRUNS, reply) is None


def test_a_member_may_stand_in_one_of_several_places() -> None:
    platform = EVERSHELL._replace(
        problem={"detail": (Expression(Source.BODY, "/error/message"), Expression(Source.HEADER, "x-error"))}
    )

    assert members(platform, Reply(400, {"x-error": "second"}, {"error": {"message": "first"}}))["detail"] == "first"
    assert members(platform, Reply(400, {"x-error": "second"}, {"error": "text"}))["detail"] == "second"
    assert members(platform, Reply(400, {}, {"error": "text"})) == {"status": 400}


def test_a_list_of_faults_is_one_line() -> None:
    faults: list[Json] = [{"loc": ["path", "id"], "msg": f"fault {n}"} for n in range(30)]
    detail = members(XPANDER, Reply(422, {}, {"detail": faults}))["detail"]

    assert isinstance(detail, str)
    assert detail.startswith("path.id: fault 0; path.id: fault 1; ")
    assert "fault 20" not in detail


@pytest.mark.parametrize(
    "body",
    [None, [], "x", 1, {"detail": []}, {"detail": [{}]}, {"detail": ["x"]}, {"title": " ", "detail": 1, "code": {}}],
)
def test_what_is_no_text_is_left_out(body: Json) -> None:
    assert members(XPANDER, Reply(400, {}, body)) == {"status": 400}


def test_what_can_not_be_read_is_said_in_our_words() -> None:
    assert members(EVERRUNS, Reply(500, {}, None, "it is not JSON")) == {
        "status": 500,
        "detail": "The answer can't be read: it is not JSON.",
    }


def test_texts_are_cleaned_and_cut() -> None:
    body: Json = {"title": "\x1b[2J\u202eevil\u200b\ud800 title", "detail": "x" * 9999}
    found = members(EVERRUNS, Reply(400, PROBLEM, body))

    assert found["title"] == "[2Jevil title"
    assert found["detail"] == "x" * 499 + "…"


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, None, 7),
        ({"retry-after": " 7 "}, None, 7),
        ({"retry-after": "0"}, None, 0),
        ({"retry-after": "7"}, {"retry_after_seconds": 9}, 9),
        ({}, {"retry_after_seconds": 0}, 0),
        ({}, {"retry_after_seconds": 1.2}, 2),
        ({"retry-after": "7"}, {"retry_after_seconds": True}, 7),
        ({"retry-after": "7"}, {"retry_after_seconds": -1}, 7),
        ({"retry-after": "7"}, {"retry_after_seconds": "9"}, 7),
        ({}, {"retry_after_seconds": float("inf")}, None),
        ({}, {"retry_after_seconds": 2**63}, None),
        ({}, None, None),
        ({"retry-after": "-7"}, None, None),
        ({"retry-after": "7.5"}, None, None),
        ({"retry-after": "\N{ARABIC-INDIC DIGIT SEVEN}"}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "Thu, 01 Oct 2026 12:01:00 GMT", "date": "Thu, 01 Oct 2026 12:00:30 GMT"}, None, 30),
        ({"retry-after": "Thu, 01 Oct 2026 12:01:00 GMT", "date": "Thu, 01 Oct 2026 12:02:00 GMT"}, None, 0),
        ({"retry-after": "Thu, 01 Oct 2026 12:01:00 GMT", "date": "yesterday"}, None, None),
        ({"retry-after": "Thu, 01 Oct 2026 12:01:00", "date": "Thu, 01 Oct 2026 12:02:00 GMT"}, None, None),
        ({"retry-after": "Thu, 01 Oct 2015 12:01:00 GMT"}, None, 0),
        ({"retry-after": "Thu, 01 Oct 2026 12:01:00 +99999999999999"}, None, None),
        (
            {"retry-after": "Thu, 01 Oct 9999 23:59:59 -2359", "date": "Thu, 01 Oct 2026 12:02:00 GMT"},
            None,
            251_603_668_619,
        ),
    ],
)
def test_a_wait_is_read_in_every_form(headers: Mapping[str, str], body: Json, seconds: int | None) -> None:
    assert retry_after(EVERRUNS, Reply(429, {**PROBLEM, **headers}, body)) == seconds


def test_a_date_far_off_is_counted_from_the_platforms_clock_or_ours() -> None:
    seconds = retry_after(EVERRUNS, Reply(503, {"retry-after": "Thu, 01 Oct 2999 12:00:00 GMT"}))

    assert seconds is not None
    assert seconds > 900 * 365 * 86_400


@given(
    value=st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d{1,3}:\d\d(:\d\d)? [+-]?\w{1,9}"),
    date=st.none() | st.text(max_size=40),
)
@example(value="Mon, 31 Feb 2026 12:00:00 GMT", date=None)
@example(value="Mon, 01 Jan 0001 00:00:00 +2359", date=None)
@example(value="0", date="")
def test_no_header_makes_it_fail(value: str, date: str | None) -> None:
    headers = {"retry-after": value, **({} if date is None else {"date": date})}

    assert (retry_after(EVERRUNS, Reply(429, headers)) or 0) >= 0
