"""Watching: after a cancel, until the work has ended or the time is up. No second cancel, and no false news."""

import itertools
from collections.abc import AsyncIterator, Callable

import anyio
import anyio.lowlevel
import httpx2
import pytest
from tests.support import Stage, respond, stage
from tests.transport import mock

from pullcord.flow.engine import Engine
from pullcord.upstream.connections import LostError, UnsentError
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

SESSION = f"session_{'0' * 32}"
TASK = {"session_id": SESSION, "task_id": "task_1"}
NAMED = {"id": "task_1", "session_id": SESSION}
EXECUTION = {"task_id": "fbd08e4d-cfa7-4838-b6e6-000000000001"}
EXECUTES = {"id": EXECUTION["task_id"], "status": "executing"}


@pytest.fixture(params=["legacy", "auto"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(request.param) as staged:
        yield staged


def _task(state: str | None) -> httpx2.Response:
    return respond(200, {"task": {**NAMED, "state": state}})


class Platform:
    """Accepts a cancel, and answers each look with the next step; the last one answers all that follows."""

    def __init__(
        self, *looks: Callable[[], httpx2.Response], cancel: Callable[[], httpx2.Response] | None = None
    ) -> None:
        self.looks = itertools.chain(looks, itertools.repeat(looks[-1]))
        self.cancel = cancel or (lambda: respond(200, {**NAMED, "state": "running"}))
        self.seen: list[str] = []
        self.transport = mock(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request.method)
        return next(self.looks)() if request.method == "GET" else self.cancel()


def _refuse() -> httpx2.Response:
    raise UnsentError("the connection could not be made")


def _lose() -> httpx2.Response:
    raise LostError("no answer came in time")


class TestTheSandbox:
    async def test_work_that_stops_is_stopped(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": ids.background_task}
        answer = await staged.call("cancel_task", {**task, "wait_seconds": 60})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopped", "yes", "canceled")
        assert answer["message"] == "Everruns reports that the work ended because it was cancelled."
        assert answer["evidence"]["fields"] == {"/task/kind": "background_tool"}
        assert 1 <= answer["evidence"]["watched_seconds"] < 60
        assert answer["resource"]["task"]["finished_at"] == "2026-10-01T12:00:01Z"
        assert answer["problem"] is None

    @pytest.mark.parametrize("platform", ["everruns", "xpander"])
    async def test_work_that_ends_by_itself_finished_first(self, staged: Stage, platform: str) -> None:
        if platform == "everruns":
            ids = staged.sandbox.everruns.ids
            name, arguments = "cancel_task", {"session_id": ids.active_session, "task_id": ids.finishing_task}
        else:
            name, arguments = "stop_task", {"task_id": staged.sandbox.xpander.ids.finishing_task}
        answer = await staged.call(name, {**arguments, "wait_seconds": 60})

        assert (answer["outcome"], answer["work_stopped"]) == ("finished_first", "yes")
        assert answer["state"] in {"succeeded", "completed"}
        assert "the work ended by itself before it stopped" in answer["message"]
        assert "next" not in answer["message"]

    async def test_a_cancel_without_a_name_may_have_met_the_next_work(self, staged: Stage) -> None:
        ids = staged.sandbox.evershell.ids
        answer = await staged.call(
            "cancel_workspace_task", {"workspace_id": ids.finishing_workspace, "wait_seconds": 60}
        )

        assert (answer["outcome"], answer["state"]) == ("finished_first", "completed")
        assert answer["target"]["task_id"] == ids.finishing_task
        assert "so the cancel may have met the work that came next" in answer["message"]
        assert "collection" in [each["rel"] for each in answer["allowed_actions"]]

    async def test_the_found_task_is_what_is_watched(self, staged: Stage) -> None:
        ids = staged.sandbox.evershell.ids
        answer = await staged.call("cancel_workspace_task", {"workspace_id": ids.queued_workspace, "wait_seconds": 60})

        assert (answer["outcome"], answer["state"]) == ("stopped", "cancelled")
        assert answer["target"]["task_id"] == ids.first_task
        tasks = await staged.follow(answer, "collection")
        states = {item["id"]: item["status"] for item in tasks["resource"]["items"]}
        assert states == {ids.next_task: "running", ids.first_task: "cancelled"}, "the next one was not met"

    async def test_work_that_goes_on_is_still_stopping(self) -> None:
        async with stage(transport=Platform(lambda: _task("running")).transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 20})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopping", "no", "running")
        assert answer["evidence"]["watched_seconds"] == 20
        assert "pullcord watched it for 20 s; state is what was reported last." in answer["message"]

    async def test_what_has_stopped_at_once_is_not_watched(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        for which, outcome in [("monitor_task", "stopped"), ("succeeded_task", "already_finished")]:
            task = {"session_id": ids.active_session, "task_id": getattr(ids, which)}
            answer = await staged.call("cancel_task", {**task, "wait_seconds": 60})
            assert answer["outcome"] == outcome
            assert "watched_seconds" not in answer["evidence"]
        assert staged.slept == []

    @pytest.mark.parametrize("which", ["background_task", "finishing_task"])
    async def test_no_second_cancel_is_sent(self, staged: Stage, which: str) -> None:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": getattr(ids, which)}
        await staged.call("cancel_task", {**task, "wait_seconds": 300})

        assert [arrival.split()[0] for arrival in staged.arrived].count("POST") == 1
        assert len(staged.arrived) > 2

    async def test_with_no_seconds_to_wait_nothing_is_watched(self, staged: Stage) -> None:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": ids.background_task}
        answer = await staged.call("cancel_task", {**task, "wait_seconds": 0})

        assert (answer["outcome"], len(staged.arrived), staged.slept) == ("stopping", 1, [])

    async def test_a_cancel_waits_ten_seconds_unless_it_is_told_otherwise(self, staged: Stage) -> None:
        ids = staged.sandbox.xpander.ids
        quick = await staged.call("stop_task", {"task_id": ids.slow_task})
        assert (quick["outcome"], quick["state"]) == ("stopped", "stopped")
        assert sum(staged.slept) < 10, "the end of the work ends the waiting"

        async with stage(transport=Platform(lambda: _task("running")).transport) as endless:
            answer = await endless.call("cancel_task", TASK)
        assert (answer["outcome"], answer["evidence"]["watched_seconds"]) == ("stopping", 10)
        assert sum(endless.slept) == pytest.approx(10)


class Told:
    """A client's ear for progress."""

    def __init__(self) -> None:
        self.all: list[tuple[float, float | None, str | None]] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.all.append((progress, total, message))

    async def until(self, count: int) -> None:
        """Notifications may arrive after the answer."""
        with anyio.fail_after(5):
            while len(self.all) < count:
                await anyio.lowlevel.checkpoint()


class TestProgress:
    async def test_each_look_is_told_to_a_client_that_asked(self, staged: Stage) -> None:
        told = Told()
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 60}
        await staged.call("cancel_task", task, told)
        await told.until(len(staged.slept))

        messages = [message for _, _, message in told.all]
        assert messages == ["Everruns: running"] * (len(messages) - 1) + ["Everruns: canceled"]
        seconds = [done for done, _, _ in told.all]
        assert seconds == sorted(set(seconds)), "they grow"
        assert seconds == pytest.approx(list(itertools.accumulate(staged.slept)), abs=0.001)
        assert {total for _, total, _ in told.all} == {60}

    async def test_a_look_at_an_unknown_state_says_so(self) -> None:
        told = Told()
        platform = Platform(lambda: _task(None), lambda: _task("canceled"))
        async with stage(transport=platform.transport) as staged:
            await staged.call("cancel_task", {**TASK, "wait_seconds": 60}, told)
            await told.until(2)

        assert [message for _, _, message in told.all] == ["Everruns: unknown", "Everruns: canceled"]


class TestIntervals:
    async def test_they_begin_short_grow_and_stay_bounded(self) -> None:
        async with stage(transport=Platform(lambda: _task("running")).transport) as staged:
            await staged.call("cancel_task", {**TASK, "wait_seconds": 300})

        for pause, expected in zip(staged.slept, [0.5 * 1.6**n for n in range(6)], strict=False):
            assert 0.8 * expected <= pause <= 1.2 * expected
        assert max(staged.slept) <= 1.2 * 10
        assert sum(staged.slept) == pytest.approx(300), "the last look is at the end of the time"

    async def test_they_have_jitter(self) -> None:
        async with stage(transport=Platform(lambda: _task("running")).transport) as staged:
            for _ in range(2):
                await staged.call("cancel_task", {**TASK, "wait_seconds": 30})

        half = len(staged.slept) // 2
        assert staged.slept[:half] != staged.slept[half : 2 * half]

    async def test_they_are_the_manifests_where_it_names_them(self) -> None:
        platform = Platform(lambda: respond(200, EXECUTES), cancel=lambda: respond(200, EXECUTES))
        async with stage(transport=platform.transport) as staged:
            await staged.call("stop_task", {**EXECUTION, "wait_seconds": 60})

        assert 1.6 <= staged.slept[0] <= 2.4

    @pytest.mark.parametrize("status", [200, 429])
    async def test_a_wait_that_the_platform_names_is_obeyed(self, status: int) -> None:
        looks = [
            lambda: respond(status, {"task": {**NAMED, "state": "running"}, "title": "Wait"}, {"Retry-After": "30"}),
            lambda: _task("canceled"),
        ]
        async with stage(transport=Platform(*looks).transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 60})

        assert answer["outcome"] == "stopped"
        assert staged.slept[1:] == [30]

    async def test_a_wait_that_the_cancels_own_answer_names_is_obeyed(self) -> None:
        platform = Platform(
            lambda: _task("canceled"), cancel=lambda: respond(200, {**NAMED, "state": "running"}, {"Retry-After": "7"})
        )
        async with stage(transport=platform.transport) as staged:
            await staged.call("cancel_task", {**TASK, "wait_seconds": 60})

        assert staged.slept == [7]

    async def test_a_named_wait_that_ends_with_the_time_is_obeyed(self) -> None:
        platform = Platform(
            lambda: _task("canceled"), cancel=lambda: respond(200, {**NAMED, "state": "running"}, {"Retry-After": "20"})
        )
        async with stage(transport=platform.transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 20})

        assert (answer["outcome"], staged.slept) == ("stopped", [20])

    async def test_where_the_named_wait_is_longer_than_the_time_watching_ends(self) -> None:
        look = Platform(lambda: respond(200, {"task": {**NAMED, "state": "running"}}, {"Retry-After": "3600"}))
        async with stage(transport=look.transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 60})

        assert (answer["outcome"], answer["state"], look.seen) == ("stopping", "running", ["POST", "GET"])
        assert "pullcord watched it for 1 s" in answer["message"] or "for 0 s" in answer["message"]


