"""What is sent again and what never, and how long it may take."""

import sys
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from opentelemetry import baggage, context
from tests.support import respond
from tests.transport import Over, mock
from tests.upstream.line import (
    ALL,
    ANSWERED,
    BROKEN,
    CURRENT,
    GET,
    NAMED,
    REFUSED,
    TASK,
    Line,
    Step,
    html,
    late,
    request,
    unabridged,
)

from pullcord.flow.verdict import judge
from pullcord.model.outcome import Outcome
from pullcord.model.reply import Reply
from pullcord.upstream.gateway import Gateway, Limits

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ALL)
async def test_a_failure_to_connect_is_tried_twice_more(name: str) -> None:
    line = Line(REFUSED)
    answer = await line.send(name)

    assert (len(line.seen), line.slept) == (3, [0.1, 0.2])
    assert answer.failure is not None
    assert not answer.sent


@pytest.mark.parametrize("name", ALL)
async def test_a_connection_that_stands_in_the_end_is_used(name: str) -> None:
    line = Line(REFUSED, REFUSED, 200)

    assert await line.send(name) == ANSWERED


@pytest.mark.parametrize("name", [TASK, GET])
async def test_a_429_that_names_a_short_wait_is_waited_out_twice_where_the_work_is_named(name: str) -> None:
    line = Line(late(429, "5"), late(429, "0"), 200)

    assert await line.send(name) == ANSWERED
    assert line.slept == [5, 0]

    line = Line(late(429, "1"))
    answer = await line.send(name)
    assert (answer.status, answer.retry_after, len(line.seen), line.slept) == (429, 1, 3, [1, 1])


@pytest.mark.parametrize("name", [TASK, GET])
@pytest.mark.parametrize(
    "answer",
    [late(429, "6"), 429, late(429, "soon"), late(503, "3600"), html(429, {"Retry-After": "1"})],
    ids=["6 s", "unnamed", "no number", "503", "a page"],
)
async def test_a_long_wait_or_none_that_is_named_is_left_to_the_caller(name: str, answer: Step) -> None:
    line = Line(answer)
    await line.send(name)

    assert (len(line.seen), line.slept) == (1, [])


async def test_a_wait_that_the_body_names_counts_too() -> None:
    line = Line(lambda: respond(429, {"title": "No", "retry_after_seconds": 1.2}), 200)

    await line.send(TASK)

    assert line.slept == [2], "never before its time"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 301, 302, 307, 308, 204, 418])
@pytest.mark.parametrize("name", ALL)
async def test_every_other_answer_is_final(name: str, status: int) -> None:
    line = Line(late(status, "1"))
    answer = await line.send(name)

    assert (answer.status, answer.repeated, len(line.seen)) == (status, False, 1)


