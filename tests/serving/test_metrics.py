"""Metrics of a real process: what it did, and nothing of whom or of which work."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from prometheus_client.parser import text_string_to_metric_families
from tests.e2e.processes import started
from tests.serving.site import ERAS, MODERN, message

from pullcord.sandbox import Sandbox, running

pytestmark = pytest.mark.anyio

EVER = 300
"""Seconds in which each test is over."""


@dataclass
class Served:
    """A server process with metrics."""

    client: httpx2.AsyncClient
    url: str
    probes: str
    task: dict[str, str]

    async def call(self, tool: str, arguments: dict[str, object], version: str = MODERN) -> httpx2.Response:
        headers, body = message("tools/call", {"name": tool, "arguments": arguments}, version)
        return await self.client.post(self.url, json=body, headers=headers)

    async def metrics(self) -> dict[str, dict[tuple[str, ...], float]]:
        """The numbers, by the metric's name and the values of its labels, in the order of the labels' names."""
        text = (await self.client.get(f"{self.probes}/metrics")).raise_for_status().text
        numbers: dict[str, dict[tuple[str, ...], float]] = {}
        for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            numbers.setdefault(sample.name, {})[labels] = sample.value
        return numbers


@asynccontextmanager
async def served(*options: str) -> AsyncIterator[Served]:
    """A server on a sandbox, which must end well."""
    sandbox = Sandbox(wind_down=1000)
    task = {"session_id": sandbox.everruns.ids.active_session, "task_id": sandbox.everruns.ids.background_task}
    with anyio.fail_after(EVER):
        async with running(sandbox) as base_url:
            command = ("serve", "--http", "--port", "0", "--probes", "0", *options)
            async with (
                started(*command, settings=sandbox.environment(base_url)) as process,
                httpx2.AsyncClient(timeout=EVER) as client,
            ):
                assert process.stderr
                lines = BufferedByteReceiveStream(process.stderr)
                told = [(await lines.receive_until(b"\n", 1000)).decode() for _ in range(3)]
                found = re.search(r"at (\S+)/healthz", told[2])
                assert found
                yield Served(client, told[0].split()[-1], found[1], task)
                process.terminate()
                assert await process.wait() == 0


@pytest.mark.parametrize("version", ERAS)
async def test_calls_are_counted_by_tool_and_outcome_requests_by_status_and_the_journals_errors(
    tmp_path: Path, version: str
) -> None:
    journal = tmp_path / "journal"
    async with served("--journal", str(journal)) as on:
        session = {"session_id": on.task["session_id"]}
        for _ in range(2):
            await on.call("cancel_task", {**on.task, "wait_seconds": 0}, version)
        await on.call("get_task", {**on.task}, version)
        await on.call("get_session", {}, version)
        await on.call("no_such_tool", {}, version)
        headers, body = message("tools/list", {}, version)
        await on.client.post(on.url, json=body, headers=headers)
        assert (await on.client.post(on.url, content=b"x" * 300_000)).status_code == 413
        journal.unlink()
        journal.mkdir()
        await on.call("cancel_turn", {**session, "wait_seconds": 0}, version)
        found = await on.metrics()
    assert found["pullcord_calls_total"] == {
        ("stopping", "cancel_task"): 2,
        ("observed", "get_task"): 1,
        ("invalid_arguments", "get_session"): 1,
        ("unavailable", "cancel_turn"): 1,
    }
    assert found["pullcord_http_requests_total"]["413",] == 1
    assert found["pullcord_http_requests_total"]["200",] >= 5
    assert found["pullcord_journal_errors_total"] == {(): 1}
    assert found["pullcord_requests"] == {("handled",): 0, ("queued",): 0, ("waiting",): 0}
    assert found["pullcord_refused_requests_total"] == {(): 0}
    assert found["process_resident_memory_bytes"][()] > 0


async def test_what_waits_is_counted_apart_and_no_metric_names_work() -> None:
    async with served() as on, anyio.create_task_group() as tasks:
        tasks.start_soon(on.call, "get_task", {**on.task, "wait_seconds": 300})
        while (await on.metrics())["pullcord_requests"]["waiting",] == 0:
            continue
        assert (await on.metrics())["pullcord_requests"] == {("handled",): 0, ("queued",): 0, ("waiting",): 1}
        text = (await on.client.get(f"{on.probes}/metrics")).text
        assert [each for each in on.task.values() if each in text] == []
        tasks.cancel_scope.cancel()


async def test_metrics_stand_on_the_probes_own_port_alone_in_the_form_that_is_asked_for() -> None:
    async with served() as on:
        assert (await on.client.get(httpx2.URL(on.url).join("/metrics"))).status_code == 404
        plain = await on.client.get(f"{on.probes}/metrics")
        assert plain.headers["content-type"].startswith("text/plain; version=")
        openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        answer = await on.client.get(f"{on.probes}/metrics", headers=openmetrics)
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.text.endswith("# EOF\n")
