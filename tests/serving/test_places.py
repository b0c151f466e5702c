"""Whose turn it is: which requests get the places, which wait, and which must come again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import anyio
import anyio.abc
import pytest

from pullcord.serving.admission import Admission, Place

pytestmark = pytest.mark.anyio


async def stays() -> NoReturn:
    """The client of a request, which does not go away."""
    await anyio.sleep_forever()
    raise AssertionError


class Crowd:
    """Requests that want places, and what became of each."""

    def __init__(self, admission: Admission, tasks: anyio.abc.TaskGroup) -> None:
        self.admission, self._tasks = admission, tasks
        self.places: dict[str, Place] = {}
        self.inside: list[str] = []
        self.outside: list[str] = []

    async def comes(self, name: str, caller: str | None = None) -> None:
        """A request enters, or begins to wait; a name that begins with c is that of a cancel."""
        self.places[name] = Place(caller, name.startswith("c"))

        async def enter() -> None:
            has_place = await self.admission.enter(self.places[name], stays)
            (self.inside if has_place else self.outside).append(name)

        self._tasks.start_soon(enter)
        await anyio.wait_all_tasks_blocked()

    async def goes(self, name: str) -> None:
        """A request is done."""
        self.admission.leave(self.places[name])
        await anyio.wait_all_tasks_blocked()

    async def rests(self, name: str) -> None:
        """A request begins to wait for work to end."""
        self.admission.watch(self.places[name])
        await anyio.wait_all_tasks_blocked()


@asynccontextmanager
async def crowd(calls: int, queue: int) -> AsyncIterator[Crowd]:
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            yield Crowd(Admission(calls, queue, waiting=1000), tasks)
            tasks.cancel_scope.cancel()


async def test_those_who_wait_get_places_in_the_order_in_which_they_came() -> None:
    async with crowd(1, 2) as them:
        for name in ("look 1", "look 2", "look 3", "look 4"):
            await them.comes(name)
        assert (them.inside, them.outside) == (["look 1"], ["look 4"])
        await them.goes("look 1")
        await them.goes("look 2")
        assert them.inside == ["look 1", "look 2", "look 3"]


async def test_a_cancel_goes_before_all_looks() -> None:
    async with crowd(1, 3) as them:
        for name in ("look 1", "look 2", "cancel 1", "cancel 2"):
            await them.comes(name)
        for name in ("look 1", "cancel 1", "cancel 2"):
            await them.goes(name)
        assert them.inside == ["look 1", "cancel 1", "cancel 2", "look 2"]


async def test_of_a_full_queue_the_newest_look_gives_way_to_a_cancel_and_no_cancel_to_another() -> None:
    async with crowd(1, 2) as them:
        for name in ("cancel 1", "look 1", "look 2", "cancel 2"):
            await them.comes(name)
        assert them.outside == ["look 2"]
        await them.comes("look 3")
        await them.comes("cancel 3")
        assert them.outside == ["look 2", "look 3", "look 1"]
        await them.comes("cancel 4")
        assert them.outside == ["look 2", "look 3", "look 1", "cancel 4"]


async def test_looks_leave_an_eighth_of_the_places_to_cancels() -> None:
    async with crowd(8, 1) as them:
        for number in range(8):
            await them.comes(f"look {number}")
        assert len(them.inside) == 7
        await them.comes("cancel")
        assert them.inside[-1] == "cancel"
        await them.goes("cancel")
        assert "look 7" not in them.inside
        await them.goes("look 0")
        assert them.inside[-1] == "look 7"


async def test_as_many_looks_are_taken_as_there_are_places_and_turns_and_a_cancel_still_goes_first() -> None:
    async with crowd(8, 1) as them:
        for number in range(10):
            await them.comes(f"look {number}")
        assert (len(them.inside), them.outside) == (7, ["look 9"])
        await them.comes("cancel 1")
        await them.comes("cancel 2")
        assert (them.inside[7:], them.outside) == (["cancel 1"], ["look 9", "look 8"]), "a look gives way"
        await them.comes("cancel 3")
        await them.comes("cancel 4")
        assert them.outside == ["look 9", "look 8", "look 7", "cancel 4"]
        await them.goes("look 0")
        assert them.inside[8:] == ["cancel 2"]


async def test_a_caller_has_half_of_the_turns_of_looks() -> None:
    async with crowd(16, 2) as them:
        for number in range(8):
            await them.comes(f"cancel {number}", "ada")
        for number in range(3):
            await them.comes(f"look {number}", "ada")
        assert them.outside == ["look 2"]


async def test_cancels_may_have_all_places() -> None:
    async with crowd(8, 0) as them:
        for number in range(9):
            await them.comes(f"cancel {number}")
        assert (len(them.inside), them.outside) == (8, ["cancel 8"])


async def test_no_caller_has_more_than_half_of_the_places_and_of_the_queue() -> None:
    async with crowd(4, 4) as them:
        for number in range(5):
            await them.comes(f"cancel {number}", "ada")
        assert (len(them.inside), them.outside) == (2, ["cancel 4"])
        await them.comes("cancel b", "bob")
        assert them.inside[-1] == "cancel b"
        await them.goes("cancel b")
        assert len(them.inside) == 3, "what is free is not for one that has its share"
        await them.goes("cancel 0")
        assert them.inside[-1] == "cancel 2"


async def test_a_cancel_takes_the_turn_of_a_look_of_its_own_caller_where_that_one_has_its_share_of_the_queue() -> None:
    async with crowd(1, 2) as them:
        await them.comes("cancel 1", "ada")
        await them.comes("look b", "bob")
        await them.comes("look a", "ada")
        await them.comes("cancel 2", "ada")
        assert them.outside == ["look a"]
        await them.comes("cancel 3", "ada")
        assert them.outside == ["look a", "cancel 3"], "not that of another caller's look"
        await them.comes("cancel c", "cyd")
        assert them.outside == ["look a", "cancel 3", "look b"]


async def test_of_several_callers_the_one_with_the_fewest_places_is_next() -> None:
    async with crowd(3, 4) as them:
        for name, caller in (("cancel 1", "ada"), ("cancel 2", "bob"), ("cancel 3", "cyd")):
            await them.comes(name, caller)
        await them.comes("cancel 4", "ada")
        await them.comes("cancel 5", "bob")
        await them.goes("cancel 2")
        assert them.inside[-1] == "cancel 5"


async def test_callers_that_cant_be_told_apart_have_all_places_together() -> None:
    async with crowd(2, 0) as them:
        await them.comes("cancel 1")
        await them.comes("cancel 2")
        assert them.inside == ["cancel 1", "cancel 2"]


async def test_what_only_waits_for_work_makes_room_and_is_bounded_itself() -> None:
    async with crowd(1, 1) as them:
        await them.comes("cancel 1")
        await them.comes("cancel 2")
        await them.rests("cancel 1")
        assert them.inside == ["cancel 1", "cancel 2"]
        await them.rests("cancel 2")
        await them.comes("cancel 3")
        await them.rests("cancel 3")
        await them.comes("cancel 4")
        assert them.inside == ["cancel 1", "cancel 2", "cancel 3"], "the third one kept its place"
        await them.goes("cancel 1")
        await them.goes("cancel 3")
        assert them.inside[-1] == "cancel 4"


async def test_a_caller_has_half_of_those_that_wait_for_work() -> None:
    async with crowd(2, 0) as them:
        await them.comes("cancel 1", "ada")
        await them.rests("cancel 1")
        await them.comes("cancel 2", "ada")
        await them.rests("cancel 2")
        await them.comes("cancel 3", "ada")
        assert them.outside == ["cancel 3"], "the second one kept its place"
        await them.comes("cancel 4", "bob")
        await them.rests("cancel 4")
        await them.comes("cancel 5", "bob")
        assert them.inside[-2:] == ["cancel 4", "cancel 5"]


async def test_a_request_that_is_cut_off_within_the_queue_takes_no_place() -> None:
    admission = Admission(1, 1)
    first, second = Place(None, is_cancel=True), Place(None, is_cancel=True)
    assert await admission.enter(first, stays)

    async def request() -> None:
        try:
            await admission.enter(second, stays)
        finally:
            admission.leave(second)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(request)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    admission.leave(first)
    with anyio.fail_after(60):
        await admission.idle()
