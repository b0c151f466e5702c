"""A cancel with cascade, where a part can't be stopped, or not all parts can be found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import httpx2
import pytest
from tests.sandbox.clock import Clock
from tests.support import respond, stage
from tests.transport import mock

from pullcord.assembly.choice import Choice, surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.consent import Consent, Question
from pullcord.flow.engine import Engine
from pullcord.flow.parts import DEPTH, PAGES
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.flow.wording import INCOMPLETE, NO_PARTS
from pullcord.model import sanitize
from pullcord.model.answer import Answer
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

PARENT, CHILD, LATE_CHILD = (str(UUID(int=number)) for number in range(1, 4))
INVOCATION = "inv_1e3SUtnKPRcK6sNuqzDCUKs0fjtUWtj0J5"


@dataclass
class Person:
    """Agrees to everything that it is asked."""

    questions: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Consent:
        self.questions.append(question)
        return Consent.GIVEN

    def agreed(self, part: str) -> bool:
        return any(part in question.parts for question in self.questions)


@dataclass
class Flower:
    """Celery's tasks, which end when they are revoked."""

    children: dict[str, Sequence[str]]
    """The subtasks of each task that there is, by its id."""
    on_revoke: Callable[[str], None] = lambda _: None
    """Called with the id of each task that is revoked."""
    revoked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            self.revoked.append(name)
            self.on_revoke(name)
            return respond(200, {"message": f"Revoked '{name}'"})
        if name not in self.children:
            return respond(503, b"")
        state = "REVOKED" if name in self.revoked else "STARTED"
        return respond(200, {"uuid": name, "state": state, "started": 1.5, "children": [*self.children[name]]})


async def _cancel(
    answer: Callable[[httpx2.Request], httpx2.Response],
    platform: str = "flower",
    *,
    clock: Clock | None = None,
    person: Person | None = None,
    limit: Limit | None = None,
    environ: Mapping[str, str] | None = None,
) -> Answer:
    """Cancel the parent with all its parts, where each request is answered so."""
    tool, arguments = {
        "flower": ("revoke_celery_task", {"task_id": PARENT}),
        "restate": ("cancel_restate_invocation", {"invocation_id": INVOCATION}),
    }[platform]
    time = clock or Clock()
    scope = surface(
        Choice(platforms=[platform]), {f"{platform.upper()}_API_URL": "http://127.0.0.1:1", **(environ or {})}
    )

    def now() -> float:
        return time.now.timestamp()

    gateway = Gateway(mock(answer), now=now, sleep=time.sleep)
    engine = Engine(gateway, rate_limit=RateLimit(limit, gateway.now) if limit else None)

    async def report(_seconds: float, _of: float, _text: str) -> None:
        pass

    async with gateway:
        call = Call(scope, scope.catalogue[tool], {**arguments, "cascade": True})
        return await run(call, engine, Caller("a client", report, person))


def _outcomes(answer: Answer) -> dict[object, str]:
    return {part.arguments["task_id"]: part.outcome for part in answer.parts or ()}


async def test_a_protected_part_goes_on_and_the_whole_is_refused() -> None:
    flower = Flower({PARENT: [CHILD], CHILD: []})
    answer = await _cancel(flower, environ={"PULLCORD_PROTECT": CHILD})
    assert (answer.outcome, _outcomes(answer)) == ("refused", {CHILD: "refused"})
    assert "Of 1: No cancel was sent: this is work that must not be stopped from here" in answer.message
    assert flower.revoked == [PARENT]


async def test_a_part_beyond_the_rate_limit_can_be_cancelled_later() -> None:
    flower = Flower({PARENT: [CHILD], CHILD: []})
    answer = await _cancel(flower, limit=Limit(1, "hour"))
    assert (answer.outcome, _outcomes(answer)) == ("rate_limited", {CHILD: "rate_limited"})
    assert "this server may send 1 cancels per hour" in answer.message
    assert [each.arguments for each in answer.allowed_actions if each.rel == "retry-later"] == [{"task_id": CHILD}]


