"""How many cancels a server sends."""

import json
from pathlib import Path

import pytest
from tests.faults.wire import serving
from tests.support import action, stage

from pullcord.commands.main import main
from pullcord.flow.engine import Engine
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit, limit
from pullcord.sandbox import Sandbox, running


class Hand:
    """Moves the limiter's clock."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1/second", Limit(1, "second")),
        ("10/minute", Limit(10, "minute")),
        ("999999/hour", Limit(999_999, "hour")),
    ],
)
def test_a_limit_is_a_number_and_a_unit(text: str, read: Limit) -> None:
    assert limit(text) == read


@pytest.mark.parametrize(
    "text",
    ["", "10", "/minute", "0/minute", "-1/minute", "1.5/minute", "10/day", "10/minutes", "1000000/hour", "\u0661/hour"],
)
def test_anything_else_is_refused_at_the_start(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="write a number and a unit, such as 10/minute"):
        limit(text)
    with pytest.raises(SystemExit, match="2"):
        main(["serve", f"--limit={text}"])
    assert "such as 10/minute" in capsys.readouterr().err


@pytest.mark.anyio
async def test_it_starts_full_and_names_the_wait_for_the_next(hand: Hand) -> None:
    limiter = RateLimit(Limit(3, "minute"), hand)
    assert [await limiter.take() for _ in range(5)] == [0, 0, 0, 60, 60]
    hand.now += 13.5
    assert await limiter.take() == 47
    hand.now += 46.5
    assert [await limiter.take() for _ in range(4)] == [0, 0, 0, 60]


@pytest.mark.anyio
async def test_no_stretch_of_its_time_sees_more_than_it_says(hand: Hand) -> None:
    """A bucket that fills again while it empties lets through nearly twice as many."""
    limiter = RateLimit(Limit(5, "minute"), hand)
    sent: list[float] = []
    for _ in range(600):
        hand.now += 0.7
        if not await limiter.take():
            sent.append(hand.now)
    assert len(sent) == 35
    assert all(late - early >= 60 for early, late in zip(sent, sent[5:], strict=False))


@pytest.mark.anyio
async def test_what_was_not_used_does_not_add_up_beyond_the_limit(hand: Hand) -> None:
    limiter = RateLimit(Limit(2, "second"), hand)
    hand.now += 3600
    assert [await limiter.take() for _ in range(3)] == [0, 0, 1]


@pytest.mark.anyio
async def test_a_wait_is_never_named_as_none(hand: Hand) -> None:
    limiter = RateLimit(Limit(1, "second"), hand)
    assert await limiter.take() == 0
    hand.now += 0.999_999
    assert await limiter.take() == 1
    hand.now += 0.000_002
    assert await limiter.take() == 0


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancel_too_many_is_not_sent_is_recorded_and_told_when_to_come_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with stage(
        mode, desk=lambda gateway: Engine(gateway, Journal(str(path)), RateLimit(Limit(2, "hour"), gateway.now))
    ) as staged:
        tasks = [staged.sandbox.xpander.add_task() for _ in range(3)]
        answers = [await staged.call("stop_task", {"task_id": task}) for task in tasks]
        look = await staged.call("get_execution", {"task_id": tasks[2]})
        malformed = await staged.call("stop_task", {"task_id": "?"})
        assert len(staged.arrived) == 3

    assert [answer["outcome"] for answer in answers] == ["stopped", "stopped", "rate_limited"]
    last = answers[2]
    assert last["message"] == "No cancel was sent: this server may send 2 cancels per hour. Call again after 3600 s."
    assert action(last, "retry-later")["retry_after_seconds"] == 3600
    assert last["problem"]["retry_after_seconds"] == 3600
    assert action(last, "retry-later")["arguments"] == {"task_id": tasks[2]}
    assert (look["outcome"], malformed["outcome"]) == ("observed", "invalid_arguments")
    assert [json.loads(line)["event"] for line in _lines(path)] == ["intent", "outcome"] * 2 + ["refusal"]


@pytest.mark.anyio
async def test_the_option_sets_it_for_the_whole_server(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with (
        running(sandbox) as base_url,
        serving("modern", sandbox.environment(base_url), tmp_path / "stderr", "--limit", "1/hour") as server,
    ):
        first = await server.call("stop_task", {"task_id": sandbox.xpander.ids.executing_task})
        second = await server.call("cancel_turn", {"session_id": sandbox.everruns.ids.active_session})
    assert (first["outcome"], second["outcome"]) == ("stopped", "rate_limited")
    assert len(sandbox.requests) == 1
