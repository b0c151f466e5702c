"""A cancel with cascade: what is found, in which order it is stopped, and what may be said of the whole."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from tests.hurry import HURRIED
from tests.loom import loom
from tests.support import Answer, respond
from tests.transport import mock

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.parts import MOST, PAGES
from pullcord.flow.rate_limit import Limit, RateLimit
from pullcord.flow.wording import INCOMPLETE
from pullcord.model.answer import Items
from pullcord.model.operation import Catalogue
from pullcord.model.value import Json
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

TREE = loom(
    "{aim: task, confirm: self}",
    ("outcome: stopped, work_stopped: 'yes'}", "outcome: stopped, work_stopped: 'yes', may_go_on: [children]}"),
)
"""Every thread may have started others, as a cancel that is proved says."""
Cancelled: TypeAlias = Callable[[str], Awaitable[None]]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, Mapping[str, Any]]:
    return HURRIED


async def _nothing(_: str) -> None:
    """What a cancel does beside stopping its thread."""


@dataclass
class Threads:
    """Threads that run, each of which ends at once where it is cancelled."""

    children: dict[str, list[str]]
    """By the id of the thread that started them: it names them itself."""
    listed: dict[str, list[str]] = field(default_factory=dict)
    """Those that only a list names."""
    states: dict[str, str] = field(default_factory=dict)
    """Of those that don't run."""
    replies: dict[str, str | int] = field(default_factory=dict)
    """The states, or statuses, that cancels are answered with, where it isn't proved that they stopped."""
    held: frozenset[str] = frozenset()
    """Those that have no cancel."""
    cancelled: list[str] = field(default_factory=list)
    on_cancel: Cancelled = _nothing
    on_look: Cancelled = _nothing
    requests: list[str] = field(default_factory=list)

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.split("/")
        self.requests.append(f"{request.method} {request.url.path}")
        if len(path) == 2:
            return self._list(request.url.params)
        name = path[2]
        if request.method == "GET":
            await self.on_look(name)
            return respond(200, self._shown(name))
        self.cancelled.append(name)
        await self.on_cancel(name)
        reply = self.replies.get(name, "proved")
        if isinstance(reply, int):
            return respond(reply, {"error": "no"})
        if reply == "proved":
            self.states[name] = "done"
        return respond(200, {"id": name, "state": reply})

    def _list(self, query: Mapping[str, str]) -> httpx2.Response:
        page, per = int(query.get("page", 1)), int(query.get("per", 2))
        names = self.listed.get(query["parent"], [])
        shown = [{"id": name, "state": self.states.get(name, "running")} for name in names]
        return respond(200, {"threads": shown[(page - 1) * per : page * per], "total": len(shown)})

    def _shown(self, name: str) -> dict[str, object]:
        return {
            "id": name,
            "state": self.states.get(name, "running"),
            "children": self.children.get(name, []),
            "held": True if name in self.held else None,
        }


async def cascade(
    threads: Threads,
    *,
    catalogue: Catalogue = TREE,
    rate_limit: RateLimit | None = None,
    journal: Journal | None = None,
    protected: Sequence[str] = (),
    told: list[tuple[float, float, str]] | None = None,
    **arguments: Json,
) -> Answer:
    """Cancel the thread p with all that it started.

    Args:
        threads: answer.
        catalogue: Loom's operations.
        rate_limit: of cancels.
        journal: where they are recorded.
        protected: what must not be stopped.
        told: filled with the progress.
        arguments: for the cancel, beside its id and cascade.
    """
    scope = Surface.of(catalogue, settings.read(catalogue, {}), protected=protected)

    async def report(seconds: float, of: float, text: str) -> None:
        if told is not None:
            told.append((seconds, of, text))

    async with Gateway(mock(threads)) as gateway:
        engine = Engine(gateway, journal, rate_limit)
        given: dict[str, Json] = {"id": "p", "cascade": True, "wait_seconds": 0, **arguments}
        call = Call(scope, catalogue["cancel_thread"], given)
        return (await run(call, engine, Caller("test", report))).to_json()


def limited(count: int) -> RateLimit:
    return RateLimit(Limit(count, "hour"), anyio.current_time)


def outcomes(answer: Answer) -> dict[str, str]:
    return {part["arguments"]["id"]: part["outcome"] for part in answer["parts"]}


async def test_the_parent_is_cancelled_first_and_then_its_parts_side_by_side() -> None:
    together = anyio.Event()

    async def meet(name: str) -> None:
        if len(threads.cancelled) == 4:
            together.set()
        if name != "p":
            await together.wait()

    threads = Threads({"p": ["a", "b", "c"]}, on_cancel=meet)
    answer = await cascade(threads)

    assert threads.cancelled[0] == "p"
    assert (answer["outcome"], answer["work_stopped"]) == ("stopped", "yes")
    assert outcomes(answer) == {"a": "stopped", "b": "stopped", "c": "stopped"}
    assert answer["message"].endswith("3 pieces that it had started: 3 stopped.")