@pytest.mark.parametrize(
    "answer",
    [BROKEN, html(200), 500, 503, late(429, "0"), late(503, "0"), html(503)],
    ids=["a break", "a page", "500", "503", "429 in 0 s", "503 in 0 s", "503 of a page"],
)
async def test_a_cancel_that_names_no_task_is_never_sent_again_once_it_may_have_left(answer: Step) -> None:
    line = Line(answer, 200)
    came = await line.send(CURRENT)

    assert (len(line.seen), line.slept) == (1, [])
    assert (came.sent, came.repeated) == (True, False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    line = Line(lambda: respond(status, None, {"Location": "https://evil.example/"}), 200)
    answer = await line.send(CURRENT)

    assert answer.status is not None
    assert [request.url.host for request in line.seen] == ["platform.example"]
    assert judge(unabridged()[CURRENT], answer).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "lost",
    [BROKEN, html(200), html(500), 500, 502, 503, 504],
    ids=["a break", "a page", "500 of a page", "500", "502", "503", "504"],
)
class TestAnAnswerThatTellsNothing:
    @pytest.mark.parametrize("name", [TASK, GET])
    async def test_is_asked_for_once_more_where_that_hits_the_same_work(self, name: str, lost: Step) -> None:
        line = Line(lost, 200)
        assert await line.send(name) == ANSWERED._replace(repeated=True)
        assert (len(line.seen), line.slept) == (2, [0.1])

        line = Line(lost)
        answer = await line.send(name)
        assert (answer.repeated, len(line.seen)) == (True, 2)

    @pytest.mark.parametrize(
        "later",
        [REFUSED, 500, 503, html(200), html(404), html(429)],
        ids=["connect", "500", "503", "a page", "404 of a page", "429 of a page"],
    )
    async def test_stays_what_it_was_where_the_platform_says_nothing_later(self, lost: Step, later: Step) -> None:
        first = await Line(lost).gateway.send(unabridged()[CURRENT], request(unabridged()[CURRENT]))
        answer = await Line(lost, later).send(TASK)

        assert answer == first._replace(repeated=True)
        assert answer.sent

    @pytest.mark.parametrize(
        "later", [429, late(429, "60"), 401, 404, 409, 422], ids=["429", "429 in 60 s", "401", "404", "409", "422"]
    )
    async def test_gives_way_to_the_platforms_word_which_is_not_read_as_if_the_first_had_not_been_sent(
        self, lost: Step, later: Step
    ) -> None:
        answer = await Line(lost, later).send(TASK)

        assert (answer.failure, answer.repeated) == (None, True)
        assert judge(unabridged()[TASK], answer).outcome is Outcome.UNKNOWN, "the first one may have stopped it"

    async def test_of_a_look_gives_way_to_what_a_later_look_says(self, lost: Step) -> None:
        assert judge(unabridged()[GET], await Line(lost, 404).send(GET)).outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(("named", "slept"), [("0", [0.1]), ("3", [3]), ("5", [5]), ("6", [])])
async def test_a_server_that_failed_is_left_alone_as_long_as_it_asks(named: str, slept: list[float]) -> None:
    line = Line(late(503, named))
    await line.send(TASK)

    assert line.slept == slept


async def test_repeats_are_counted_together() -> None:
    line = Line(REFUSED, late(429, "1"), BROKEN, 200)
    answer = await line.send(TASK)

    assert (len(line.seen), answer.failure is not None, answer.repeated) == (3, True, False)


async def test_a_failure_to_connect_after_a_lost_answer_is_tried_once_more() -> None:
    line = Line(BROKEN, REFUSED, 200)

    assert await line.send(TASK) == ANSWERED._replace(repeated=True)
    assert line.slept == [0.1, 0.2]


async def test_where_only_the_repeat_could_not_be_sent_what_was_answered_before_still_holds() -> None:
    line = Line(late(429, "1"), REFUSED)
    answer = await line.send(TASK)

    assert (answer.status, answer.failure, len(line.seen)) == (429, None, 3)


async def test_nothing_is_repeated_that_makes_no_sense_any_more() -> None:
    line = Line(BROKEN, 200)
    looked: list[int] = []

    async def recheck() -> bool:
        looked.append(len(line.seen))
        return False

    answer = await line.gateway.send(unabridged()[TASK], request(unabridged()[TASK]), recheck=recheck)

    assert (looked, len(line.seen), line.slept) == ([1], 1, [0.1]), "looked up behind the wait"
    assert answer == Reply.lost("the connection broke")


async def test_what_still_makes_sense_is_looked_up_before_each_repeat() -> None:
    line = Line(REFUSED, REFUSED, 200)
    looked: list[int] = []

    async def recheck() -> bool:
        looked.append(len(line.seen))
        return True

    answer = await line.gateway.send(unabridged()[CURRENT], request(unabridged()[CURRENT]), recheck=recheck)

    assert (answer.status, looked) == (200, [1, 2])


async def test_a_look_before_a_repeat_that_takes_too_long_leaves_what_is_known() -> None:
    line = Line(REFUSED, 200, total=8)

    async def recheck() -> bool:
        line.clock = 8
        return True

    answer = await line.gateway.send(unabridged()[CURRENT], request(unabridged()[CURRENT]), recheck=recheck)

    assert answer == Reply.unsent("the connection could not be made")
    assert len(line.seen) == 1


