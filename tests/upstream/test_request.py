"""Arguments to a request, and an address back to arguments: a call goes where it was meant, or nowhere."""

import json
import posixpath
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import h11
import httpcore2
import httpx2
import hypothesis
import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.depot import depot, fitting
from tests.support import shipped
from tests.yard import yard

from pullcord import __version__
from pullcord.config.settings import Settings
from pullcord.model import arguments
from pullcord.model.operation import Key, Operation, Place
from pullcord.model.value import Arguments, Json
from pullcord.upstream import request

DEPOT = depot()
TASK: Arguments = {"id": "t1", "hardness": "soft"}
ARGUMENTS: dict[str, Arguments] = {"list_yard_jobs": {}, "cancel_task": {"session_id": "s1", "task_id": "t1"}}
YARD = yard()
OPERATIONS = {**shipped(), **DEPOT, **YARD}
BASE = "https://depot.example/api"
SETTINGS = Settings(BASE, SecretStr("the-key"), "DEPOT_KEY", {}, ())
FIXED = "kinds=a&kinds=b%20c&fields=id,state&terminate=true"
SESSION = "session_" + "0" * 31 + "7"


def built(name: str, given: Arguments, settings: Settings = SETTINGS) -> request.Request:
    operation = OPERATIONS[name]
    scheme = next(iter(operation.platform.keys), None)
    return request.build(operation, given, replace(settings, scheme=scheme), "a-request-id")


# Requests


def test_a_request_carries_the_method_the_address_and_the_key() -> None:
    sent = built("cancel_run", {"run_id": "r1"})
    assert (sent.method, sent.url) == ("POST", f"{BASE}/runs/r1/cancel")
    assert sent.headers["Host"] == "depot.example"
    assert sent.headers["Authorization"] == "Bearer the-key"
    assert sent.secrets == ("the-key",)
    assert sent.headers["Accept"] == "*/*"
    assert sent.content == b""
    assert sent.headers["Accept-Encoding"] == "identity"
    assert sent.headers["User-Agent"] == f"pullcord/{__version__}"
    assert sent.headers["Content-Length"] == "0"


def test_a_request_shares_a_connection_where_its_answer_names_the_work_and_it_may_be_repeated() -> None:
    aimed, current = OPERATIONS["cancel_task"], OPERATIONS["cancel_turn"]
    given = {"session_id": "s1", "task_id": "t1"}
    naming = replace(current, answers=(("/id", "session_id"),))

    def sent(operation: Operation) -> request.Request:
        return request.build(operation, given, SETTINGS, "a-request-id")

    assert sent(aimed).kept
    assert not sent(replace(aimed, answers=())).kept
    assert not sent(current).kept
    assert not sent(naming).kept
    assert sent(naming).arguments == given


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("cancel_yard_task", "application/yard+json, text/plain"),
        ("get_yard_task", "application/json"),
        ("list_yard_jobs", "*/*"),
        ("cancel_task", "application/json"),
    ],
)
def test_exactly_the_media_types_of_successes_are_accepted(name: str, accepted: str) -> None:
    assert built(name, ARGUMENTS.get(name, TASK)).headers["Accept"] == accepted


def test_a_question_says_nothing_of_content() -> None:
    assert "Content-Length" not in built("get_run", {"run_id": "r1"}).headers


@pytest.mark.parametrize("host", ["depot.example:8443", "[::1]:8443", "[::1]", "127.0.0.1:1"])
def test_the_host_is_named_as_in_the_base_url(host: str) -> None:
    sent = built("get_run", {"run_id": "r1"}, Settings(f"https://{host}/api", None, "DEPOT_KEY", {}, ()))
    assert sent.headers["Host"] == host


def test_a_key_goes_in_the_header_that_the_manifest_names() -> None:
    sent = built("get_execution", {"task_id": "7"})
    assert sent.headers["x-api-key"] == "the-key"
    assert "Authorization" not in sent.headers


def test_a_user_and_a_password_are_sent_as_basic_authentication_says() -> None:
    scheme = Key("DEPOT_LOGIN", "Authorization", "Basic ", "A login.", basic=True)
    settings = Settings(BASE, SecretStr("Aladdin:open sesame é"), "DEPOT_LOGIN", {}, (), scheme)
    sent = request.build(OPERATIONS["get_run"], {"run_id": "r1"}, settings, "a-request-id")
    assert sent.headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZSDDqQ=="
    assert sent.secrets == ("QWxhZGRpbjpvcGVuIHNlc2FtZSDDqQ==", "Aladdin:open sesame é", "open sesame é")