async def test_a_part_whose_cancel_takes_no_argument_is_stopped_too() -> None:
    sweep = """\
  /sweep/all:
    post:
      operationId: sweep_threads
      summary: Loom - sweep
      description: Stops what is left over.
      x-cancel: {aim: task}
      responses:
        '200': {description: Good., content: *json, x-outcomes: [{when: {/state: [proved]}, outcome: stopped}]}
        default: {description: Bad., content: *json}
  /threads/{id}/kill:
"""
    link = "            sweep: {operationId: sweep_threads, description: Sweep., x-part: true}\n"
    catalogue = loom(
        "{aim: task, confirm: self}",
        ("  /threads/{id}/kill:\n", sweep),
        ("            up: {operationId: get_spool", f"{link}            up: {{operationId: get_spool"),
    )
    threads = Threads({})
    answer = await cascade(threads, catalogue=catalogue, wait_seconds=5)

    assert (answer["outcome"], threads.cancelled) == ("stopped", ["p", "all"])
    assert [(part["tool"], part["arguments"]) for part in answer["parts"]] == [("sweep_threads", {})]


async def test_parts_are_found_in_looks_and_lists_and_those_of_parts_too() -> None:
    threads = Threads({"p": ["a"], "b": ["c"]}, listed={"p": ["b", "x"], "a": ["d"]}, states={"x": "cancelled"})
    answer = await cascade(threads)

    assert outcomes(answer) == {"a": "stopped", "b": "stopped", "c": "stopped", "d": "stopped"}
    assert answer["work_stopped"] == "yes"


async def test_what_a_part_that_has_ended_started_is_stopped_too() -> None:
    threads = Threads({"p": ["a"], "a": ["b"]}, states={"a": "done"})
    answer = await cascade(threads)

    assert (outcomes(answer), threads.cancelled) == ({"b": "stopped"}, ["p", "b"])


async def test_where_the_parent_is_over_its_parts_are_stopped_all_the_same() -> None:
    threads = Threads({"p": ["a"]}, states={"p": "done"})
    answer = await cascade(threads, catalogue=loom("{aim: task, confirm: self, before: {look: self}}"))

    assert (answer["outcome"], threads.cancelled) == ("already_finished", ["a"])
    assert outcomes(answer) == {"a": "stopped"}


async def test_what_is_started_in_the_meantime_is_found_and_stopped_too() -> None:
    async def start(name: str) -> None:
        if name == "a":
            threads.children["p"].append("late")
            threads.children["a"] = ["later"]

    threads = Threads({"p": ["a"]}, on_cancel=start)
    answer = await cascade(threads)

    assert outcomes(answer) == {"a": "stopped", "late": "stopped", "later": "stopped"}
    assert answer["work_stopped"] == "yes"


async def test_what_a_part_starts_is_found_where_the_parent_names_nothing_any_more() -> None:
    async def start(name: str) -> None:
        if name == "p":
            threads.children = {"a": ["late"]}

    threads = Threads({"p": ["a"]}, on_cancel=start)
    answer = await cascade(threads)

    assert outcomes(answer) == {"a": "stopped", "late": "stopped"}


async def test_a_parent_whose_cancel_takes_its_time_leaves_some_to_its_parts() -> None:
    async def think(name: str) -> None:
        if name == "p":
            await anyio.sleep(20)

    threads = Threads({"p": ["a"]}, on_cancel=think)

    assert outcomes(await cascade(threads)) == {"a": "stopped"}


async def test_of_very_many_parts_fifty_are_stopped_and_nothing_is_said_to_be_proved() -> None:
    many = [f"a{number}" for number in range(MOST + 10)]
    wide = Threads({"p": many})
    two_sides = Threads({"p": ["a", "b"], "a": many[:30], "b": many[30:]})
    for threads in (wide, two_sides):
        answer = await cascade(threads)
        assert (len(answer["parts"]), len(threads.cancelled)) == (MOST, 1 + MOST)
        assert (answer["outcome"], answer["work_stopped"]) == ("stopped", "unknown")
        assert INCOMPLETE in answer["message"]


