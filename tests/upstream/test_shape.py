"""Only the platform speaks for the platform: what an answer must look like to be its word."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support import shipped
from tests.upstream.line import JSON

from pullcord.model.condition import Clause
from pullcord.model.expression import Expression, Source
from pullcord.model.operation import Operation, Response
from pullcord.model.outcome import Phase
from pullcord.model.reply import Reply
from pullcord.model.rule import Rule
from pullcord.model.state import State
from pullcord.model.value import Json
from pullcord.upstream.shape import is_in_shape, mistaken

PROBLEM = {"content-type": "application/problem+json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}
HTML = {"content-type": "text/html"}
PAGE = "<h1>upstream connect error</h1>"

RESPONSES = {
    "200": Response(media=("application/json; charset=utf-8",)),
    "202": Response(),
    "2XX": Response(media=("application/yard+json", "text/plain")),
    "401": Response(),
    "404": Response(media=("application/json", "text/plain")),
    "5XX": Response(media=("text/plain",)),
    "default": Response(media=("application/json",)),
}


def at(pointer: str) -> Expression:
    return Expression(Source.BODY, pointer)


PLATFORM = shipped()["cancel_task"].platform._replace(
    problem={
        "code": (at("/error/code"), at("/code")),
        "detail": (at("/message"),),
        "request_id": (Expression(Source.HEADER, "x-request-id"),),
    }
)
OPERATION = replace(shipped()["cancel_task"], platform=PLATFORM, responses=RESPONSES, state=None)


@pytest.mark.parametrize(
    ("status", "headers", "body", "own"),
    [
        (200, JSON, {}, True),
        (200, {"content-type": "Application/JSON; charset=utf-8"}, [1], True),
        (200, {"content-type": "application/vnd.yard.v2+json"}, {}, True),
        (200, {}, {}, False),
        (200, HTML, {}, False),
        (200, {"content-type": "application/jsonp"}, {}, False),
        (200, TEXT, PAGE, False),
        (200, JSON, None, False),
        (202, {}, None, True),
        (202, JSON, None, True),
        (202, JSON, {"error": {"code": "no"}}, False),
        (202, JSON, 0, False),
        (204, JSON, {}, True),
        (207, TEXT, "accepted", True),
        (204, {}, None, False),
    ],
)
def test_a_success_has_the_media_type_of_its_status_or_nothing_where_none_is_declared(
    status: int, headers: Mapping[str, str], body: Json, *, own: bool
) -> None:
    assert is_in_shape(OPERATION, Reply(status, headers, body)) is own


@pytest.mark.parametrize(("status", "body"), [(201, {}), (203, {}), (201, None), (204, None)])
def test_a_success_whose_status_is_not_declared_is_somebody_elses(status: int, body: Json) -> None:
    responses = {"200": RESPONSES["200"], "default": RESPONSES["default"], "4XX": RESPONSES["202"]}
    operation = replace(OPERATION, responses=responses)
    assert not is_in_shape(operation, Reply(status, JSON if body is not None else {}, body))


@pytest.mark.parametrize(
    ("status", "headers", "body", "own"),
    [
        (409, JSON, {"error": {"code": "ended"}}, True),
        (409, {"content-type": "application/yard+json"}, {"code": "ended"}, True),
        (409, JSON, {"message": "It has ended."}, True),
        (409, JSON, {"message": None}, False),
        (409, JSON, {"title": "It has ended."}, False),
        (409, JSON, {"detail": "Not Found"}, False),
        (409, JSON, {}, False),
        (409, JSON, ["code"], False),
        (409, {**JSON, "x-request-id": "r"}, {}, False),
        (409, {}, {"message": "It has ended."}, False),
        (409, HTML, {"message": "It has ended."}, False),
        (418, JSON, {"message": "Never declared."}, True),
        (302, JSON, {"message": "Look there."}, True),
        (409, PROBLEM, {"title": "It has ended."}, True),
        (409, PROBLEM, {"type": "about:blank"}, True),
        (409, PROBLEM, {"status": 409}, False),
        (404, TEXT, "No such job.", True),
        (409, TEXT, PAGE, False),
        (404, HTML, PAGE, False),
        (503, TEXT, "upstream connect error or disconnect/reset before headers", True),
        (401, {}, None, True),
        (401, HTML, None, True),
        (403, {}, None, False),
        (404, {}, None, False),
        (503, {}, None, False),
    ],
)
def test_an_error_tells_what_went_wrong_where_the_manifest_says_or_is_a_declared_text_or_nothing(
    status: int, headers: Mapping[str, str], body: Json, *, own: bool
) -> None:
    assert is_in_shape(OPERATION, Reply(status, headers, body)) is own


def test_an_error_without_a_body_may_also_be_of_a_declared_media_type() -> None:
    operation = replace(OPERATION, responses={"401": Response(media=("text/plain", "text/html"))})
    assert is_in_shape(operation, Reply(401, HTML))
    assert not is_in_shape(operation, Reply(401, JSON))
    assert not is_in_shape(operation, Reply(401))
    assert not is_in_shape(operation, Reply(401, HTML, PAGE))


def test_json_is_never_empty() -> None:
    assert not is_in_shape(OPERATION, Reply(404, JSON)), "nor is null a problem"
    assert is_in_shape(OPERATION, Reply(404, JSON, {"code": "gone"}))


def test_a_problem_is_never_a_success() -> None:
    assert is_in_shape(OPERATION, Reply(200, JSON, {"title": "No"}))
    assert not is_in_shape(OPERATION, Reply(200, PROBLEM, {"title": "No"}))


def test_what_is_declared_for_any_other_status_declares_no_empty_answer() -> None:
    operation = replace(OPERATION, responses={"default": Response()})
    assert not is_in_shape(operation, Reply(502))
    assert is_in_shape(replace(operation, responses={"5XX": Response()}), Reply(502))


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ({"message": "No.", "restate_code": None}, True),
        ({"message": "No.", "restate_code": "META0009"}, True),
        ({"message": "No."}, False),
        ({"message": None, "restate_code": None}, False),
        ({"restate_code": "META0009"}, False),
        ("message", False),
    ],
)
def test_where_each_error_of_the_platform_has_some_members_one_without_them_is_somebody_elses(
    body: Json, *, own: bool
) -> None:
    platform = PLATFORM._replace(problem_all=("/message", "/restate_code"))
    assert is_in_shape(replace(OPERATION, platform=platform), Reply(409, JSON, body)) is own
    assert is_in_shape(replace(OPERATION, platform=platform), Reply(401)), "what has no body has no members"


@pytest.mark.parametrize(
    "reply",
    [
        Reply.lost("it broke"),
        Reply.unsent("it is down"),
        Reply(200, JSON, None, "it is not JSON"),
        Reply(401, {}, None, "x"),
    ],
)
def test_no_answer_and_one_that_cannot_be_read_is_nobodys_word(reply: Reply) -> None:
    assert not is_in_shape(OPERATION, reply)


OTHER = "it is about other work than was asked for"
NAMELESS = "it doesn't name the work that was asked for"


@pytest.mark.parametrize(
    ("asked", "answered", "reason"),
    [
        ("task_1", "task_1", None),
        ("task_1", "TASK_1", None),
        ("17", 17, None),
        (18, "18", None),
        ("17", 17.0, None),
        ("1.5", 1.5, None),
        ("task_1", "task_2", OTHER),
        ("17", 18, OTHER),
        ("1", True, NAMELESS),
        ("None", None, NAMELESS),
        ("task_1", ["task_1"], NAMELESS),
        ("task_1", {"id": "task_1"}, NAMELESS),
    ],
)
def test_a_success_names_the_work_that_was_asked_about_as_a_text_or_a_number(
    asked: Json, answered: Json, reason: str | None
) -> None:
    operation = replace(OPERATION, answers=(("/id", "task_id"),))
    assert mistaken(operation, {"task_id": asked}, Reply(200, JSON, {"id": answered})) == reason


def test_a_success_that_does_not_name_its_work_is_not_about_it() -> None:
    operation = replace(OPERATION, answers=(("/id", "task_id"), ("/session_id", "session_id")))
    arguments: dict[str, Json] = {"task_id": "t", "session_id": "s"}
    assert mistaken(operation, arguments, Reply(200, JSON, {})) == NAMELESS
    assert mistaken(operation, arguments, Reply(200, JSON, {"id": "t"})) == NAMELESS
    assert mistaken(operation, arguments, Reply(200, JSON, {"id": "t", "session_id": "other"})) == OTHER
    assert mistaken(operation, arguments, Reply(200, JSON, [])) == NAMELESS
    assert mistaken(operation, arguments, Reply(202)) is None, "nothing names nothing"
    assert mistaken(operation, {}, Reply(200, JSON, {"id": "t"})) is None, "nothing was asked for"


def absent(operation: Operation) -> Operation:
    phases = (Rule(Phase.ABSENT, (Clause("/{task_id}/status", ("not_found",)),)), Rule(Phase.ENDED))
    return replace(operation, state=State("/status", phases))


def test_an_answer_that_says_that_there_is_no_such_work_need_not_name_it() -> None:
    operation = absent(replace(OPERATION, answers=(("/id", "task_id"),)))
    gone: Json = {"t": {"status": "not_found"}}
    assert mistaken(operation, {"task_id": "t"}, Reply(200, JSON, gone)) is None
    assert mistaken(operation, {"task_id": "u"}, Reply(200, JSON, gone)) == NAMELESS