def test_without_a_key_none_is_sent() -> None:
    sent = built("get_run", {"run_id": "r1"}, Settings(BASE, None, "DEPOT_KEY", {}, ()))
    assert "Authorization" not in sent.headers


def test_a_header_is_filled_by_a_setting_or_by_an_argument() -> None:
    settings = Settings(BASE, SecretStr("k"), "DEPOT_KEY", {"DEPOT_YARD": "y7"}, ())
    sent = built("cancel_run", {"run_id": "r1", "reason": "It is stuck: 100%, naïve\r\nX-Yard: y9"}, settings)
    assert sent.headers["X-Yard"] == "y7"
    assert sent.headers["X-Reason"] == "It is stuck: 100%25, na%C3%AFve%0D%0AX-Yard: y9"
    assert built("cancel_run", {"run_id": "r1", "reason": "  a b "}).headers["X-Reason"] == "%20%20a b%20"
    assert not {"X-Yard", "X-Reason"} & built("cancel_run", {"run_id": "r1"}).headers.keys()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_reason_fits_its_header_and_is_read_back(reason: str) -> None:
    sent = built("cancel_run", {"run_id": "r1", "reason": reason})
    assert unquote(sent.headers["X-Reason"]) == reason
    assert re.fullmatch(r"(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?", sent.headers["X-Reason"])
    h11.Request(method="POST", target="/", headers=list(sent.headers.items()))


def test_what_pullcord_itself_heeds_is_not_sent() -> None:
    sent = built("halt_line", {"line": "l1", "wait_seconds": 3, "expect_run_id": "r1", "reason": "x"})
    assert sent.url == f"{BASE}/lines/l1/halt"
    assert "x" not in sent.headers.values()


def test_a_constant_is_always_sent() -> None:
    assert built("cancel_yard_task", TASK).headers["Yard-Version"] == "1.0"
    assert built("list_yard_runs", {}).url == f"{BASE}/runs?kinds=a&kinds=b%20c&fields=id,state&terminate=true"


def test_a_header_carries_an_argument_of_any_type() -> None:
    given = {"number": 7, "late": False}
    assert built("yard/runs/get", given).headers["X-Depth"] == "2"
    sent = built("yard/runs/get", {**given, "X-Depth": 3, "asker": "é"})
    assert (sent.headers["X-Depth"], sent.headers["X-Asker"]) == ("3", "%C3%A9")


def body(name: str, given: Arguments) -> Json:
    sent = built(name, given)
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Content-Length"] == str(len(sent.content))
    found: Json = json.loads(sent.content)
    return found


def test_a_body_holds_its_constants_and_what_was_given() -> None:
    constant = {"state": {"type": "CANCELLING", "kind": "soft"}, "force": False, "note": None, "tags": ["a", {"b": 1}]}
    assert body("cancel_yard_task", TASK) == constant
    given: Arguments = {**TASK, "seconds": 0, "reason": "It's “stuck”"}
    assert body("cancel_yard_task", given) == {**constant, "grace": {"seconds": 0}, "reason": "It's “stuck”"}


def test_a_body_without_members_is_an_empty_object() -> None:
    assert body("list_yard_jobs", {}) == {}


def test_a_text_is_sent_with_the_arguments_in_their_places() -> None:
    given: Arguments = {"id": "job_1", "n": 5, "fields": "*"}
    assert body("get_yard_job", given) == {"query": "select * from jobs where id = 'job_1' and { not } n > 5"}


@pytest.mark.parametrize("value", ["job_1' or '1'='1", "job_'", 'job_"', "job_\\", "{n}"])
def test_no_argument_leaves_its_place_in_a_text(value: str) -> None:
    (fault,) = arguments.checker(OPERATIONS["get_yard_job"])({"id": value, "n": 5, "fields": "*"})
    assert fault.startswith("id must match ^job_")


