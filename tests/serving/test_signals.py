"""Signals that end a process. Whole processes are in e2e/ and test_replicas.py."""

import os
import signal
from collections.abc import Iterator
from typing import NoReturn

import anyio
import pytest

from pullcord.serving.signals import until_signal

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    hangup = signal.SIGHUP
    before = signal.getsignal(hangup)
    yield
    signal.signal(hangup, before)


async def ended_by(*numbers: signal.Signals) -> int:
    """What waiting for a signal gives while these arrive."""
    got: list[int] = []
    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                got.append(await until_signal())

            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            for number in numbers:
                os.kill(os.getpid(), number)
    return got[0]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
async def test_a_signal_becomes_the_exit_status_that_shells_give_it(number: signal.Signals, status: int) -> None:
    assert await ended_by(number) == status


async def test_a_terminal_that_hangs_up_ends_nothing_that_was_started_to_outlive_it() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    assert await ended_by(signal.SIGHUP, signal.SIGTERM) == 143


async def test_a_platform_that_has_no_such_signal_does_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGHUP")
    assert await ended_by(signal.SIGTERM) == 143


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_where_the_event_loop_takes_no_signals_they_are_caught_all_the_same(
    number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""

    def refuse(*_: object) -> NoReturn:
        raise NotImplementedError

    monkeypatch.setattr(anyio, "open_signal_receiver", refuse)
    before = signal.getsignal(number)
    assert await ended_by(number) == status
    assert signal.getsignal(number) is before
