"""What replicas share: one limit, and each consent once; and what is not sent while nothing can be shared."""

import contextlib
import functools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from tests.store import OK, Scripted, real, scripted
from tests.support import stage

from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit
from pullcord.flow.shared import SharedRateLimit, SharedState
from pullcord.model.errors import SharedStateError

pytestmark = pytest.mark.anyio

HOURLY = Limit(2, "hour")


@asynccontextmanager
async def state(url: str) -> AsyncIterator[SharedState]:
    shared = SharedState(url)
    try:
        yield shared
    finally:
        await shared.close()


@asynccontextmanager
async def answering(**answers: bytes | None) -> AsyncIterator[tuple[Scripted, SharedState]]:
    async with scripted() as server, state(server.url) as shared:
        server.answers |= answers
        yield server, shared


@pytest.mark.parametrize(
    ("answer", "seconds"), [(b":0\r\n", 0), (b":1\r\n", 1), (b":1000000\r\n", 1), (b":1000001\r\n", 2)]
)
async def test_a_wait_is_told_in_whole_seconds(answer: bytes, seconds: int) -> None:
    async with answering(EVAL=answer) as (server, shared):
        assert await SharedRateLimit(HOURLY, shared).take() == seconds
        assert server.commands[-1][2:] == ["1", "pullcord:limit:2/hour", "2", "3600"]


async def test_a_consent_is_kept_by_one_command_for_as_long_as_it_holds() -> None:
    async with answering(SET=OK) as (server, shared):
        assert await shared.use("one")
        assert server.commands[-1] == ["SET", "pullcord:consent:one", "1", "NX", "EX", "120"]
        server.answers["SET"] = b"$-1\r\n"
        assert not await shared.use("one")


@pytest.mark.parametrize("answer", [b"-ERR no\r\n", b"-READONLY of a replica\r\n", b"", b"nonsense\r\n", None])
async def test_what_redis_does_not_tell_is_asked_once_and_is_no_permission(
    answer: bytes | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pullcord.flow.shared.PATIENCE", 0.3)
    async with answering(EVAL=answer, SET=answer) as (server, shared):
        for request in (functools.partial(shared.take, HOURLY), functools.partial(shared.use, "one")):
            with pytest.raises(SharedStateError):
                await request()
        assert [words[0] for words in server.commands if words[0] in {"EVAL", "SET"}] == ["EVAL", "SET"]
    assert [each.levelno for each in caplog.records] == [logging.ERROR] * 2
    assert all(each.startswith("the state that replicas share can't be reached: ") for each in caplog.messages)


async def test_that_nobody_listens_is_told_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    async with state("redis://user:swordfish@127.0.0.1:9/1") as shared:  # discard: nobody listens
        with pytest.raises(SharedStateError):
            await shared.use("one")
    assert "swordfish" not in caplog.text


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_while_redis_is_down_cancels_under_a_limit_are_unavailable_and_all_else_goes_on(
    mode: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    async with answering(EVAL=b"-LOADING the dataset\r\n") as (server, shared):
        limiter = SharedRateLimit(HOURLY, shared)
        async with stage(mode, desk=lambda gateway: Engine(gateway, Journal(str(journal)), limiter)) as staged:
            ids = staged.sandbox.xpander.ids
            cancel = await staged.call("stop_task", {"task_id": ids.executing_task})
            assert (cancel["outcome"], staged.arrived) == ("unavailable", [])
            assert cancel["message"].startswith("No cancel was sent: this server counts its limit")
            look = await staged.call("get_execution", {"task_id": ids.executing_task})
            assert look["outcome"] == "observed"
            server.answers["EVAL"] = b":0\r\n"
            assert (await staged.call("stop_task", {"task_id": ids.executing_task}))["outcome"] == "stopped"
            server.answers["EVAL"] = b":1500000\r\n"
            limited = await staged.call("stop_task", {"task_id": ids.slow_task})
            assert limited["outcome"] == "rate_limited"
            assert "this server may send 2 cancels per hour. Call again after 2 s." in limited["message"]
    text = journal.read_text(encoding="ascii")
    assert '"obstacle": "unshared"' in text or '"obstacle":"unshared"' in text


@pytest.mark.debian
async def test_one_limit_holds_for_all_who_share_it_by_redis_own_clock(tmp_path: Path) -> None:
    limit = Limit(5, "second")
    async with real(tmp_path) as url, state(url) as one, state(url) as other:
        waits: list[int] = []

        async def take(shared: SharedState) -> None:
            waits.append(await shared.take(limit))

        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(take, (one, other)[number % 2])
        assert sorted(waits) == [0] * 5 + [1] * 35
        assert await other.take(Limit(1, "hour")) == 0
        assert await one.take(Limit(1, "hour")) in {3599, 3600}
        await anyio.sleep(1.1)  # by Redis' own clock
        assert await one.take(limit) == 0


@pytest.mark.debian
async def test_a_consent_is_used_once_on_whichever_replica(tmp_path: Path) -> None:
    async with real(tmp_path) as url, state(url) as one, state(url) as other:
        uses: list[bool] = []

        async def use(shared: SharedState) -> None:
            uses.append(await shared.use("the same"))

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(use, (one, other)[number % 2])
        assert sorted(uses) == [False] * 19 + [True]
        assert await one.use("another")


@pytest.mark.debian
async def test_redis_may_go_and_come_back(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with real(tmp_path) as url:
            shared = await stack.enter_async_context(state(url))
            assert await shared.use("one")
        with pytest.raises(SharedStateError):
            await shared.use("two")
        async with real(tmp_path, int(url.split(":")[2].removesuffix("/1"))):
            assert await shared.use("two")