FAILING: list[Callable[[], httpx2.Response]] = [
    _refuse,
    _lose,
    lambda: respond(500),
    lambda: respond(503),
    lambda: respond(429),
    lambda: respond(200, b"<html>"),
    lambda: respond(200, []),
    lambda: respond(302, None, {"Location": "/login"}),
]


class TestAFailingLook:
    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    @pytest.mark.parametrize("look", [*FAILING, lambda: respond(401)], ids=range(9))
    async def test_never_turns_an_accepted_cancel_into_an_error(
        self, mode: str, look: Callable[[], httpx2.Response]
    ) -> None:
        platform = Platform(look)
        async with stage(mode, transport=platform.transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 20})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopping", "no", "running")
        assert answer["evidence"]["http_status"] == 200, "what it rests on is the cancel's own answer"
        assert "no look succeeded" in answer["message"]
        assert answer["problem"] is None
        assert platform.seen.count("POST") == 1

    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    async def test_that_finds_no_such_work_any_more_is_no_sign_that_it_runs(self, mode: str) -> None:
        platform = Platform(lambda: _task("running"), lambda: respond(404))
        async with stage(mode, transport=platform.transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 20})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("stopping", "unknown", "running")
        assert answer["message"].endswith("A look since then finds no such work any more.")
        assert (answer["problem"], platform.seen) == (None, ["POST", "GET", "GET"])

    @pytest.mark.parametrize("look", FAILING, ids=range(len(FAILING)))
    async def test_does_not_end_the_watching(self, look: Callable[[], httpx2.Response]) -> None:
        async with stage(transport=Platform(look, look, look, lambda: _task("canceled")).transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 60})

        assert answer["outcome"] == "stopped"

    @pytest.mark.parametrize("look", FAILING, ids=range(len(FAILING)))
    async def test_leaves_what_was_last_known(self, look: Callable[[], httpx2.Response]) -> None:
        async with stage(transport=Platform(lambda: _task("awaiting_input"), look).transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 20})

        assert (answer["outcome"], answer["state"], answer["work_stopped"]) == ("stopping", "awaiting_input", "unknown")
        assert "pullcord watched it for 20 s; state is what was reported last." in answer["message"]

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    async def test_that_can_never_succeed_ends_the_watching(self, status: int) -> None:
        platform = Platform(lambda: _task("running"), lambda: respond(status))
        async with stage(transport=platform.transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 300})

        assert (answer["outcome"], answer["state"]) == ("stopping", "running")
        assert platform.seen == ["POST", "GET", "GET"]

    async def test_a_look_that_hangs_is_bounded_by_the_time_there_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def answer(request: httpx2.Request) -> httpx2.Response:
            if request.method == "GET":
                await anyio.sleep_forever()
            return respond(200, {**NAMED, "state": "running"})

        monkeypatch.setattr("pullcord.flow.wait.LAST_LOOK", -59.0)  # of the 60 s, some are left
        with anyio.fail_after(20):
            async with stage(transport=mock(answer)) as staged:
                given = await staged.call("cancel_task", {**TASK, "wait_seconds": 60})

        assert given["outcome"] == "stopping"
        assert "but no look succeeded" in given["message"]


