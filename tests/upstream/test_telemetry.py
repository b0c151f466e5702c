"""A cancel can be followed from the agent's trace to the platform's log, and the journal."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from tests.faults.wire import Era, serving

from pullcord.sandbox import Sandbox, running
from pullcord.sandbox.app import Arrival

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
AGENT = f"00-{TRACE}-{PARENT}-01"
NONSENSE = ("", "00-0-0-00", "x" * 10_000, f"00-{'f' * 32}-{'0' * 16}-01", "a\r\nX-Evil: 1")
TRACED = (str(Path(__file__).with_name("traced.py")),)
PLAIN = ("-m", "pullcord")


class Told(NamedTuple):
    """What cancels, each with the look before it, left behind."""

    requests: list[list[Arrival]]
    """For each call."""
    answers: list[dict[str, Any]]
    journal: list[dict[str, Any]]
    errors: str


async def tell(era: Era, program: Sequence[str], folder: Path, *traceparents: str | None) -> Told:
    """Cancel once for each parent that the client names."""
    sandbox = Sandbox()
    settings = ("--journal", str(folder / "journal"))
    requests: list[list[Arrival]] = []
    answers: list[dict[str, Any]] = []
    async with (
        running(sandbox) as base_url,
        serving(era, sandbox.environment(base_url), folder / "stderr", *settings, program=program) as server,
    ):
        call = {
            "name": "cancel_workspace_task",
            "arguments": {"workspace_id": sandbox.evershell.ids.busy_workspace, "wait_seconds": 0},
        }
        for traceparent in traceparents:
            meta = {} if traceparent is None else {"traceparent": traceparent}
            answer = await server.request("tools/call", {**call, "_meta": meta})
            answers.append(answer["result"]["structuredContent"])
            requests.append(list(sandbox.requests))
            sandbox.requests.clear()
    return Told(requests, answers, _lines(folder / "journal"), server.complaints())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def _traceparents(arrivals: Sequence[Arrival]) -> set[str]:
    return {arrival.traceparent for arrival in arrivals}


@pytest.mark.parametrize("era", get_args(Era))
async def test_with_an_sdk_the_platform_continues_the_trace_of_the_agent(era: Era, tmp_path: Path) -> None:
    told = await tell(era, TRACED, tmp_path, AGENT, *NONSENSE)
    spans = [json.loads(line) for line in told.errors.splitlines() if line.startswith("{")]
    calls = [span for span in spans if span["name"] == "tools/call cancel_workspace_task"]
    # Without the flags, which tell how it is sampled.
    expected = [{"00-{trace_id}-{span_id}".format(**span["context"]).replace("0x", "")} for span in calls]
    assert [{each[:-3] for each in _traceparents(arrivals)} for arrivals in told.requests] == expected
    assert (calls[0]["context"]["trace_id"], calls[0]["parent_id"]) == (f"0x{TRACE}", f"0x{PARENT}")
    # What is no trace begins a new one, and goes no further.
    assert [span["parent_id"] for span in calls[1:]] == [None] * len(NONSENSE)


@pytest.mark.parametrize("era", get_args(Era))
async def test_without_an_sdk_there_is_no_trace_of_our_own(era: Era, tmp_path: Path) -> None:
    told = await tell(era, PLAIN, tmp_path, None, *NONSENSE, AGENT)
    *nothing, agent = [_traceparents(arrivals) for arrivals in told.requests]
    assert nothing == [{""}] * (1 + len(NONSENSE))
    assert agent == {AGENT}
    assert "Traceback" not in told.errors


def test_without_an_sdk_none_is_loaded() -> None:
    code = "import sys, pullcord.flow.call; sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own program


@pytest.mark.parametrize("program", [TRACED, PLAIN], ids=["with an SDK", "without"])
async def test_one_id_stands_in_the_request_the_result_and_the_journal(program: Sequence[str], tmp_path: Path) -> None:
    told = await tell("modern", program, tmp_path, None, AGENT)
    for arrivals, answer in zip(told.requests, told.answers, strict=True):
        name = answer["evidence"]["request_id"]
        assert len(arrivals) == 2
        assert {arrival.request_id for arrival in arrivals} == {name}
        assert [line["event"] for line in told.journal if line["id"] == name] == ["intent", "outcome"]