@pytest.mark.parametrize(
    ("threads", "complete"),
    [
        (Threads({}, listed={"p": [f"x{number}" for number in range(2 * (1 + PAGES))]}), True),
        (Threads({}, listed={"p": [f"x{number}" for number in range(2 * (1 + PAGES) + 1)]}), False),
        (Threads({"p": ["a"]}, held=frozenset({"a"})), False),
        (Threads({"p": ["a"]}, states={"a": "strange"}), False),
        (Threads({}, listed={"p": ["a"]}, states={"a": "strange"}), False),
        (Threads({"p": ["no/id"]}), False),
    ],
    ids=["all pages", "a page more", "no cancel", "a strange state", "one in a list", "no id"],
)
async def test_only_of_all_that_it_started_it_is_said_to_have_stopped(threads: Threads, *, complete: bool) -> None:
    answer = await cascade(threads)

    assert answer["work_stopped"] == ("yes" if complete else "unknown")
    assert (INCOMPLETE in answer["message"]) is not complete
    assert ("collection" in [each["rel"] for each in answer["allowed_actions"]]) is not complete, "there is more to do"


@pytest.mark.parametrize(
    ("replies", "outcome", "work_stopped"),
    [
        ({}, "stopped", "yes"),
        ({"a": 404}, "stopped", "yes"),
        ({"a": "accepted"}, "stopping", "unknown"),
        ({"a": "running"}, "stopping", "no"),
        ({"a": 500}, "unknown", "unknown"),
        ({"a": 403}, "denied", "unknown"),
        ({"a": 429}, "rate_limited", "unknown"),
        ({"a": 400}, "invalid_arguments", "unknown"),
        ({"a": 403, "b": 500}, "unknown", "unknown"),
        ({"a": 500, "b": "running"}, "stopping", "no"),
        ({"a": 429, "b": 403}, "rate_limited", "unknown"),
        ({"p": "running"}, "stopping", "no"),
        ({"p": 500, "a": "accepted"}, "stopping", "unknown"),
        ({"p": 404, "a": 403}, "denied", "unknown"),
        ({"p": 404}, "not_found", "yes"),
    ],
)
async def test_what_came_of_the_whole(replies: dict[str, str | int], outcome: str, work_stopped: str) -> None:
    answer = await cascade(Threads({"p": ["a", "b"]}, replies=replies))

    assert (answer["outcome"], answer["work_stopped"]) == (outcome, work_stopped)
    assert outcomes(answer).keys() == {"a", "b"}
    if "p" not in replies:
        assert answer["message"].startswith("Loom reports that the work ended because it was cancelled.")
    assert (answer["problem"] is not None) is (outcome not in {"stopped", "stopping"})


async def test_children_go_on_no_more_once_each_has_ended() -> None:
    over = await cascade(Threads({"p": ["a"]}))
    assert over["may_go_on"] == []

    replies: list[str | int] = ["accepted", 403]
    for reply in replies:
        rest = await cascade(Threads({"p": ["a"]}, replies={"a": reply}))
        assert "children" in rest["may_go_on"]

    unread = await cascade(Threads({"p": ["a"]}, held=frozenset({"a"})))
    assert unread["may_go_on"] == ["children"]


async def test_each_piece_that_is_not_over_has_its_next_step() -> None:
    answer = await cascade(Threads({"p": ["a", "b"]}, replies={"a": "accepted", "b": 429}))

    steps = [(each["rel"], each["tool"], each["arguments"]["id"]) for each in answer["allowed_actions"]]
    assert steps == [("self", "get_thread", "a"), ("retry-later", "cancel_thread", "b")]


class Lines(Journal):
    """A journal in memory."""

    def __init__(self) -> None:
        super().__init__("")
        self.all: list[Mapping[str, Any]] = []

    async def write(self, line: Mapping[str, Any]) -> None:
        self.all.append(line)


async def test_each_piece_has_a_name_of_its_own_in_the_journal() -> None:
    journal = Lines()
    await cascade(Threads({"p": ["a", "b"]}), journal=journal, reason="enough")

    intents = {line["id"]: (line["target"]["id"], line["reason"]) for line in journal.all if line["event"] == "intent"}
    assert sorted(intents.values()) == [("a", "enough"), ("b", "enough"), ("p", "enough")]
    assert sorted(line["id"] for line in journal.all if line["event"] == "outcome") == sorted(intents)


@pytest.mark.parametrize("outcome", ["rate_limited", "refused"])
async def test_where_the_parent_is_not_sent_its_parts_are_left_alone(outcome: str) -> None:
    threads, rate_limit = Threads({"p": ["a"]}), limited(1)
    if outcome == "rate_limited":
        await rate_limit.take()
    answer = await cascade(threads, rate_limit=rate_limit, protected=["p"] if outcome == "refused" else [])

    assert (answer["outcome"], answer["parts"], threads.cancelled) == (outcome, None, [])


async def test_the_limit_counts_each_piece() -> None:
    threads = Threads({"p": ["a", "b", "c"]})
    answer = await cascade(threads, rate_limit=limited(3))

    assert len(threads.cancelled) == 3
    assert sorted(outcomes(answer).values()) == ["rate_limited", "stopped", "stopped"]
    assert answer["outcome"] == "rate_limited"