@pytest.mark.parametrize(
    ("name", "given", "address"),
    [
        ("cancel_yard_task", {"id": "t1", "hardness": "soft"}, "/tasks/t1:cancel"),
        ("yard/runs/get", {"number": 7, "late": True}, "/runs/7/at/true/"),
        ("get_yard_job", {"id": "job_1", "n": 5, "fields": "*"}, "/query"),
        (
            "list_yard_runs",
            {"after": "a&b", "statuses": ["up", "down"], "numbers": [1, 2]},
            f"/runs?page%5Bafter%5D=a%26b&statuses%5B%5D=up&statuses%5B%5D=down&numbers=1,2&{FIXED}",
        ),
        ("list_runs", {}, "/runs?page=1&per=10"),
        ("list_runs", {"page": 3, "per": 5}, "/runs?page=3&per=5"),
        ("list_runs", {"late": True}, "/runs?late=true&page=1&per=10"),
        ("list_runs", {"late": False, "kind": "day"}, "/runs?kind=day&late=false&page=1&per=10"),
        ("list_runs", {"line": "a&b=c+d e/é?#"}, "/runs?line=a%26b%3Dc%2Bd%20e%2F%C3%A9%3F%23&page=1&per=10"),
        ("get_run", {"run_id": "a b/c?d#e%2f"}, "/runs/a%20b%2Fc%3Fd%23e%252f"),
        ("get_run", {"run_id": "{run_id}"}, "/runs/%7Brun_id%7D"),
        ("list_workspaces", {"offset": 20}, "/v1/workspaces"),
    ],
)
def test_an_address_is_written(name: str, given: dict[str, Json], address: str) -> None:
    assert request.url(OPERATIONS[name], given, BASE) == BASE + address
    assert built(name, given).url == BASE + address


# Paths


def readings(path: str) -> set[str]:
    """How servers, and what stands before them, may read a path: decoded, cut, folded, normalised, in any order."""
    steps: list[Callable[[str], str]] = [
        unquote,
        posixpath.normpath,
        lambda text: text.replace("\\", "/"),
        lambda text: re.split(r"[?#\x00\r\n]", text)[0],
        lambda text: re.sub(r";[^/]*", "", text),
        lambda text: unicodedata.normalize("NFKC", text),
        lambda text: re.sub(r"/{2,}", "/", text),
        lambda text: re.sub(r"\s+(?=/|$)", "", text),
        lambda text: text.rstrip("/"),
    ]
    found, new = {path}, {path}
    while new and len(found) < 400:
        new = {step(text) for text in new for step in steps} - found
        found |= new
    return found


def readers(operations: dict[str, Operation], name: str, given: Arguments) -> set[str]:
    """The operations of other paths that a call's path may be read as."""
    own = operations[name]
    path = urlsplit(request.url(own, given, BASE)).path.removeprefix("/api")
    read = readings(path)
    return {
        other.id
        for other in operations.values()
        if other.path != own.path and any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other.path), each) for each in read)
    }


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("get_run", "", "list_runs"),
        ("get_run", ".", "list_runs"),
        ("get_run", "%2e", "list_runs"),
        ("get_run", "/", "list_runs"),
        ("get_run", "?all", "list_runs"),
        ("get_run", "#all", "list_runs"),
        ("get_run", ";all", "list_runs"),
        ("get_run", " ", "list_runs"),
        ("get_run", "\x00", "list_runs"),
        ("get_run", "\n", "list_runs"),
        ("get_run", "\uff0f", "list_runs"),
        ("get_run", "r1/cancel", "cancel_run"),
        ("get_run", "r1%2Fcancel", "cancel_run"),
        ("get_run", "r1%252Fcancel", "cancel_run"),
        ("get_run", "r1\\cancel", "cancel_run"),
        ("get_run", "r1\uff0fcancel", "cancel_run"),
        ("cancel_run", "../lines/l1/halt?", "halt_line"),
        ("cancel_run", "../lines/l1/halt#", "halt_line"),
        ("cancel_run", "../lines/l1/halt\x00", "halt_line"),
        ("cancel_run", "../lines/l1/halt\r\n", "halt_line"),
        ("cancel_run", "..%2Flines%2Fl1%2Fhalt%3F", "halt_line"),
        ("cancel_run", "%2e%2e%2flines%2fl1%2fhalt%23", "halt_line"),
        ("cancel_run", "..;/lines/l1/halt?", "halt_line"),
        ("cancel_run", "..\\lines\\l1\\halt?", "halt_line"),
        ("cancel_run", "\uff0e\uff0e\uff0flines\uff0fl1\uff0fhalt\uff1f", "halt_line"),
        ("cancel_run", "\u2025/lines/l1/halt?", "halt_line"),
        ("cancel_run", "\uff052e./lines/l1/halt?", "halt_line"),
        ("halt_line", "../runs/r1/cancel?", "cancel_run"),
        ("halt_line", "/../../runs/r1/cancel?", "cancel_run"),
    ],
)
def test_without_the_guard_each_of_these_ids_reaches_another_operation(name: str, value: str, other: str) -> None:
    """Though it is percent-encoded as one segment; with the guard nothing is sent."""
    argument = DEPOT[name].arguments[0].name
    assert other in readers(DEPOT, name, {argument: value})
    assert not arguments.segment(value)
    assert arguments.checker(DEPOT[name])({argument: value}) != []