class TestALookThatWaits:
    async def test_for_work_that_is_gone_later_tells_what_it_saw_last_and_that_it_is_gone(self) -> None:
        platform = Platform(lambda: _task("running"), lambda: respond(404))
        async with stage(transport=platform.transport) as staged:
            answer = await staged.call("get_task", {**TASK, "wait_seconds": 20})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("observed", "unknown", "running")
        assert answer["message"].endswith("A look since then finds no such work any more.")
        assert platform.seen == ["GET", "GET"]


class TestALostCancel:
    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    async def test_is_confirmed_by_what_the_platform_reports_later(self, mode: str) -> None:
        platform = Platform(lambda: _task("running"), lambda: _task("canceled"), cancel=_lose)
        async with stage(mode, transport=platform.transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 30})

        assert (answer["outcome"], answer["work_stopped"]) == ("stopped", "unknown")
        assert answer["message"] == (
            "No answer came in time. Everruns reports that the work ended because it was cancelled."
        )
        assert answer["problem"] is None
        assert platform.seen.count("POST") == 2, "the one repeat that is safe, before watching"

    async def test_of_work_that_ended_by_itself_stays_unknown_but_the_work_has_ended(self) -> None:
        async with stage(transport=Platform(lambda: _task("succeeded"), cancel=_lose).transport) as staged:
            answer = await staged.call("cancel_task", {**TASK, "wait_seconds": 30})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("unknown", "yes", "succeeded")
        assert answer["message"] == (
            "No answer came in time. The request was sent; whether Everruns acted on it is unknown. "
            "A look since then shows that nothing runs there now."
        )

    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    async def test_of_work_that_goes_on_stays_unknown(self, mode: str) -> None:
        platform = Platform(lambda: respond(200, {"id": SESSION, "status": "active"}), cancel=_lose)
        async with stage(mode, transport=platform.transport) as staged:
            answer = await staged.call("cancel_turn", {"session_id": SESSION, "wait_seconds": 10})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("unknown", "no", "active")
        assert platform.seen.count("POST") == 1, "a cancel of whatever runs is never sent twice"
        assert "pullcord watched it for 10 s" in answer["message"]

    async def test_of_a_task_that_was_named_before_is_watched_too(self) -> None:
        listed = lambda: respond(200, [{"id": "task_1", "status": "running"}])  # noqa: E731 - one of a row of answers
        ended = lambda: respond(200, {"id": "task_1", "workspace_id": "ws_1", "status": "cancelled"})  # noqa: E731 - the other one
        async with stage(transport=Platform(listed, ended, cancel=lambda: respond(502)).transport) as staged:
            answer = await staged.call("cancel_workspace_task", {"workspace_id": "ws_1", "wait_seconds": 30})

        assert (answer["outcome"], answer["work_stopped"], answer["target"]["task_id"]) == ("stopped", "yes", "task_1")

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 429])
    async def test_a_refused_cancel_is_not_watched(self, status: int) -> None:
        platform = Platform(lambda: _task("canceled"), cancel=lambda: respond(status))
        async with stage(transport=platform.transport) as staged:
            await staged.call("cancel_task", {**TASK, "wait_seconds": 30})

        assert platform.seen == ["POST"]


