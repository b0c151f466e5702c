"""A reply to its outcome: the design's table, row by row, and the rules that lead there."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from tests.support import BASE_URL, Stage, answering, shipped, stage

from pullcord.flow.verdict import BY_STATUS, Cause, Standing, Verdict, judge, standing_of
from pullcord.model.condition import Clause, Context
from pullcord.model.expression import Source
from pullcord.model.operation import Operation, Response
from pullcord.model.outcome import MEANINGS, Outcome, Phase
from pullcord.model.reply import Reply
from pullcord.model.rule import Rule
from pullcord.model.state import State
from pullcord.model.value import Json

pytestmark = pytest.mark.anyio

Made: TypeAlias = Callable[[Stage], Awaitable[dict[str, Any]]]

CANCEL = shipped()["cancel_task"]
LOOK = shipped()["get_task"]
SESSION = f"session_{'0' * 32}"


async def _stopped(staged: Stage) -> dict[str, Any]:
    return await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.executing_task})


async def _stopping(staged: Stage) -> dict[str, Any]:
    ids = staged.sandbox.everruns.ids
    task = {"session_id": ids.active_session, "task_id": ids.background_task}
    return await staged.call("cancel_task", {**task, "wait_seconds": 0})


async def _nothing_running(staged: Stage) -> dict[str, Any]:
    return await staged.call("cancel_turn", {"session_id": staged.sandbox.everruns.ids.idle_session})


async def _already_finished(staged: Stage) -> dict[str, Any]:
    return await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.completed_task})


async def _finished_first(staged: Stage) -> dict[str, Any]:
    return await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.finishing_task, "wait_seconds": 30})


async def _observed(staged: Stage) -> dict[str, Any]:
    return await staged.call("get_session", {"session_id": staged.sandbox.everruns.ids.active_session})


async def _target_changed(staged: Stage) -> dict[str, Any]:
    ids = staged.sandbox.evershell.ids
    return await staged.call(
        "cancel_workspace_task", {"workspace_id": ids.queued_workspace, "expect_task_id": ids.next_task}
    )


async def _refused(staged: Stage) -> dict[str, Any]:
    workspace = staged.sandbox.evershell.ids.provisioning_workspace
    return await staged.call("cancel_workspace_task", {"workspace_id": workspace})


async def _not_found(staged: Stage) -> dict[str, Any]:
    return await staged.call("cancel_turn", {"session_id": SESSION})


async def _denied(staged: Stage) -> dict[str, Any]:
    return await staged.call("stop_task", {"task_id": staged.sandbox.xpander.ids.foreign_task})


async def _invalid_arguments(staged: Stage) -> dict[str, Any]:
    return await staged.call("cancel_turn", {"session_id": "x", "sesion": 1})


async def _unavailable(staged: Stage) -> dict[str, Any]:
    workspace = staged.sandbox.evershell.ids.unreachable_workspace
    return await staged.call("cancel_workspace_task", {"workspace_id": workspace})


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("make", "outcome", "work_stopped"),
    [
        (_stopped, "stopped", "unknown"),
        (_stopping, "stopping", "no"),
        (_nothing_running, "nothing_running", "unknown"),
        (_already_finished, "already_finished", "yes"),
        (_finished_first, "finished_first", "yes"),
        (_observed, "observed", "no"),
        (_target_changed, "target_changed", "unknown"),
        (_refused, "refused", "unknown"),
        (_not_found, "not_found", "unknown"),
        (_denied, "denied", "unknown"),
        (_invalid_arguments, "invalid_arguments", "unknown"),
        (_unavailable, "unavailable", "unknown"),
    ],
)
async def test_the_sandbox_leads_to_each_outcome(mode: str, make: Made, outcome: str, work_stopped: str) -> None:
    async with stage(mode) as staged:
        answer = await make(staged)

    assert (answer["outcome"], answer["work_stopped"]) == (outcome, work_stopped)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("environ", "name", "arguments"),
    [
        ({"EVERRUNS_API_KEY": "evr_pat_sandbox_rate_limited"}, "cancel_turn", {"session_id": SESSION}),
        ({"XPANDER_API_KEY": "sandbox-xpander-rate-limited"}, "list_executions", {}),
    ],
)
async def test_too_many_requests(mode: str, environ: dict[str, str], name: str, arguments: dict[str, Any]) -> None:
    async with stage(mode, environ=environ) as staged:
        answer = await staged.call(name, arguments)

    assert (answer["outcome"], answer["work_stopped"]) == ("rate_limited", "unknown")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_lost_answer_is_unknown(mode: str) -> None:
    async with stage(mode, transport=answering(500)) as staged:
        answer = await staged.call("cancel_turn", {"session_id": SESSION})

    assert (answer["outcome"], answer["work_stopped"]) == ("unknown", "unknown")


def test_every_outcome_says_what_it_means() -> None:
    assert list(MEANINGS) == list(Outcome)
    errors = {outcome for outcome, meaning in MEANINGS.items() if meaning.is_error}
    assert errors == set(list(Outcome)[list(Outcome).index(Outcome.TARGET_CHANGED) :])


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, "invalid_arguments"),
        (401, "denied"),
        (402, "unknown"),
        (403, "denied"),
        (404, "not_found"),
        (405, "unknown"),
        (408, "unknown"),
        (409, "refused"),
        (410, "not_found"),
        (422, "invalid_arguments"),
        (423, "refused"),
        (429, "rate_limited"),
        (500, "unknown"),
        (502, "unknown"),
        (503, "unknown"),
        (504, "unknown"),
        (599, "unknown"),
        (301, "unknown"),
        (307, "unknown"),
        (304, "unknown"),
        (200, "unknown"),
        (204, "unknown"),
    ],
)
@pytest.mark.parametrize("operation", [CANCEL, LOOK], ids=["cancel", "look"])
@pytest.mark.parametrize("unreadable", [None, "it is not JSON"])
def test_where_no_rule_fits_the_status_decides(
    operation: Operation, status: int, outcome: str, unreadable: str | None
) -> None:
    verdict = judge(operation, Reply(status, {}, None, unreadable))

    assert (verdict.outcome, verdict.work_stopped) == (outcome, "unknown")
    assert (verdict.cause is None) is (outcome != "unknown")
    assert BY_STATUS.get(status, Outcome.UNKNOWN) == outcome


@pytest.mark.parametrize("operation", [CANCEL, LOOK], ids=["cancel", "look"])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, "denied") for status in (401, 403, 407)),
        (429, "rate_limited"),
        *((status, "unknown") for status in (200, 201, 400, 402, 404, 409, 410, 418, 422, 423, 500, 502, 503, 504)),
    ],
)
def test_what_is_not_in_the_platforms_shape_says_at_most_that_it_was_refused(
    operation: Operation, status: int, outcome: str
) -> None:
    said: dict[str, Json] = {"state": "canceled", "task": {"state": "running"}, "error": {"code": "x"}}
    verdict = judge(operation, Reply(status, {}, said, genuine=False))

    assert verdict == Verdict(Outcome(outcome), "unknown", cause=Cause.FOREIGN)


@pytest.mark.parametrize("outcome", [Outcome.STOPPED, Outcome.NOTHING_RUNNING])
def test_no_rule_is_held_to_what_is_not_in_the_platforms_shape(outcome: Outcome) -> None:
    operation = replace(CANCEL, responses={"default": Response((Rule(outcome),))})

    assert judge(operation, Reply(404, {}, {})).outcome is outcome
    assert judge(operation, Reply(404, {}, {}, genuine=False)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_refusal_of_a_repeat_says_nothing_of_the_first_sending(outcome: Outcome) -> None:
    operation = replace(CANCEL, state=None, responses={"default": Response((Rule(outcome, work_stopped="no"),))})
    once, again = (judge(operation, Reply(409, {}, {}, repeated=repeated)) for repeated in (False, True))

    assert (once.outcome, once.work_stopped) == (outcome, "no")
    if MEANINGS[outcome].is_error or outcome in {Outcome.ALREADY_FINISHED, Outcome.NOTHING_RUNNING}:
        assert (again.outcome, again.work_stopped, again.cause) == (Outcome.UNKNOWN, "unknown", Cause.STATUS)
    else:
        assert again == once
    look = replace(LOOK, responses=operation.responses, state=None)
    assert judge(look, Reply(409, {}, {}, repeated=True)).outcome is outcome, "a look does nothing"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("done", "already_finished"), ("stopped", "stopped"), ("expired", "already_finished"), (None, "unknown")],
)
def test_that_work_is_over_when_a_cancel_is_repeated_says_what_ended_it_only_by_its_state(
    state: str | None, outcome: str
) -> None:
    phases = (
        Rule(Phase.ENDED, (Clause("/state", ("done",)),)),
        Rule(Phase.CANCELLED, (Clause("/state", ("stopped",)),)),
    )
    responses = {"200": Response((Rule(Outcome.ALREADY_FINISHED),))}
    operation = replace(CANCEL, state=State("/state", phases), responses=responses)

    assert judge(operation, Reply(200, {}, {"state": state})).outcome is Outcome.ALREADY_FINISHED
    assert judge(operation, Reply(200, {}, {"state": state}, repeated=True)).outcome == outcome


PAGE = {"Content-Type": "text/html"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("status", "outcome", "says"),
    [
        (401, "denied", "refused the key, in a form that is not Everruns's; nothing tells whether Everruns saw"),
        (407, "denied", "refused the key, in a form that is not Everruns's; nothing tells whether Everruns saw"),
        (429, "rate_limited", "is limiting requests, in a form that is not Everruns's; nothing tells whether"),
    ],
)
async def test_whoever_refuses_is_told_from_the_platform(mode: str, status: int, outcome: str, says: str) -> None:
    async with stage(mode, transport=answering(status, b"<html>Please log in</html>", PAGE)) as staged:
        for name in ("cancel_turn", "get_session"):
            answer = await staged.call(name, {"session_id": SESSION})
            assert answer["outcome"] == outcome
            assert answer["message"].startswith(f"Whoever answers at the base URL {BASE_URL}/everruns/api {says}")
            assert "nothing was stopped" not in answer["message"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("status", [200, 302, 400, 404, 409, 422, 503])
@pytest.mark.parametrize("media", ["text/plain", "text/html"])
async def test_a_page_of_whoever_stands_in_between_is_not_the_platforms_word(
    mode: str, status: int, media: str
) -> None:
    async with stage(mode, transport=answering(status, b"no such thing", {"Content-Type": media})) as staged:
        answer = await staged.call("cancel_task", {"session_id": SESSION, "task_id": "task_1", "wait_seconds": 0})

    assert (answer["outcome"], answer["work_stopped"]) == ("unknown", "unknown")
    assert f"check the base URL {BASE_URL}/everruns/api" in answer["message"]
    for said in ("Everruns answered", "knows no such work", "nothing was stopped", "did not act"):
        assert said not in answer["message"]


def test_no_answer_is_told_apart_by_whether_the_request_was_sent() -> None:
    assert judge(CANCEL, Reply.lost("x")) == Verdict(Outcome.UNKNOWN, "unknown", cause=Cause.LOST)
    assert judge(CANCEL, Reply.unsent("x")) == Verdict(Outcome.UNAVAILABLE, "unknown", cause=Cause.UNSENT)


def test_the_first_rule_that_fits_decides_and_tells_what_it_read() -> None:
    operation = replace(
        CANCEL,
        state=None,
        responses={
            "2XX": Response(
                (
                    Rule(Outcome.STOPPED, (Clause("/a", ("x",)), Clause("/b/0", (True, None)))),
                    Rule(Outcome.REFUSED, (Clause("/a", ("x", 1)),), note="Ours.", work_stopped="no"),
                )
            ),
            "default": Response((Rule(Outcome.NOTHING_RUNNING),)),
        },
    )

    assert judge(operation, Reply(202, {}, {"a": "x", "b": [True]})) == Verdict(
        Outcome.STOPPED, read={"/a": "x", "/b/0": True}
    )
    assert judge(operation, Reply(200, {}, {"a": "x"})).outcome is Outcome.STOPPED, "an absent member counts as null"
    assert judge(operation, Reply(200, {}, {"a": 1, "b": [1]})) == Verdict(
        Outcome.REFUSED, "no", read={"/a": 1}, notes=("Ours.",)
    )
    assert judge(operation, Reply(200, {}, {"a": True})).outcome is Outcome.UNKNOWN, "true is not 1"
    assert judge(operation, Reply(500, {}, {"a": True})).outcome is Outcome.NOTHING_RUNNING
    assert judge(operation, Reply(202, {}, None, "it is not JSON")).outcome is Outcome.UNKNOWN, (
        "no rule on what is unread"
    )


def test_what_the_state_and_the_rule_of_the_outcome_read_is_told_together() -> None:
    operation = replace(
        CANCEL,
        state=State("/s", (Rule(Phase.ENDED, (Clause("/t", (1,)),)),)),
        responses={"200": Response((Rule(Outcome.STOPPED, (Clause("/a", ("x",)),)),))},
    )

    assert judge(operation, Reply(200, {}, {"s": "done", "t": 1, "a": "x"})).read == {"/s": "done", "/t": 1, "/a": "x"}


def test_the_rules_of_phases_and_outcomes_may_read_arguments_headers_and_the_look_before() -> None:
    clauses = (
        Clause("/{task_id}/s", ("done",)),
        Clause("x-node", ("n1",), Source.HEADER),
        Clause("", (Phase.ACTIVE,), Source.PHASE),
    )
    operation = replace(
        CANCEL,
        state=State("/{task_id}/s", (Rule(Phase.ENDED, clauses),)),
        responses={"200": Response((Rule(Outcome.STOPPED, clauses),))},
    )
    reply, context = Reply(200, {"x-node": "n1"}, {"t1": {"s": "done"}}), Context({"task_id": "t1"}, {}, Phase.ACTIVE)
    verdict = judge(operation, reply, context)

    assert (verdict.outcome, verdict.phase, verdict.state) == (Outcome.STOPPED, Phase.ENDED, "done")
    for other in (Context({"task_id": "t2"}, {}, Phase.ACTIVE), Context({"task_id": "t1"}, {}, Phase.PAUSED)):
        verdict = judge(operation, reply, other)
        assert (verdict.outcome, verdict.phase) == (Outcome.UNKNOWN, None)
    assert judge(operation, reply._replace(headers={"x-node": "n2"}), context).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("state", "repeated", "outcome"),
    [
        ("cancelled", True, Outcome.STOPPED),
        ("parked", True, Outcome.STOPPED),
        ("done", True, Outcome.ALREADY_FINISHED),
        ("cancelled", False, Outcome.ALREADY_FINISHED),
    ],
)
def test_what_the_first_sending_of_a_repeated_cancel_stopped_is_stopped(
    state: str, outcome: Outcome, *, repeated: bool
) -> None:
    operation = replace(
        CANCEL,
        state=State(
            "/s",
            (
                Rule(Phase.CANCELLED, (Clause("/s", ("cancelled",)),)),
                Rule(Phase.HALTED, (Clause("/s", ("parked",)),)),
                Rule(Phase.ENDED),
            ),
        ),
        responses={"200": Response((Rule(Outcome.ALREADY_FINISHED),))},
    )

    assert judge(operation, Reply(200, {}, {"s": state}, repeated=repeated)).outcome is outcome


def test_no_rule_is_held_to_what_could_not_be_read() -> None:
    accepted = shipped()["cancel_workspace_task"]

    assert judge(accepted, Reply(202)).outcome is Outcome.STOPPING
    assert judge(accepted, Reply(202, {}, None, "it is not JSON")).outcome is Outcome.UNKNOWN


def test_a_state_is_the_platforms_word_cleaned_and_cut() -> None:
    state = State("/s", (Rule(Phase.ENDED, (Clause("/s", ("done", 1)),)),))

    done = standing_of(state, {"s": "done"})
    assert (done.word, done.phase, done.read) == ("done", Phase.ENDED, {"/s": "done"})
    number = standing_of(state, {"s": 1})
    assert (number.word, number.phase, number.read) == (None, Phase.ENDED, {"/s": 1}), "shown as evidence only"
    assert standing_of(state, {"s": {"deep": "x"}}) == standing_of(None, {"s": "done"}) == Standing()
    hostile = standing_of(state, {"s": "\x1b[31m\u202edone" + "x" * 100})
    assert (hostile.word, hostile.phase) == ("[31mdone" + "x" * 55 + "…", None)


@pytest.mark.parametrize(
    ("state", "work_stopped"),
    [
        ("queued", "no"),
        ("running", "no"),
        ("awaiting_input", "unknown"),
        ("canceled", "unknown"),
        ("cancelled", "unknown"),
        ("succeeded", "yes"),
        ("failed", "yes"),
        ("new", "unknown"),
        (None, "unknown"),
    ],
)
def test_what_is_observed_tells_whether_work_runs(state: str | None, work_stopped: str) -> None:
    verdict = judge(LOOK, Reply(200, {}, {"task": {"state": state}}))

    assert (verdict.outcome, verdict.work_stopped, verdict.state) == (Outcome.OBSERVED, work_stopped, state)