def test_without_the_guard_two_dots_turn_the_cancel_of_a_session_into_another_address() -> None:
    address = request.url(OPERATIONS["cancel_turn"], {"session_id": ".."}, BASE)
    assert "/v1/cancel" in readings(urlsplit(address).path.removeprefix("/api"))
    assert str(httpx2.Request("POST", address).url) == f"{BASE}/v1/cancel", "an HTTP client takes the step already"
    assert arguments.checker(OPERATIONS["cancel_turn"])({"session_id": ".."}) != []


ODD = st.text("./\\%2eEfF5c;:?#\x00\r\n ~\u2025\uff0e\uff0f\uff05a1{}", max_size=12)
WORDS = ".. . / %2f %252F %2e \\ ; ? # \x00 \uff0f \uff0e runs lines cancel r1 halt v1 tasks sessions stop task"
PIECES = st.lists(st.sampled_from([*WORDS.split(" "), " "]), max_size=8).map("".join)


@st.composite
def calls(draw: st.DrawFn, operations: dict[str, Operation]) -> tuple[str, dict[str, Any]]:
    operation = draw(st.sampled_from(list(operations.values())))
    given: dict[str, Any] = {}
    for each in operation.arguments:
        if each.place is Place.PATH:
            given[each.name] = draw(ODD | PIECES | st.text() | fitting(each.schema))
        elif draw(st.booleans()):
            given[each.name] = draw(fitting(each.schema))
    return operation.id, given


@given(calls(DEPOT))
@example(("get_run", {"run_id": "cancel"}))
@example(("get_run", {"run_id": "..."}))
@example(("cancel_run", {"run_id": "runs"}))
def test_no_id_of_any_form_is_read_as_another_operation(call: tuple[str, dict[str, Any]]) -> None:
    """Of a platform whose ids have no pattern, only the guard."""
    name, given = call
    assume(not arguments.checker(DEPOT[name])(given))
    assert readers(DEPOT, name, given) == set()


@given(st.sampled_from(["everruns", "evershell", "xpander"]).flatmap(
    lambda platform: calls({name: each for name, each in shipped().items() if each.platform.name == platform})
))  # fmt: skip
def test_no_id_is_read_as_another_operation_of_its_platform(call: tuple[str, dict[str, Any]]) -> None:
    name, given = call
    operations = {key: each for key, each in shipped().items() if each.platform is shipped()[name].platform}
    assume(not arguments.checker(operations[name])(given))
    assert readers(operations, name, given) == set()


@pytest.mark.parametrize("value", ["t1:cancel", "t1%3Acancel", "t1%253acancel", "t1\uff1acancel"])
def test_an_id_that_ends_in_another_paths_word_reaches_that_only_without_the_guard(value: str) -> None:
    assert "cancel_yard_task" in readers(YARD, "get_yard_task", {"id": value})
    assert arguments.checker(YARD["get_yard_task"])({"id": value}) != []


# Most odd texts are no segments, and by chance nearly all of a run's may be.
@hypothesis.settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.text() | ODD | PIECES)
def test_a_segment_is_read_as_itself_however_often(value: str) -> None:
    assume(arguments.segment(value))
    assume(not any("\ud800" <= char <= "\udfff" for char in value))
    sent = request.url(DEPOT["get_run"], {"run_id": value}, BASE)
    assert bytes(httpcore2.URL(sent)).decode() == sent
    (read,) = {unicodedata.normalize("NFKC", each) for each in readings(urlsplit(sent).path) if "%" not in each}
    assert read == f"/api/runs/{unicodedata.normalize('NFKC', value)}"