async def test_what_hangs_while_parts_are_read_holds_the_parents_cancel_up_for_seconds_only() -> None:
    async def hang(name: str) -> None:
        if name == "a":
            await anyio.sleep_forever()

    threads = Threads({"p": ["a"]}, on_look=hang)
    began = anyio.current_time()

    async def note(_: str) -> None:
        at.append(anyio.current_time() - began)

    at: list[float] = []
    threads.on_cancel = note
    answer = await cascade(threads)

    assert threads.cancelled == ["p"]
    assert at == pytest.approx([15])
    assert (answer["outcome"], answer["work_stopped"]) == ("stopped", "unknown")
    assert INCOMPLETE in answer["message"]


async def test_the_progress_of_pieces_that_are_watched_at_once_grows() -> None:
    told: list[tuple[float, float, str]] = []
    await cascade(Threads({"p": ["a", "b"]}, replies=dict.fromkeys("pab", "running")), told=told, wait_seconds=20)

    seconds = [each for each, *_ in told]
    assert len(seconds) > 5
    assert seconds == sorted(set(seconds)), "each is more than the one before"
    assert {of for _, of, _ in told} == {45}


async def test_progress_tells_which_part_it_is_about() -> None:
    told: list[tuple[float, float, str]] = []
    parts = ["a", "the-longest-of-all-ids"]
    await cascade(Threads({"p": parts}, replies=dict.fromkeys(["p", *parts], "running")), told=told, wait_seconds=20)

    assert {text for *_, text in told} == {"Loom: running", "Loom: running (a)", "Loom: running (t-of-all-ids)"}


async def test_a_cancel_whose_answer_says_that_looks_teach_nothing_is_watched_where_its_parts_are_stopped() -> None:
    async def end(name: str) -> None:
        if name == "a":
            threads.states["p"] = "done"

    threads = Threads({"p": ["a"]}, replies={"p": "flagged"}, on_cancel=end)
    answer = await cascade(threads, wait_seconds=20)

    assert (answer["outcome"], answer["state"]) == ("finished_first", "done")


async def test_without_cascade_nothing_is_looked_for() -> None:
    threads = Threads({"p": ["a"]})
    answer = await cascade(threads, cascade=False)

    assert (answer["parts"], threads.requests) == (None, ["POST /threads/p/cancel"])


async def test_an_id_that_a_platform_writes_as_a_number_is_that_of_the_text_that_its_cancel_takes() -> None:
    cancelled: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            cancelled.append(request.url.path.split("/")[2])
            return respond(200, {"state": "proved"})
        if request.url.path == "/threads":
            listed = [] if "parent" in request.url.params else [{"id": 7, "state": "running"}]
            return respond(200, {"threads": listed, "total": len(listed)})
        return respond(200, {"id": 7, "state": "running", "children": [8] if request.url.path == "/threads/7" else []})

    scope = Surface.of(TREE, settings.read(TREE, {}))
    async with Gateway(mock(answer)) as gateway:
        found = await run(Call(scope, scope.tools["find_running"], {}), Engine(gateway), Caller("test", _unreported))
        assert isinstance(found.resource, Items)
        (item,) = found.resource.items
        (stop,) = item.actions
        assert (stop.tool, stop.arguments) == ("cancel_thread", {"id": "7"})
        call = Call(scope, scope.tools["cancel_thread"], {"id": "7", "cascade": True, "wait_seconds": 0})
        stopped = await run(call, Engine(gateway), Caller("test", _unreported))

    assert (cancelled, [each.arguments for each in stopped.parts or ()]) == (["7", "8"], [{"id": "8"}])


async def _unreported(*_: object) -> None:
    """Report nothing."""


async def test_a_cancel_that_is_no_tool_stops_parts_with_their_parent_also_where_only_the_parent_s_is_offered() -> None:
    hidden = loom(
        "{aim: task, confirm: self}",
        ("operationId: kill_thread\n      summary", "operationId: kill_thread\n      x-tool: false\n      summary"),
        (
            "operationId: cancel_thread\n            parameters: {id: $item#/id}",
            "operationId: kill_thread\n            parameters: {id: $item#/id}",
        ),
    )
    posts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            posts.append(request.url.path)
            return respond(200, {"state": "proved"})
        if request.url.path == "/threads":
            return respond(200, {"threads": [{"id": "part", "state": "running"}], "total": 1})
        return respond(200, {"state": "running"})

    scope = Surface.of(hidden, settings.read(hidden, {}), only=["cancel_thread"])
    async with Gateway(mock(answer)) as gateway:
        call = Call(scope, scope.tools["cancel_thread"], {"id": "top", "cascade": True, "wait_seconds": 0})
        await run(call, Engine(gateway), Caller("test", _unreported))

    assert posts == ["/threads/top/cancel", "/threads/part/kill"]
