"""The sandbox behind a real socket."""

import logging
import signal
import socket
import time

import anyio
import httpx2
import pytest

from pullcord.sandbox import Sandbox, running

pytestmark = pytest.mark.anyio


async def test_it_answers_on_loopback_and_is_gone_soon_after_though_a_connection_stays_open(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    handler = signal.getsignal(signal.SIGINT)
    async with httpx2.AsyncClient() as client:
        async with running(sandbox) as base_url:
            settings = sandbox.environment(base_url)
            answer = await client.post(
                f"{settings['XPANDER_API_URL']}/v1/tasks/{sandbox.xpander.ids.executing_task}/stop",
                headers={"x-api-key": settings["XPANDER_API_KEY"]},
            )
            assert answer.json()["status"] == "stopped"
            assert signal.getsignal(signal.SIGINT) is handler
        with pytest.raises(httpx2.ConnectError):
            await client.get(base_url)
    assert [arrival.platform for arrival in sandbox.requests] == ["xpander"]
    assert caplog.records == []


async def test_a_taken_port_is_an_error_of_the_operating_system(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await running(sandbox, port=taken.getsockname()[1]).__aenter__()


async def test_it_stops_in_order_when_its_task_is_cancelled(sandbox: Sandbox) -> None:
    async with anyio.create_task_group() as group:

        async def serve(*, task_status: anyio.abc.TaskStatus[str]) -> None:
            async with running(sandbox) as base_url:
                task_status.started(base_url)
                await anyio.sleep_forever()

        base_url = await group.start(serve)
        group.cancel_scope.cancel()
    async with httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(base_url)


async def test_answers_over_one_connection_are_not_held_back_by_the_kernel(sandbox: Sandbox) -> None:
    async with running(sandbox) as base_url, httpx2.AsyncClient() as client:
        taken: list[float] = []
        for _ in range(100):
            began = time.monotonic()
            await client.get(f"{base_url}/everruns/api/v1/tasks")
            taken.append(time.monotonic() - began)
        # Held back they take 40 ms each, once the kernel has stopped to acknowledge at once.
        assert min(taken[50:]) < 0.03
