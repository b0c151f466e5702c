"""How much is handled at once: places, who waits for one, and who holds none."""

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import MCPError
from starlette.types import Scope
from tests.serving.site import ERAS, MODERN, Held, Site, message, minted, said, site, task_of, unwatched

from pullcord.serving.admission import BODY_LIMIT, Admission, Place
from pullcord.serving.front import Front

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def busy(here: Site, platform: Held, calls: int) -> AsyncIterator[list[str]]:
    """Keep so many calls on the wire while the block runs; what they were answered."""
    outcomes: list[str] = []

    async def call() -> None:
        outcomes.append((await here.call("cancel_task", unwatched(here.sandbox)))["outcome"])

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            for _ in range(calls):
                tasks.start_soon(call)
            while platform.count < min(calls, 1):
                await anyio.lowlevel.checkpoint()
            await anyio.wait_all_tasks_blocked()
            yield outcomes
            platform.answer.set()


async def test_more_calls_than_there_are_places_wait_and_more_than_may_wait_are_told_when_to_come_again() -> None:
    platform = Held()
    async with site(admission=Admission(1, 1), platform=platform) as here:
        async with busy(here, platform, 2) as outcomes:
            assert platform.count == 1
            response = await here.post("tools/call", {"name": "cancel_task", "arguments": unwatched(here.sandbox)})
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            error = response.json()["error"]
            assert "Nothing was sent" in error["message"]
            assert error["data"] == {"retry_after_seconds": 1}
        assert outcomes == ["stopping", "stopping"]
        assert platform.count == 2
        assert (await here.call("cancel_task", unwatched(here.sandbox)))["outcome"] == "stopping"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_agents_host_is_told_in_words_that_the_server_is_busy(mode: str) -> None:
    platform = Held()
    async with site(admission=Admission(1, 0), platform=platform) as here, here.client(mode) as client:
        async with busy(here, platform, 1):
            with pytest.raises(MCPError, match=r"This server is busy\. Nothing was sent"):
                await client.call_tool("cancel_task", unwatched(here.sandbox))
        assert platform.count == 1


@pytest.mark.parametrize("version", ERAS)
@pytest.mark.parametrize("tool", ["cancel_task", "get_task"])
async def test_a_call_that_waits_for_work_to_end_holds_no_place(version: str, tool: str) -> None:
    platform = Held()
    platform.answer.set()
    waits, ends = anyio.Event(), anyio.Event()

    async def sleep(_: float) -> None:
        waits.set()
        await ends.wait()

    async with site(admission=Admission(1, 0), platform=platform) as here:
        here.gateway.sleep = sleep
        outcomes: list[str] = []

        async def wait() -> None:
            arguments = {**task_of(here.sandbox), "wait_seconds": 300}
            outcomes.append((await here.call(tool, arguments, version=version))["outcome"])

        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await waits.wait()
                assert (await here.call("cancel_task", unwatched(here.sandbox)))["outcome"] == "stopping"
                with anyio.move_on_after(0.01) as early:
                    await here.admission.idle()
                assert early.cancelled_caught, "a server that ends waits for it all the same"
                assert outcomes == []
                here.clock.pass_seconds(400)
                ends.set()
            await here.admission.idle()
        assert len(outcomes) == 1


async def test_a_cancel_takes_the_turn_of_a_look_where_the_queue_is_full() -> None:
    platform = Held()
    async with site(Front(max_calls=1, max_queue=1), platform=platform) as here:
        statuses: list[int] = []

        async def look() -> None:
            statuses.append((await here.post("tools/call", {"name": "get_task", "arguments": {}})).status_code)

        async with busy(here, platform, 1) as outcomes, anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            await anyio.wait_all_tasks_blocked()
            assert statuses == []

            async def cancel() -> None:
                outcomes.append((await here.call("cancel_task", unwatched(here.sandbox)))["outcome"])

            tasks.start_soon(cancel)
            await anyio.wait_all_tasks_blocked()
            assert statuses == [503]
            platform.answer.set()
        assert outcomes == ["stopping", "stopping"]


