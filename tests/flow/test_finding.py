"""find_running: one look at all that runs. Nothing that was not seen is passed over in silence."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hurry import HURRIED
from tests.mill import PAGE, PAGES, RUNNING, mill
from tests.support import BASE_URL, Answer, Stage, action, respond, shipped, stage
from tests.transport import mock

from pullcord.config import settings as read_settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.model.operation import Catalogue
from pullcord.sandbox import Sandbox
from pullcord.upstream.connections import UnsentError
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])

Answering: TypeAlias = Callable[[httpx2.Request], "httpx2.Response | Awaitable[httpx2.Response]"]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, Mapping[str, Any]]:
    """Platforms that hang take no time."""
    return HURRIED


async def find(
    catalogue: Catalogue,
    answer: Answering,
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    protected: Collection[str] = (),
) -> Answer:
    """Look at what runs on a platform that answers so."""
    scope = Surface.of(catalogue, read_settings.read(catalogue, environ or {}), protected=protected)
    async with Gateway(mock(answer)) as gateway:  # type: ignore[arg-type] # it may be a coroutine
        call = Call(scope, scope.tools["find_running"], arguments or {})
        told = (await run(call, Engine(gateway), Caller("test"))).to_json()
    for item in (told["resource"] or {"items": []})["items"]:
        for each in item["allowed_actions"]:
            assert scope.checks[each["tool"]](each["arguments"]) == []
    return told


class Mill:
    """A mill with jobs, which shows them as it is asked.

    Args:
        jobs: by id, each with its state and what else is told of it.
    """

    def __init__(self, jobs: Mapping[str, Mapping[str, object]]) -> None:
        self.jobs = [{"id": name, **job} for name, job in jobs.items()]
        self.wheels: list[dict[str, object]] = []
        self.seen: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        self.seen.append(str(request.url).removeprefix("http://127.0.0.1:1"))
        if request.url.path == "/wheels":
            return respond(200, {"wheels": self.wheels})
        wheel = request.url.path.split("/")[2] if request.url.path.startswith("/wheels/") else None
        jobs = [
            each for each in self.jobs if query.get("state") in {None, each["state"]} and each.get("wheel") == wheel
        ]
        page, per = int(query.get("page", 1)), int(query.get("per", 3))
        return respond(200, {"jobs": jobs[(page - 1) * per : page * per], "total": len(jobs)})


def job(state: str = "running", **given: object) -> dict[str, object]:
    return {"state": state, **given}


def names(answer: Answer) -> list[str]:
    return [str(each.get("name")) for each in answer["resource"]["items"]]


def offered(answer: Answer) -> list[tuple[str, str]]:
    """The relation and the last argument of each action of the items."""
    actions = [each for item in answer["resource"]["items"] for each in item["allowed_actions"]]
    return [(each["rel"], str([*each["arguments"].values()][-1])) for each in actions]


class TestTheSandbox:
    @ERAS
    async def test_all_that_runs_or_waits_is_there_with_what_can_be_done(self, mode: str) -> None:
        async with stage(mode) as staged:
            items = await _all(staged)
            assert {(item["platform"], item["name"]) for item in items} == _running(staged)
            assert len(items) == 25
            for item in items:
                (step,) = item["allowed_actions"]
                assert list(step) == ["rel", "tool", "arguments"]
                answer = await staged.call(step["tool"], step["arguments"])
                assert answer["outcome"] in {
                    "stopped",
                    "stopping",
                    "finished_first",
                    "observed",
                    "unavailable",
                    "unknown",
                }

    @ERAS
    async def test_the_oldest_come_first_and_those_without_a_start_last(self, mode: str) -> None:
        async with stage(mode) as staged:
            since = [item.get("since", "~") for item in await _all(staged)]
            assert since == sorted(since)
            assert since[0] == "2026-10-01T11:02Z"
            assert since.count("~") == 4, "a session doesn't say when its turn began"

    async def test_an_item_says_what_it_is_and_nothing_twice(self) -> None:
        async with stage() as staged:
            answer = await staged.call("find_running", {"contains": "crawl"})
            ids = staged.sandbox.everruns.ids
            assert answer["resource"]["items"] == [
                {
                    "platform": "everruns",
                    "name": "Crawl the old site",
                    "state": "running",
                    "since": "2026-10-01T11:07Z",
                    "allowed_actions": [
                        {
                            "rel": "cancel",
                            "tool": "cancel_task",
                            "arguments": {"session_id": ids.active_session, "task_id": ids.background_task},
                        }
                    ],
                }
            ]
        assert answer["message"] == "1 piece of work is running, queued or paused."
        assert (answer["operation_id"], answer["platform"], answer["outcome"]) == (
            "find_running",
            "pullcord",
            "observed",
        )
        assert answer["evidence"] == {
            "platforms": {"everruns": "observed", "evershell": "observed", "xpander": "observed"}
        }
        assert (answer["target"], answer["allowed_actions"]) == ({}, [])

    async def test_a_part_goes_on_behind_what_was_seen_whatever_begins_and_ends_in_between(self) -> None:
        async with stage() as staged:
            first = await staged.call("find_running")
            assert first["message"] == "20 pieces of work are running, queued or paused; 5 more follow."
            assert first["resource"]["left_out"] == 5
            for item in first["resource"]["items"][:10]:
                (step,) = item["allowed_actions"]
                await staged.call(step["tool"], step["arguments"])
            added = staged.sandbox.everruns.add_task()
            second = await staged.follow(first, "next")
            assert len(second["resource"]["items"]) == 6
            assert added in {name for _, name in offered(second)}
            assert not set(offered(first)) & set(offered(second))
            assert second["allowed_actions"] == []

    async def test_nothing_more_follows_the_last(self) -> None:
        async with stage() as staged:
            answer = await staged.call("find_running", {"after": "~ zzz zzz"})
            assert (answer["message"], answer["resource"]) == ("No more work follows.", {"items": []})

    async def test_one_platform_is_asked_where_only_that_is_wanted(self) -> None:
        async with stage() as staged:
            answer = await staged.call("find_running", {"platform": "xpander"})
            assert {item["platform"] for item in answer["resource"]["items"]} == {"xpander"}
            assert answer["evidence"] == {"platforms": {"xpander": "observed"}}
            assert {each.platform for each in staged.sandbox.requests} == {"xpander"}

    @pytest.mark.parametrize("text", ["CRAWL the", "task_0199aa00000070008000000000000008", "T1M"])
    async def test_what_is_looked_for_stands_in_a_name_or_an_id(self, text: str) -> None:
        async with stage() as staged:
            answer = await staged.call("find_running", {"contains": text})
            assert names(answer) == ([] if text == "T1M" else ["Crawl the old site"])
            if text == "T1M":
                assert answer["message"] == "No work that runs has this in its name or its ids."

    async def test_a_next_part_is_narrowed_as_the_first(self) -> None:
        async with stage() as staged:
            for _ in range(25):
                staged.sandbox.everruns.add_task()
            first = await staged.call("find_running", {"contains": "added", "platform": "everruns"})
            second = await staged.follow(first, "next")
            assert (len(names(first)), set(names(second)), len(names(second))) == (20, {"Added"}, 5)

    async def test_arguments_that_are_none_are_told_and_nothing_is_sent(self) -> None:
        async with stage() as staged:
            answer = await staged.call("find_running", {"platform": "nowhere", "contans": "x"})
            assert (answer["outcome"], staged.arrived) == ("invalid_arguments", [])
        assert "platform must be one of everruns, evershell, xpander" in answer["message"]
        assert "did you mean contains?" in answer["message"]

    @ERAS
    async def test_protected_work_is_marked_and_has_no_cancel(self, mode: str) -> None:
        session = f"session_{'0199aa000000700080' + '5'.rjust(14, '0')}"
        async with stage(mode, environ={"PULLCORD_PROTECT": session.upper()}) as staged:
            items = [item for item in await _all(staged) if item.get("protected")]
            assert {item["name"] for item in items} >= {"Site migration", "Crawl the old site"}
            for item in items:
                assert [step["rel"] for step in item["allowed_actions"]] == ["item"]
            answer = await staged.call("find_running", {"contains": "crawl"})
        assert answer["message"].endswith("What is protected must not be stopped from here (PULLCORD_PROTECT).")

    async def test_only_what_is_a_tool_here_is_offered(self) -> None:
        async with stage(only=["find_running", "cancel_turn"]) as staged:
            items = await _all(staged)
            assert {step["tool"] for item in items for step in item["allowed_actions"]} == {"cancel_turn"}
            assert len(items) == 25


class TestWhatIsNotSetUp:
    async def test_without_any_platform_it_is_denied_with_what_to_set(self) -> None:
        keys = dict.fromkeys(["EVERRUNS_API_KEY", "EVERSHELL_API_KEY", "XPANDER_API_KEY"], "")
        async with stage(environ=keys) as staged:
            answer = await staged.call("find_running")
            assert staged.arrived == []
        assert (answer["outcome"], answer["resource"]) == ("denied", None)
        assert answer["message"] == (
            "What runs is unknown: Everruns (EVERRUNS_API_KEY is not set); EverShell (EVERSHELL_API_KEY is not set);"
            " xpander.ai (XPANDER_API_KEY is not set)."
        )
        assert [each["hint"] for each in answer["allowed_actions"]] == [
            "Everruns: Set EVERRUNS_API_KEY where pullcord is started.",
            "EverShell: Set EVERSHELL_API_KEY where pullcord is started.",
            "xpander.ai: Set XPANDER_API_KEY where pullcord is started.",
        ]

    async def test_one_that_is_not_set_up_is_not_in_use(self) -> None:
        async with stage(environ={"XPANDER_API_KEY": ""}) as staged:
            answer = await staged.call("find_running", {"contains": "crawl"})
            assert answer["evidence"] == {"platforms": {"everruns": "observed", "evershell": "observed"}}
            assert answer["message"] == "1 piece of work is running, queued or paused."
            asked = await staged.call("find_running", {"platform": "xpander"})
            assert (asked["outcome"], asked["problem"]["title"]) == ("denied", "Nothing seen")

    async def test_one_with_a_mistake_in_its_settings_is_told(self) -> None:
        async with stage(environ={"XPANDER_API_KEY": "two words"}) as staged:
            answer = await staged.call("find_running", {"contains": "crawl"})
            assert answer["evidence"]["platforms"]["xpander"] == "denied"
            assert "Not all was seen: xpander.ai (XPANDER_API_KEY: the key holds white space" in answer["message"]
            assert "Correct this" in action(answer, "authorize")["hint"]


class TestLists:
    async def test_each_state_that_runs_is_asked_for_and_each_list_read_to_its_end(self) -> None:
        jobs = {f"j{number}": job(name=f"Job {number}", began=number) for number in range(5)}
        platform = Mill({**jobs, "q1": job("queued", name="Next"), "d1": job("done", name="Old")})
        answer = await find(mill(), platform)
        assert names(answer) == ["Job 0", "Job 1", "Job 2", "Job 3", "Job 4", "Next"]
        assert sorted(platform.seen) == [
            "/jobs?state=queued&page=1&per=3",
            "/jobs?state=running&page=1&per=3",
            "/jobs?state=running&page=2&per=3",
        ]

    async def test_what_a_list_shows_that_has_ended_is_left_out_and_an_unknown_state_is_not(self) -> None:
        platform = Mill({name: job("running", name=name) for name in ("done", "parked", "odd", "waiting")})
        for each in platform.jobs:
            each["state"] = each["id"]
        answer = await find(mill((RUNNING, "        running: [{}]\n")), platform)
        assert sorted(names(answer)) == ["odd", "waiting"]
        assert sorted(offered(answer)) == [("item", "odd"), ("item", "waiting")]

    async def test_where_no_list_says_how_to_ask_for_it_what_runs_is_picked_out(self) -> None:
        platform = Mill({name: job(name, name=name) for name in ("running", "waiting", "done", "odd")})
        answer = await find({"list_jobs": mill((RUNNING, ""))["list_jobs"], **mill((RUNNING, ""))}, platform)
        assert sorted(names(answer)) == ["running", "waiting"]

    async def test_work_of_which_two_lists_tell_is_there_once(self) -> None:
        platform = Mill({"j1": job(name="Once")})
        answer = await find(mill((RUNNING, "        running: [{}, {state: running}]\n")), platform)
        assert (names(answer), len(platform.seen)) == (["Once"], 2)

    async def test_a_name_is_one_line_of_bounded_length_and_a_number_is_one_too(self) -> None:
        platform = Mill({"a": job(name="\x1b[31mGrind\n" + "x" * 100), "b": job(name=7), "c": job(name=["no"])})
        answer = await find(mill(), platform)
        assert names(answer) == [f"[31mGrind {'x' * 49}…", "7", "None"]

    async def test_items_to_which_nothing_leads_are_told_apart_by_what_is_shown(self) -> None:
        def answer(request: httpx2.Request) -> httpx2.Response:
            queued = "queued" in str(request.url)
            return respond(
                200, {"jobs": [] if queued else [{"state": "running"}, {"state": "odd"}, {"state": "running"}]}
            )

        found = await find(mill(), answer)
        assert found["resource"]["items"] == [
            {"platform": "mill", "state": "odd", "allowed_actions": []},
            {"platform": "mill", "state": "running", "allowed_actions": []},
        ]

    async def test_of_a_list_that_goes_no_further_it_is_said_how_much_was_seen(self) -> None:
        jobs = {f"j{number}": job(name=f"Job {number}") for number in range(60)}
        changes = ((PAGES, "pages: {style: limit, size: per}"), (PAGE, ""), (RUNNING, "        running: [{per: 50}]\n"))
        answer = await find(mill(*changes), Mill(jobs))
        assert answer["evidence"] == {"platforms": {"mill": "partly"}}
        assert answer["resource"]["left_out"] == 30
        assert answer["message"].endswith("Not all was seen: Mill (of a list only the newest 50 were seen).")

    async def test_a_list_that_goes_no_further_is_asked_for_as_much_as_it_gives(self) -> None:
        jobs = {f"j{number}": job(name=f"Job {number}") for number in range(14)}
        changes = ((PAGES, "pages: {style: limit, size: per}"), (PAGE, ""), (RUNNING, "        running: [{}]\n"))
        platform = Mill(jobs)
        answer = await find(mill(*changes), platform)
        assert (len(names(answer)), answer["evidence"]) == (14, {"platforms": {"mill": "observed"}})
        assert platform.seen == ["/jobs?per=3", "/jobs?per=15"]

    async def test_a_list_that_comes_as_a_whole_is_asked_for_once(self) -> None:
        jobs = {f"j{number}": job(name=f"Job {number}") for number in range(45)}
        changes = ((PAGES, "pages: {style: whole}"), (PAGE, ""), (RUNNING, "        running: [{per: 50}]\n"))
        platform = Mill(jobs)
        answer = await find(mill(*changes), platform)
        assert (answer["resource"]["left_out"], len(platform.seen)) == (25, 1)

    async def test_a_list_that_leads_back_ends(self) -> None:
        cursor = "        - {name: page, in: query, description: The part., schema: {type: string}}\n"
        changes = ((PAGES, "pages: {style: cursor, at: page, next: /next}"), (PAGE, cursor))

        def answer(request: httpx2.Request) -> httpx2.Response:
            part = request.url.params.get("page", "c0")
            seen.append(part)
            return respond(
                200, {"jobs": [{"id": part, "state": "running"}], "next": {"c0": "c1", "c1": "c2"}.get(part, "c1")}
            )

        seen: list[str] = []
        found = await find(mill(*changes, (RUNNING, "        running: [{}]\n")), answer)
        assert seen == ["c0", "c1", "c2"]
        assert found["evidence"] == {"platforms": {"mill": "observed"}}


class TestWorkWithinItems:
    async def test_the_list_that_holds_the_work_is_read_instead_of_showing_the_item(self) -> None:
        platform = Mill(
            {
                "j1": job(name="Grind", wheel="w1"),
                "j2": job("waiting", wheel="w1"),
                "j3": job("done", name="Old", wheel="w1"),
                "j4": job(name="Elsewhere", wheel="w2"),
            }
        )
        platform.wheels = [{"id": "w1", "name": "Wheel", "state": "running"}, {"id": "w2", "state": "done"}]
        answer = await find(mill(wheels=True), platform)
        assert names(answer) == ["Grind", "Wheel"], "work without a name is called like what holds it"
        assert offered(answer) == [("cancel", "j1"), ("item", "j2")]
        assert sorted(each for each in platform.seen if "/wheels/" in each) == [
            "/wheels/w1/jobs?state=running&per=3",
            "/wheels/w1/jobs?state=waiting&per=3",
        ]

    async def test_where_that_list_can_not_be_read_the_item_stands_for_its_work(self) -> None:
        platform = Mill({})
        platform.wheels = [{"id": "w1", "name": "Wheel", "state": "running"}, {"name": "No id", "state": "running"}]

        def answer(request: httpx2.Request) -> httpx2.Response:
            return respond(403, {"error": "no"}) if request.url.path.startswith("/wheels/") else platform(request)

        found = await find(mill(wheels=True), answer)
        assert sorted(names(found)) == ["No id", "Wheel"]
        assert offered(found) == [("cancel", "w1")]
        assert found["evidence"] == {"platforms": {"mill": "partly"}}
        assert found["message"].endswith("Not all was seen: Mill (Mill refused the key).")
        by_number = await find(mill(wheels=True), answer, {"contains": "3"})
        assert names(by_number) == [], "what the manifest itself says in a call is no id"

    async def test_a_list_to_which_several_items_lead_is_read_once(self) -> None:
        platform = Mill({"j1": job(wheel="g1")})
        platform.wheels = [{"id": f"w{each}", "group": "g1", "name": f"Wheel {each}"} for each in range(30)]
        own = "item: {operationId: get_job, parameters: {id: $item#/id}, description: Look at it.}\n          "
        old = "jobs: {operationId: list_wheel_jobs, parameters: {wheel: $item#/id, per: 3}"
        shared = mill((old, own + old.replace("/id", "/group")), wheels=True)
        answer = await find(shared, platform)
        assert offered(answer) == [("cancel", "j1")]
        assert names(answer) == ["None"], "no item's name is the work's where several lead to it"
        assert sum("/wheels/" in each for each in platform.seen) == 2, "the list is read once in each state"

        def refuse(request: httpx2.Request) -> httpx2.Response:
            return respond(403, {"error": "no"}) if request.url.path.startswith("/wheels/") else platform(request)

        found = await find(shared, refuse)
        assert (names(found), found["evidence"]) == ([], {"platforms": {"mill": "partly"}}), "they may hold no work"
        platform.wheels = [{**each, "state": "running"} for each in platform.wheels[:2]]
        assert sorted(names(await find(shared, refuse))) == ["Wheel 0", "Wheel 1"], "each stands for its work"

    async def test_where_there_are_too_many_the_rest_stand_for_their_work(self) -> None:
        platform = Mill({})
        platform.wheels = [{"id": f"w{number}", "name": f"Wheel {number}", "state": "running"} for number in range(12)]
        found = await find(mill(wheels=True), platform)
        assert len(platform.seen) == 20
        assert names(found), "what could not be looked into is shown as it is"
        assert found["evidence"] == {"platforms": {"mill": "partly"}}

    async def test_a_part_that_can_not_be_read_takes_nothing_from_what_was_seen(self) -> None:
        jobs = {f"j{number}": job(name=f"Job {number}", wheel="w1") for number in range(9)}
        platform = Mill(jobs)
        platform.wheels = [{"id": "w1", "name": "Wheel", "state": "running"}]

        def answer(request: httpx2.Request) -> httpx2.Response:
            return respond(500, {"error": "no"}) if request.url.params.get("per") == "15" else platform(request)

        found = await find(mill(wheels=True), answer)
        assert names(found) == ["Job 0", "Job 1", "Job 2"]


STATE = "        - {name: state, in: query, description: Only in this state., schema: *text}\n        - {name: page"
OWNER = "        - {name: owner, in: path, required: true, description: Whose., schema: *text}\n"
WHICH = "        - {name: mill, in: path, required: true, description: Which., schema: *text}\n"
PLACED = (
    ("  /jobs:\n", "  /mills/{owner}/{mill}/jobs:\n"),
    (STATE, OWNER + WHICH + STATE),
    (RUNNING, f"{RUNNING}        places: {{env: MILL_PLACES, fills: [owner, mill]}}\n"),
)


class TestPlaces:
    async def test_each_place_that_is_named_is_looked_through(self) -> None:
        seen: list[str] = []

        def answer(request: httpx2.Request) -> httpx2.Response:
            seen.append(f"{request.url.path}?{request.url.params['state']}")
            return respond(200, {"jobs": []})

        answer_ = await find(mill(*PLACED), answer, environ={"MILL_PLACES": "ada/north, bo/south,"})
        assert sorted(seen) == [
            "/mills/ada/north/jobs?queued",
            "/mills/ada/north/jobs?running",
            "/mills/bo/south/jobs?queued",
            "/mills/bo/south/jobs?running",
        ]
        assert answer_["message"] == "No work is running, queued or paused on Mill."

    async def test_without_places_it_is_said_what_to_set(self) -> None:
        answer = await find(mill(*PLACED), Mill({}))
        assert answer["outcome"] == "denied"
        assert answer["message"] == "What runs is unknown: Mill (MILL_PLACES is not set, which says where to look)."
        assert action(answer, "authorize")["hint"] == (
            "Mill: Set MILL_PLACES where pullcord is started: places such as owner/mill, with commas between them."
        )

    @pytest.mark.parametrize("place", ["north", "ada/north/east", "ada/", "ada/ north"])
    async def test_what_is_no_place_is_told_and_the_others_are_looked_through(self, place: str) -> None:
        answer = await find(mill(*PLACED), Mill({}), environ={"MILL_PLACES": f"{place},bo/south"})
        assert answer["evidence"] == {"platforms": {"mill": "partly"}}
        assert answer["message"] == (
            "No work that was seen is running, queued or paused."
            " Not all was seen: Mill (MILL_PLACES holds what is no place like owner/mill)."
        )


class TestBounds:
    async def test_a_platform_whose_list_never_ends_is_asked_twenty_times(self) -> None:
        seen: list[str] = []

        def answer(request: httpx2.Request) -> httpx2.Response:
            seen.append(str(request.url))
            new = [{"id": f"j{len(seen)}-{number}", "state": "running"} for number in range(3)]
            return respond(200, {"jobs": new, "total": 10**9})

        found = await find(mill(), answer)
        assert len(seen) == 20
        assert found["evidence"] == {"platforms": {"mill": "partly"}}
        assert found["resource"]["left_out"] == 40
        assert found["message"].endswith("Not all was seen: Mill (there is more than 20 requests show).")

    async def test_repeats_count_as_well(self) -> None:
        seen: list[str] = []

        def answer(request: httpx2.Request) -> httpx2.Response:
            seen.append(str(request.url))
            if len(seen) % 2:
                return respond(429, {"error": "slow"}, {"retry-after": "0"})
            return respond(200, {"jobs": [{"id": str(len(seen)), "state": "running"}] * 3, "total": 10**9})

        await find(mill(), answer)
        assert len(seen) == 20

    async def test_a_platform_that_hangs_is_left_after_five_seconds_and_what_others_show_is_told(self) -> None:
        async def answer(request: httpx2.Request) -> httpx2.Response:
            if "running" in str(request.url):
                await anyio.sleep_forever()
            return respond(200, {"jobs": [{"id": "j1", "state": "queued", "name": "Next"}]})

        started = anyio.current_time()
        found = await find(mill(), answer)
        assert 5 <= anyio.current_time() - started < 6
        assert names(found) == ["Next"]
        assert found["evidence"] == {"platforms": {"mill": "partly"}}
        assert found["message"].endswith("Not all was seen: Mill (No answer came in time).")

    async def test_a_platform_that_is_slow_is_asked_no_more_after_five_seconds(self) -> None:
        seen: list[str] = []

        async def answer(request: httpx2.Request) -> httpx2.Response:
            seen.append(str(request.url))
            await anyio.sleep(2)
            return respond(200, {"jobs": [{"id": str(len(seen)), "state": "running"}] * 3, "total": 10**9})

        started = anyio.current_time()
        found = await find(mill((RUNNING, "        running: [{}]\n")), answer)
        assert anyio.current_time() - started < 6
        assert (len(seen), len(found["resource"]["items"])) == (3, 2)

    async def test_all_platforms_are_looked_at_side_by_side(self) -> None:
        async def hang(_: httpx2.Request) -> httpx2.Response:
            await anyio.sleep_forever()
            raise AssertionError

        started = anyio.current_time()
        answer = await find(shipped(), hang, environ=Sandbox().environment(BASE_URL))
        assert anyio.current_time() - started < 6
        assert (answer["outcome"], answer["resource"]) == ("unknown", None)
        assert answer["evidence"] == {
            "platforms": {"everruns": "unknown", "evershell": "unknown", "xpander": "unknown"}
        }


class TestFailures:
    @pytest.mark.parametrize(
        ("response", "outcome", "why"),
        [
            (respond(401, {"error": "no"}), "denied", "Mill refused the key"),
            (respond(404, {"error": "no"}), "not_found", "Mill knows no such work, or this key may not see it"),
            (respond(500, {"error": "no"}), "unknown", "Mill answered with status 500"),
            (respond(200, {"jobs": "none"}), "unknown", "Mill answered in a way that pullcord doesn't know"),
            (respond(302), "unknown", "A redirect (302) came, which is never followed; check the base URL"),
            (respond(429, {"error": "slow"}, {"retry-after": "30"}), "rate_limited", "Mill is limiting requests"),
        ],
    )
    async def test_how_a_platform_failed_is_told(self, response: httpx2.Response, outcome: str, why: str) -> None:
        body = await response.aread()

        def answer(_: httpx2.Request) -> httpx2.Response:
            return respond(response.status_code, json.loads(body or b"null"), dict(response.headers))

        found = await find(mill(), answer, environ={"MILL_KEY": "k"})
        assert (found["outcome"], found["evidence"]) == (outcome, {"platforms": {"mill": outcome}})
        assert found["message"].startswith(f"What runs is unknown: Mill ({why}")
        assert found["problem"]["detail"] == found["message"]
        rels = [each["rel"] for each in found["allowed_actions"]]
        assert rels == {"denied": ["authorize"], "not_found": []}.get(outcome, ["retry-later"])
        assert [each.get("retry_after_seconds") for each in found["allowed_actions"]] == (
            [30] if outcome == "rate_limited" else [None] * len(rels)
        )

    async def test_a_platform_that_can_not_be_reached_is_told(self) -> None:
        def refuse(_: httpx2.Request) -> httpx2.Response:
            raise UnsentError("the connection could not be made")

        found = await find(mill(), refuse, {"contains": "x"})
        assert found["outcome"] == "unavailable"
        assert action(found, "retry-later")["arguments"] == {"contains": "x"}

    @ERAS
    async def test_the_others_are_shown_where_one_fails(self, mode: str) -> None:
        async with stage(mode, environ={"XPANDER_API_KEY": "wrong"}) as staged:
            answer = await staged.call("find_running", {"contains": "rewrite"})
            assert names(answer) == ["Rewrite links", "Rewrite the tests", "Site migration: rewrite links"]
        assert answer["evidence"]["platforms"] == {
            "everruns": "observed",
            "evershell": "observed",
            "xpander": "denied",
        }
        assert answer["message"].endswith("Not all was seen: xpander.ai (xpander.ai refused the key).")

    async def test_where_all_fail_in_their_own_ways_nothing_is_known(self) -> None:
        given = {
            "XPANDER_API_KEY": "wrong",
            "EVERSHELL_API_KEY": "wrong",
            "EVERRUNS_API_KEY": "evr_pat_sandbox_rate_limited",
        }
        async with stage(environ=given) as staged:
            answer = await staged.call("find_running")
        assert answer["outcome"] == "unknown"
        assert sorted(each["rel"] for each in answer["allowed_actions"]) == ["authorize", "authorize", "retry-later"]

    async def test_a_platform_without_such_a_list_is_told(self) -> None:
        bare = {name: each for name, each in mill().items() if name != "list_jobs"}
        other = {
            each.id: replace(each, platform=each.platform._replace(name="loom", title="Loom")) for each in bare.values()
        }
        renamed = {
            f"loom_{name}": replace(each, id=f"loom_{name}", tool=f"loom_{name}") for name, each in other.items()
        }
        answer = await find({**mill(), **renamed}, Mill({}))
        assert answer["evidence"] == {"platforms": {"mill": "observed", "loom": "partly"}}
        assert answer["message"].endswith("Not all was seen: Loom (none of its lists shows what runs).")


_ALL = mill((RUNNING, "        running: [{}]\n"))
_ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "state", "name", "began", "jobs", "x"]), inner, max_size=5)
    ),
    max_leaves=8,
)
_STATES = st.sampled_from(["running", "queued", "waiting", "done", "odd"])
_JOBS = st.fixed_dictionaries(
    {"id": st.text(max_size=400) | _ITEMS, "state": _STATES}, optional={"name": _ITEMS, "began": _ITEMS}
)


@given(st.lists(_JOBS | _ITEMS, max_size=30), _ITEMS)
@settings(max_examples=60)
def test_whatever_a_platform_says_each_action_is_a_good_call_and_each_part_shows_something_new(
    items: list[object], total: object
) -> None:
    async def walk() -> None:
        body = {"jobs": items, "total": total}
        answer = await find(_ALL, lambda _: respond(200, body))
        seen = [json.dumps(each) for each in answer["resource"]["items"]]
        scope = Surface.of(_ALL, read_settings.read(_ALL, {}))
        while action := next((each for each in answer["allowed_actions"] if each["rel"] == "next"), None):
            assert scope.checks["find_running"](action["arguments"]) == []
            answer = await find(_ALL, lambda _: respond(200, body), action["arguments"])
            assert answer["resource"]["items"]
            seen += [json.dumps(each) for each in answer["resource"]["items"]]
        assert len(json.dumps(answer)) < 60_000

    anyio.run(walk, backend_options=dict(HURRIED[1]))


async def _all(staged: Stage) -> list[dict[str, Any]]:
    """The items of every part."""
    answer = await staged.call("find_running")
    items = list(answer["resource"]["items"])
    while any(each["rel"] == "next" for each in answer["allowed_actions"]):
        answer = await staged.follow(answer, "next")
        items += answer["resource"]["items"]
    return items


def _running(staged: Stage) -> set[tuple[str, str]]:
    """What runs, is about to, or is paused, by the sandbox's own state: the platform and the name."""
    sandbox, ended = staged.sandbox, {"succeeded", "failed", "canceled", "cancelled", "completed", "stopped", "error"}
    mine = sandbox.xpander.ids.organization
    visible = [each.id for each in sandbox.evershell.workspaces.values() if each.visible]
    return {
        *(
            ("everruns", each.title)
            for each in sandbox.everruns.sessions.values()
            if each.status not in {"idle", "started"}
        ),
        *(("everruns", each.display_name) for each in sandbox.everruns.tasks.values() if each.state not in ended),
        *(
            ("evershell", task.description)
            for name in visible
            for task in sandbox.evershell.tasks[name].values()
            if task.status not in ended
        ),
        *(
            ("xpander", each.title)
            for each in sandbox.xpander.tasks.values()
            if each.organization_id == mine and each.status not in ended
        ),
    }