async def test_a_part_whose_cancel_is_no_tool_here_is_not_stopped() -> None:
    async with stage(only=["cancel_task", "get_task"]) as staged:
        ids = staged.sandbox.everruns.ids
        task = {"session_id": ids.active_session, "task_id": ids.subagent_task}
        answer = await staged.call("cancel_task", {**task, "cascade": True})
    assert [(each["tool"], each["outcome"]) for each in answer["parts"]] == [("cancel_turn", "denied")]
    assert "its tool is not one that this caller may use" in answer["message"]
    assert [each for each in staged.arrived if each.startswith("POST")] == [
        f"POST /v1/sessions/{ids.active_session}/tasks/{ids.subagent_task}/cancel"
    ]


async def test_without_time_left_a_part_is_not_stopped() -> None:
    clock = Clock()
    flower = Flower({PARENT: [CHILD], CHILD: []}, on_revoke=lambda _: clock.pass_seconds(60))
    answer = await _cancel(flower, clock=clock)
    assert (_outcomes(answer), flower.revoked) == ({CHILD: "unavailable"}, [PARENT])
    assert "No cancel was sent: there was no time left." in answer.message


async def test_a_person_is_asked_about_all_parts_at_once_and_one_that_is_found_later_is_left_to_the_agent() -> None:
    children: dict[str, Sequence[str]] = {PARENT: [CHILD], CHILD: [], LATE_CHILD: []}
    flower = Flower(children, on_revoke=lambda _: children.update({PARENT: [CHILD, LATE_CHILD]}))
    person = Person()
    answer = await _cancel(flower, person=person)
    (question,) = person.questions
    assert f"With it 1 more: Celery - revoke and terminate a task: task_id {CHILD}." in question.sentence
    assert question.target == {"task_id": PARENT}
    assert CHILD in " ".join(question.parts)
    assert _outcomes(answer) == {CHILD: "stopped", LATE_CHILD: "refused"}
    assert flower.revoked == [PARENT, CHILD]
    (step,) = [each for each in answer.allowed_actions if each.rel == "cancel"]
    assert (step.arguments, step.hint) == ({"task_id": LATE_CHILD}, "Cancel it, too; a person is asked.")


async def test_a_task_that_names_its_own_parent_is_stopped_once() -> None:
    flower = Flower({PARENT: [CHILD], CHILD: [PARENT, CHILD]})
    answer = await _cancel(flower)
    assert _outcomes(answer) == {CHILD: "stopped"}
    assert flower.revoked == [PARENT, CHILD]
    assert INCOMPLETE not in answer.message


async def test_parts_are_followed_through_five_generations_and_further_ones_are_told_of() -> None:
    names = [PARENT, *(str(UUID(int=number)) for number in range(2, DEPTH + 3))]
    flower = Flower({name: names[place + 1 : place + 2] for place, name in enumerate(names)})
    answer = await _cancel(flower)
    assert list(_outcomes(answer)) == names[1 : DEPTH + 1]
    assert INCOMPLETE in answer.message


@pytest.mark.parametrize("name", ["no id", CHILD])
async def test_a_part_whose_id_does_not_fit_or_whose_look_fails_is_told_of(name: str) -> None:
    flower = Flower({PARENT: [name]})
    answer = await _cancel(flower)
    assert (_outcomes(answer), flower.revoked) == ({}, [PARENT])
    assert INCOMPLETE in answer.message
    assert NO_PARTS not in answer.message


PAGE = [{"id": INVOCATION, "status": "completed"}] * sanitize.ITEMS_LIMIT


@pytest.mark.parametrize(
    ("status", "body", "is_complete"),
    [
        (200, {"rows": PAGE * (1 + PAGES)}, True),
        (200, {"rows": PAGE * (2 + PAGES)}, False),
        (503, {"message": "Query service not available"}, False),
    ],
    ids=["read to its end", "too long", "unreadable"],
)
async def test_what_a_list_of_parts_does_not_show_is_told_of(status: int, body: object, *, is_complete: bool) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "PATCH":
            return respond(202)
        if b"invoked_by_id =" in request.read():
            return respond(status, body)
        failure = {"completion_result": "failure", "completion_failure": "[409] Cancelled"}
        return respond(200, {"rows": [{"id": INVOCATION, "target": "a/b", "status": "completed", **failure}]})

    given = await _cancel(answer, "restate")
    assert given.parts == ()
    assert (NO_PARTS in given.message, INCOMPLETE in given.message) == (is_complete, not is_complete)