# Addresses back to arguments


@given(st.data())
def test_an_address_leads_back_to_the_arguments_that_wrote_it(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from([each for each in OPERATIONS.values() if each.media is None]))
    on_the_wire = [each for each in operation.arguments if each.place in {Place.PATH, Place.QUERY}]
    given = {
        each.name: data.draw(fitting(each.schema)) for each in on_the_wire if each.required or data.draw(st.booleans())
    }
    assume(not arguments.checker(operation)(given))
    defaults = {each.name: each.schema["default"] for each in on_the_wire if "default" in each.schema}
    address = request.url(operation, given, BASE)
    assert request.match(operation, operation.method, address, BASE) == defaults | given
    for other in OPERATIONS.values():
        if other.platform is operation.platform and other is not operation:
            assert request.match(other, operation.method, address, BASE) is None


@pytest.mark.parametrize(
    ("name", "method", "address", "given"),
    [
        ("get_run", "GET", f"{BASE}/runs/r1", {"run_id": "r1"}),
        ("get_run", "GET", f"{BASE}/runs/a%20b", {"run_id": "a b"}),
        ("get_run", "GET", f"{BASE}/runs/..", {"run_id": ".."}),  # the check of arguments refuses it
        ("get_run", "GET", f"{BASE}/runs/a%2Fb", {"run_id": "a/b"}),  # so does it this
        ("get_run", "POST", f"{BASE}/runs/r1", None),
        ("get_run", "GET", f"{BASE}/runs/r1/", None),
        ("get_run", "GET", f"{BASE}/runs/r1/cancel", None),
        ("get_run", "GET", f"{BASE}/runs/", None),
        ("get_run", "GET", f"{BASE}/runs/r1?x=1", None),
        ("get_run", "GET", f"{BASE}/runs/r1#x", None),
        ("get_run", "GET", f"{BASE}x/runs/r1", None),
        ("get_run", "GET", "https://depot.example/runs/r1", None),
        ("get_run", "GET", "https://other.example/api/runs/r1", None),
        ("get_run", "GET", "/runs/r1", None),
        ("list_runs", "GET", f"{BASE}/runs", {}),
        ("list_runs", "GET", f"{BASE}/runs?", {}),
        ("list_runs", "GET", f"{BASE}/runs?page=2&late=true", {"page": 2, "late": True}),
        ("list_runs", "GET", f"{BASE}/runs?late=false&line=", {"late": False, "line": ""}),
        ("list_runs", "GET", f"{BASE}/runs?line=a+b%26", {"line": "a b&"}),
        ("list_runs", "GET", f"{BASE}/runs?page=two&late=maybe", {"page": "two", "late": "maybe"}),
        ("list_runs", "GET", f"{BASE}/runs?page=" + "9" * 5000, {"page": "9" * 5000}),
        ("list_runs", "GET", f"{BASE}/runs?page=-2", {"page": -2}),
        ("list_runs", "GET", f"{BASE}/runs?page=1&page=2", None),
        ("list_runs", "GET", f"{BASE}/runs?unknown=1", None),
        ("get_yard_task", "GET", f"{BASE}/tasks/t1", {"id": "t1"}),
        ("get_yard_task", "GET", f"{BASE}/tasks/t1:cancel", {"id": "t1:cancel"}),  # the check refuses it
        ("cancel_yard_task", "POST", f"{BASE}/tasks/t1:cancel", None),  # nothing is known of its content
        ("list_yard_jobs", "POST", f"{BASE}/query", None),
        ("yard/runs/get", "GET", f"{BASE}/runs/7/at/false/", {"number": 7, "late": False}),
        ("yard/runs/get", "GET", f"{BASE}/runs/7/at/false", None),
        ("yard/runs/get", "GET", f"{BASE}/runs/x/at/noon/", {"number": "x", "late": "noon"}),
        ("list_yard_runs", "GET", f"{BASE}/runs?{FIXED}", {}),
        ("list_yard_runs", "GET", f"{BASE}/runs?{FIXED}&statuses[]=up&statuses%5B%5D=x", {"statuses": ["up", "x"]}),
        (
            "list_yard_runs",
            "GET",
            f"{BASE}/runs?{FIXED}&numbers=1,2%2C,x&page[after]=a",
            {"after": "a", "numbers": [1, "2,", "x"]},
        ),
        ("list_yard_runs", "GET", f"{BASE}/runs?{FIXED}&page[after]=a&page[after]=b", None),
        ("list_yard_runs", "GET", f"{BASE}/runs", None),
        ("list_yard_runs", "GET", f"{BASE}/runs?{FIXED}".replace("true", "false"), None),
        ("list_yard_runs", "GET", f"{BASE}/runs?{FIXED}&kinds=d", None),
        ("list_yard_runs", "GET", f"{BASE}/runs?{FIXED}&&", {}),
    ],
)
def test_an_address_is_a_call_of_an_operation_or_it_is_not(
    name: str, method: str, address: str, given: dict[str, Json] | None
) -> None:
    assert request.match({**DEPOT, **YARD}[name], method, address, BASE) == given