class TestNothingToWaitFor:
    @pytest.mark.parametrize(
        ("status", "work_stopped", "says"),
        [
            ("idle", "unknown", "A look since then shows that nothing runs there now."),
            ("paused", "unknown", "it is not idle: it is paused, or waits for something, and may go on."),
            ("active", "no", "A look since then shows that something runs there now."),
            ("new", "unknown", "A look since then shows a state that pullcord doesn't know, so it may go on."),
        ],
    )
    async def test_one_look_tells_what_no_op_meant(self, status: str, work_stopped: str, says: str) -> None:
        platform = Platform(
            lambda: respond(200, {"id": SESSION, "status": status}), cancel=lambda: respond(200, {"status": "no_op"})
        )
        async with stage(transport=platform.transport) as staged:
            answer = await staged.call("cancel_turn", {"session_id": SESSION, "wait_seconds": 300})

        assert (answer["outcome"], answer["work_stopped"], answer["state"]) == ("nothing_running", work_stopped, status)
        assert says in answer["message"]
        assert platform.seen == ["POST", "GET"]

    async def test_a_look_that_fails_leaves_it_unknown(self) -> None:
        platform = Platform(lambda: respond(500), cancel=lambda: respond(200, {"status": "no_op"}))
        async with stage(transport=platform.transport) as staged:
            answer = await staged.call("cancel_turn", {"session_id": SESSION, "wait_seconds": 300})

        assert (answer["outcome"], answer["work_stopped"]) == ("nothing_running", "unknown")
        assert "but no look succeeded" in answer["message"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_caller_that_goes_away_ends_the_waiting_at_once(mode: str) -> None:
    asleep, ended = anyio.Event(), anyio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async def call(staged: Stage, scope: anyio.CancelScope) -> None:
        with scope:
            ids = staged.sandbox.everruns.ids
            task = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 300}
            await staged.client.call_tool("cancel_task", task)

    with anyio.fail_after(10):
        async with stage(mode, sleep=sleep) as staged, anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()
            tasks.start_soon(call, staged, scope)
            await asleep.wait()
            scope.cancel()
            await ended.wait()
            assert len(staged.arrived) == 1, "the cancel itself, and no look"
            later = await staged.call("get_session", {"session_id": staged.sandbox.everruns.ids.active_session})
            assert later["outcome"] == "observed", "the server serves on"


async def test_a_process_that_ends_answers_with_what_it_knows() -> None:
    made: list[Gateway] = []

    def desk(gateway: Gateway) -> Engine:
        made.append(gateway)
        return Engine(gateway)

    async def sleep(_: float) -> None:
        made[0].ending.set()
        await anyio.sleep_forever()

    with anyio.fail_after(10):
        async with stage(sleep=sleep, desk=desk) as staged:
            ids = staged.sandbox.everruns.ids
            task = {"session_id": ids.active_session, "task_id": ids.background_task, "wait_seconds": 300}
            answer = await staged.call("cancel_task", task)
            assert [arrival.split()[0] for arrival in staged.arrived] == ["POST", "GET"]

    assert (answer["outcome"], answer["state"]) == ("stopping", "running")