async def test_the_deadline_of_the_whole_call_bounds_its_repeats() -> None:
    line = Line(late(429, "5"))
    await line.gateway.send(unabridged()[TASK], request(unabridged()[TASK]), deadline=8)

    assert line.slept == [5], "a second wait would end after it"


async def test_a_wait_that_would_end_with_the_call_is_not_begun() -> None:
    line = Line(late(429, "5"))
    await line.gateway.send(unabridged()[TASK], request(unabridged()[TASK]), deadline=5)

    assert line.slept == []


async def test_a_request_carries_on_the_context_of_its_caller() -> None:
    line = Line(200)
    token = context.attach(baggage.set_baggage("agent", "a1"))
    await line.send(TASK)
    context.detach(token)

    assert line.seen[0].headers["baggage"] == "agent=a1"


async def test_a_gateway_closes_its_connections_once_it_has_any() -> None:
    class Closing(httpx2.MockTransport):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    used, unused = (Closing(lambda _: respond(200, NAMED)) for _ in range(2))
    async with Gateway(Over(used)) as gateway:
        await gateway.send(unabridged()[TASK], request(unabridged()[TASK]))
    async with Gateway(Over(unused)):
        pass

    assert (used.closed, unused.closed) == (1, 0)


@pytest.mark.parametrize("name", ALL)
async def test_after_the_deadline_nothing_is_sent_and_that_is_known(name: str) -> None:
    line = Line(200)
    answer = await line.gateway.send(unabridged()[name], request(unabridged()[name]), deadline=0)

    assert (answer, line.seen) == (Reply.unsent("there was no time left for it"), [])


async def test_of_an_answer_that_is_not_the_platforms_own_no_word_is_handed_on() -> None:
    line = Line(lambda: respond(201, NAMED))
    answer = await line.send(TASK)

    assert (answer.status, answer.genuine, answer.body) == (201, False, None)


async def test_an_unreadable_refusal_is_not_asked_for_again() -> None:
    for status in (401, 404, 409, 429):
        line = Line(html(status))
        answer = await line.send(TASK)
        assert (answer.status, answer.unreadable, len(line.seen)) == (status, "it is not JSON", 1)


async def test_a_platform_that_never_answers_is_given_up_in_time() -> None:
    async def silent(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    for name in ALL:
        gateway = Gateway(mock(silent), limits=Limits(total=0.05))
        with anyio.fail_after(5):
            answer = await gateway.send(unabridged()[name], request(unabridged()[name]))
        assert answer == Reply.lost("no answer came in time")


async def test_a_body_that_never_ends_is_given_up_in_time() -> None:
    async def drips() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await anyio.sleep(0.001)

    gateway = Gateway(mock(lambda _: httpx2.Response(200, content=drips())), limits=Limits(total=0.05))
    with anyio.fail_after(5):
        answer = await gateway.send(unabridged()[CURRENT], request(unabridged()[CURRENT]))

    assert answer == Reply.lost("no answer came in time")


async def test_repeats_stay_within_the_whole_time() -> None:
    line = Line(late(429, "5"), total=8)
    await line.send(TASK)

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
        return respond(200, NAMED)

    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            learnt.append(await gateway.send(unabridged()[name], request(unabridged()[name])))

    with anyio.fail_after(5):
        async with Gateway(mock(slow)) as gateway, anyio.create_task_group() as tasks:
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
        raise REFUSED

    with anyio.fail_after(5), scope:
        await Gateway(mock(refused)).send(unabridged()[TASK], request(unabridged()[TASK]))

    assert (len(seen), scope.cancelled_caught) == (1, True)


async def test_where_pullcords_own_files_went_while_it_ran_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pullcord.upstream.exchange", None)
    async with Line().gateway as gateway:
        answer = await gateway.send(unabridged()[TASK], request(unabridged()[TASK]))

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
