"""How a server is ended. Whole processes, and what they write, are in e2e/."""

import os
import signal

import anyio
import pytest

from pullcord.transport import until_signal

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_becomes_the_exit_status_that_shells_give_it(number: signal.Signals, status: int) -> None:
    got: list[int] = []
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                got.append(await until_signal())

            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            os.kill(os.getpid(), number)
    assert got == [status]
