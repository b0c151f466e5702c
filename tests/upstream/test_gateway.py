"""What is sent again and what never, and how long it may take."""

import sys
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from tests.support import respond, shipped
from tests.upstream.line import ALL, CURRENT, GET, LOST, NOT_SENT, TASK, Line, Step, html, late, request

from pullcord.flow.verdict import judge
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.upstream.gateway import Gateway, Limits

pytestmark = pytest.mark.anyio

PROBLEM = {"Content-Type": "application/problem+json"}


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
    line = Line(httpx2.ConnectError("x"), httpx2.ConnectError("x"), 200)

    assert await line.send(name) == Reply(200, {}, {})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_short_wait_that_is_named_is_waited_out_twice(name: str, status: int) -> None:
    line = Line(late(status, "5"), late(status, "0"), 200)
    answer = await line.send(name)

    assert answer.status is not None
    assert (answer.status, line.slept) == (200, [5, 0])

    line = Line(late(status, "1"))
    answer = await line.send(name)
    assert answer.status is not None
    assert (answer.status, len(line.seen), line.slept) == (status, 3, [1, 1])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "answer",
    [late(429, "6"), late(503, "3600"), 429, 503, late(503, "soon")],
    ids=["6 s", "an hour", "429 unnamed", "503 unnamed", "no number"],
)
async def test_a_long_wait_or_none_that_is_named_is_left_to_the_caller(name: str, answer: Step) -> None:
    line = Line(answer)
    await line.send(name)

    assert (len(line.seen), line.slept) == (1, [])


async def test_a_wait_that_the_body_names_counts_too() -> None:
    line = Line(lambda: respond(429, {"retry_after_seconds": 1.2}, PROBLEM), 200)

    await line.send(CURRENT)

    assert line.slept == [2], "never before its time"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 502, 504, 301, 302, 307, 308, 204, 418])
@pytest.mark.parametrize("name", ALL)
async def test_every_other_answer_is_final(name: str, status: int) -> None:
    line = Line(late(status, "1"))
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


@pytest.mark.parametrize("lost", [*LOST, html(200), html(500)], ids=[*map(repr, LOST), "200", "500"])
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
        [httpx2.ConnectError("x"), 503, 429, late(429, "60"), 401, 404, 409, 422, 500],
        ids=["connect", "503", "429", "429 in 60 s", "401", "404", "409", "422", "500"],
    )
    async def test_stays_lost_whatever_a_later_failure_says(self, lost: Step, later: Step) -> None:
        line = Line(lost, later)
        answer = await line.send(TASK)

        assert judge(shipped()[TASK], answer).outcome is Outcome.UNKNOWN, "the first one may have stopped it"

    async def test_of_a_look_gives_way_to_what_a_later_look_says(self, lost: Step) -> None:
        assert judge(shipped()[GET], await Line(lost, 404).send(GET)).outcome is Outcome.NOT_FOUND


async def test_repeats_are_counted_together() -> None:
    line = Line(httpx2.ConnectError("x"), late(503, "1"), httpx2.ReadError("x"), 200)
    answer = await line.send(TASK)

    assert (len(line.seen), answer.failure is not None) == (3, True)


async def test_an_unreadable_refusal_still_refuses() -> None:
    for status, outcome in [(401, Outcome.DENIED), (404, Outcome.NOT_FOUND), (503, Outcome.UNKNOWN)]:
        line = Line(html(status))
        assert judge(shipped()[TASK], await line.send(TASK)).outcome is outcome
        assert len(line.seen) == 1

    line = Line(html(503, {"Retry-After": "2"}), 200)
    assert judge(shipped()[CURRENT], await line.send(CURRENT)).outcome is Outcome.UNKNOWN
    assert line.slept == [2]


async def test_a_platform_that_never_answers_is_given_up_in_time() -> None:
    async def silent(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    for name in ALL:
        gateway = Gateway(httpx2.MockTransport(silent), limits=Limits(total=0.05))
        with anyio.fail_after(5):
            answer = await gateway.send(shipped()[name], request(shipped()[name]))
        assert answer == Reply.lost("no answer came in time")


async def test_a_body_that_never_ends_is_given_up_in_time() -> None:
    async def drips() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await anyio.sleep(0.001)

    gateway = Gateway(httpx2.MockTransport(lambda _: httpx2.Response(200, content=drips())), limits=Limits(total=0.05))
    with anyio.fail_after(5):
        answer = await gateway.send(shipped()[CURRENT], request(shipped()[CURRENT]))

    assert answer == Reply.lost("no answer came in time")


async def test_repeats_stay_within_the_whole_time() -> None:
    line = Line(late(503, "5"), total=8)
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
            learnt.append(await gateway.send(shipped()[name], request(shipped()[name])))

    with anyio.fail_after(5):
        async with Gateway(httpx2.MockTransport(slow)) as gateway, anyio.create_task_group() as tasks:
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
        raise httpx2.ConnectError("x")

    with anyio.fail_after(5), scope:
        await Gateway(httpx2.MockTransport(refused)).send(shipped()[TASK], request(shipped()[TASK]))

    assert (len(seen), scope.cancelled_caught) == (1, True)


async def test_where_pullcords_own_files_went_while_it_ran_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pullcord.upstream.exchange", None)
    async with Line().gateway as gateway:
        answer = await gateway.send(shipped()[TASK], request(shipped()[TASK]))

    assert answer == Reply.unsent("pullcord's own files went while it ran; it must be started again")


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