# Addresses that a platform gave


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("https://depot.example/api/runs/r1", "https://depot.example/api/runs/r1"),
        ("https://depot.example/other?x=1", "https://depot.example/other?x=1"),
        ("/api/runs/r1", "https://depot.example/api/runs/r1"),
        ("/runs/r1?x=1", "https://depot.example/runs/r1?x=1"),
        ("runs/r1", "https://depot.example/api/runs/r1"),
        ("//depot.example/x", "https://depot.example/x"),
        ("?page=2", "https://depot.example/api/?page=2"),
        ("//evil.example/x", None),
        ("///evil.example/x", "https://depot.example/evil.example/x"),
        ("http://depot.example/x", None),
        ("https://evil.example/x", None),
        ("https://depot.example.evil.example/x", None),
        ("https://evil.example\\@depot.example/x", None),
        ("https://depot.example@evil.example/x", None),
        ("https://user@depot.example/x", None),
        ("https://user:pw@depot.example/x", None),
        ("https://@depot.example/x", None),
        ("https://depot.example:8443/x", None),
        ("https://depot.example:443/x", None),
        ("https://depot.example:port/x", None),
        ("https://depot.example:99999/x", None),
        ("https://[::1/x", None),
        ("https://depot.example\\.evil.example/x", None),
        ("https://depot\uff0eexample/x", None),
        ("https://depot\u3002example/x", None),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@depot.example", None),
        ("ftp://depot.example/x", None),
        ("wss://depot.example/x", None),
        ("\thttps://depot.example/x", None),
        ("https://depot.example/\tx", None),
        ("ht\ntps://depot.example/x", None),
        ("/x\r\ny", None),
        ("/a b", None),
        (" /x", None),
        ("/\x00", None),
        ("/é", None),
        ("/\u202e", None),
    ],
)
def test_a_platforms_address_stays_with_the_platform_or_is_dropped(href: str, address: str | None) -> None:
    assert request.absolute(href, BASE) == address


PARTS = (
    "https: http: HTTPS: javascript: // / \\ @ : ? # .. . [ ] ; %2f %40 \t \n \uff0f \u3002 depot.example evil 443 user"
)
HREFS = st.lists(st.sampled_from([*PARTS.split(" "), " "]) | st.text(max_size=2), max_size=7).map("".join)


@given(HREFS | st.text())
@pytest.mark.parametrize("base", [BASE, "https://depot.example", "http://127.0.0.1:8080"])
def test_no_address_leaves_the_platforms_origin(base: str, href: str) -> None:
    """As this reads it: text that starts with the origin and goes on with a path, a query or a fragment."""
    address = request.absolute(href, base)
    if address is not None:
        scheme, _, host = "/".join(base.split("/")[:3]).partition("://")
        assert re.match(rf"{scheme}://{re.escape(host)}:?(?=[/?#]|$)", address, re.IGNORECASE), address
        assert address.isascii()
        assert address.isprintable()
        parsed = httpx2.URL(address)
        assert (parsed.scheme, parsed.host, parsed.port) == (scheme, *_host(host))


def _host(host: str) -> tuple[str, int | None]:
    name, _, port = host.partition(":")
    return name, int(port) if port else None


@pytest.mark.parametrize("href", ["HTTPS://Depot.Example/api/runs", "https://depot.example:/api/runs", "/api/runs"])
def test_an_address_of_the_platform_is_spelled_as_its_base_url_is(href: str) -> None:
    assert request.absolute(href, "https://depot.example/api") == "https://depot.example/api/runs"