async def test_a_caller_that_takes_its_share_keeps_nobody_else_out(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe cancel", bob="observe cancel")
    platform = Held()
    async with (
        site(Front(token_file=path, max_calls=2, max_queue=0), platform=platform) as here,
        anyio.create_task_group() as tasks,
    ):

        async def call() -> None:
            await here.call("cancel_task", unwatched(here.sandbox), headers=callers["ada"])

        tasks.start_soon(call)
        await platform.asked.wait()
        assert (await here.post("tools/list", headers=callers["ada"])).status_code == 503
        assert (await here.post("tools/list", headers=callers["bob"])).status_code == 200
        platform.answer.set()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"method": "tools/call"}', b'{"params": []}'])
async def test_what_is_no_message_takes_no_place_for_good(body: bytes) -> None:
    async with site(admission=Admission(1, 0)) as here:
        assert (await here.http.post("/mcp", content=body)).status_code in {400, 406}
        assert (await here.post("tools/list")).status_code == 200


async def test_nobody_waits_for_a_place_for_ever() -> None:
    platform = Held()
    async with site(admission=Admission(1, 1, waiting=0.01), platform=platform) as here, busy(here, platform, 1):
        assert (await here.post("tools/list")).status_code == 503


async def test_a_stranger_takes_no_place(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    callers = minted(path, ada="observe cancel")
    platform = Held()
    async with (
        site(Front(token_file=path), admission=Admission(1, 0), platform=platform) as here,
        anyio.create_task_group() as tasks,
    ):

        async def call() -> None:
            await here.call("cancel_task", unwatched(here.sandbox), headers=callers["ada"])

        tasks.start_soon(call)
        await platform.asked.wait()
        assert (await here.post("tools/list")).status_code == 401
        assert (await here.post("tools/list", headers=callers["ada"])).status_code == 503
        platform.answer.set()


async def test_a_server_that_ends_takes_no_more_calls_and_waits_for_those_that_it_has() -> None:
    platform = Held()
    async with site(platform=platform) as here, busy(here, platform, 3) as outcomes:
        here.admission.drain()
        response = await here.post("tools/list")
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        with anyio.move_on_after(0.01) as early:
            await here.admission.idle()
        assert early.cancelled_caught
        platform.answer.set()
        with anyio.fail_after(120):
            await here.admission.idle()
        assert outcomes == ["stopping"] * 3


async def test_a_server_that_ends_refuses_at_once_those_that_wait_for_a_place() -> None:
    platform = Held()
    async with site(admission=Admission(1, 1), platform=platform) as here, busy(here, platform, 1):
        refused: list[httpx2.Response] = []

        async def wait() -> None:
            refused.append(await here.post("tools/list"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert refused == []
            here.admission.drain()
        assert refused[0].status_code == 503
        assert "This server is ending. Nothing was sent" in refused[0].json()["error"]["message"]


@pytest.mark.parametrize("version", ERAS)
async def test_what_only_waits_can_be_dropped_and_its_caller_is_told(version: str) -> None:
    platform = Held()
    async with site(platform=platform) as here:
        answers: list[dict[str, Any]] = []

        async def look() -> None:
            params = {"name": "get_task", "arguments": task_of(here.sandbox)}
            answers.append(said(await here.post("tools/call", params, version=version)))

        assert not here.admission.drop()
        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(look)
                await platform.asked.wait()
                assert here.admission.drop()
            await here.admission.idle()
        assert "had to end before the call was done" in answers[0]["error"]["message"]


async def test_a_body_is_bounded() -> None:
    async with site() as here:
        response = await here.http.post("/mcp", content=b" " * (BODY_LIMIT + 1))
        assert response.status_code == 413
        needed, body = message("tools/list", {"padding": "x" * (BODY_LIMIT - 1000)})
        assert (await here.http.post("/mcp", json=body, headers=needed)).status_code == 200


async def test_a_client_that_sends_slowly_holds_no_place() -> None:
    platform = Held()

    async def dribble() -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep_forever()

    async with (
        site(admission=Admission(1, 0, arriving=0.05), platform=platform) as here,
        anyio.create_task_group() as tasks,
    ):
        statuses: list[int] = []

        async def slow() -> None:
            statuses.append((await here.http.post("/mcp", content=dribble())).status_code)

        with anyio.fail_after(120):
            tasks.start_soon(slow)
            await anyio.wait_all_tasks_blocked()
            assert (await here.post("tools/list")).status_code == 200
            while not statuses:
                await anyio.lowlevel.checkpoint()
        assert statuses == [408]


async def test_a_client_that_goes_away_within_its_body_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        line = Line(MODERN, "cancel_task", unwatched(here.sandbox))
        line.cut_short = True
        line.gone.set()
        await here.app(line.scope, line.receive, line.ignore)
        with anyio.fail_after(120):
            await here.admission.idle()
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


class Line:
    """One request to the application, whose client does what a test says."""

    def __init__(self, version: str, name: str, arguments: dict[str, Any]) -> None:
        headers, body = message("tools/call", {"name": name, "arguments": arguments}, version)
        headers |= {"Host": "127.0.0.1", "Content-Type": "application/json"}
        self.scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "scheme": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self.gone = anyio.Event()
        self.cut_short = False
        self._body = [json.dumps(body).encode()]

    async def receive(self) -> dict[str, Any]:
        """The request, and then nothing until the client is gone."""
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": self.cut_short}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def ignore(self, _: object) -> None:
        """Take nothing of the answer."""
        await self.gone.wait()


async def test_a_caller_that_hangs_up_while_it_waits_for_a_place_has_sent_nothing() -> None:
    platform = Held()
    async with site(admission=Admission(1, 1), platform=platform) as here:
        line = Line(MODERN, "cancel_task", unwatched(here.sandbox))
        async with busy(here, platform, 1), anyio.create_task_group() as tasks:
            tasks.start_soon(here.app, line.scope, line.receive, line.ignore)
            await anyio.wait_all_tasks_blocked()
            line.gone.set()
            await anyio.wait_all_tasks_blocked()
            platform.answer.set()
        assert platform.count == 1
        assert (await here.post("tools/list")).status_code == 200


@pytest.mark.parametrize("version", ERAS)
async def test_a_client_that_takes_no_answer_holds_no_place(version: str) -> None:
    platform = Held()
    platform.answer.set()
    async with site(admission=Admission(1, 0, sending=0.05), platform=platform) as here:
        line = Line(version, "cancel_task", unwatched(here.sandbox))
        with anyio.fail_after(120):
            await here.app(line.scope, line.receive, line.ignore)
            await here.admission.idle()
        assert (await here.post("tools/list")).status_code == 200


@pytest.mark.parametrize("version", ERAS)
async def test_a_client_that_took_the_beginning_of_an_answer_may_wait_for_the_rest(version: str) -> None:
    platform = Held()
    async with site(admission=Admission(1, 0, sending=0.01), platform=platform) as here:
        outcomes: list[str] = []
        is_done = anyio.Event()

        async def call() -> None:
            outcomes.append((await here.call("cancel_task", unwatched(here.sandbox), version=version))["outcome"])
            is_done.set()

        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await platform.asked.wait()
                with anyio.move_on_after(0.05):
                    await is_done.wait()
                platform.answer.set()
        assert outcomes == ["stopping"]


async def test_without_a_queue_no_look_waits_either() -> None:
    admission = Admission(8, 0)
    entries: list[bool] = []

    async def enter(*, is_cancel: bool) -> None:
        entries.append(await admission.enter(Place(None, is_cancel), Line(ERAS[0], "cancel_task", {}).receive))

    async with anyio.create_task_group() as tasks:
        for number in range(9):
            tasks.start_soon(partial(enter, is_cancel=number == 8))
        await anyio.wait_all_tasks_blocked()
        assert admission.numbers() == {"handled": 8, "queued": 0, "waiting": 0}
        assert entries == [True] * 7 + [False, True]
        tasks.cancel_scope.cancel()
