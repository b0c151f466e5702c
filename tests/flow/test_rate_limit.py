"""How many cancels a server sends."""

import time
from pathlib import Path

import pytest
from tests.faults.wire import serving
from tests.support import action, stage

from pullcord.commands.main import main
from pullcord.flow.call import Desk
from pullcord.flow.journal import Journal
from pullcord.flow.rate_limit import Limit, RateLimit, limit
from pullcord.sandbox import Sandbox, running


class Hand:
    """Moves time for the library that counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    return Hand(monkeypatch)


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


def test_it_starts_full_and_names_the_wait_for_the_next(hand: Hand) -> None:
    brake = RateLimit(Limit(3, "minute"))
    assert [brake.take() for _ in range(5)] == [0, 0, 0, 20, 20]
    hand.now += 13
    assert brake.take() == 7
    hand.now += 7
    assert [brake.take(), brake.take()] == [0, 20]


def test_what_was_not_used_does_not_add_up_beyond_the_limit(hand: Hand) -> None:
    brake = RateLimit(Limit(2, "second"))
    hand.now += 3600
    assert [brake.take() for _ in range(3)] == [0, 0, 1]


def test_a_wait_is_never_named_as_none(hand: Hand) -> None:
    brake = RateLimit(Limit(1, "second"))
    assert brake.take() == 0
    hand.now += 0.999_999_999_999
    assert brake.take() in {0, 1}
    hand.now += 1e-9
    assert brake.take() in {0, 1}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_cancel_too_many_is_not_sent_nor_recorded_and_told_when_to_come_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with stage(
        mode, desk=lambda gateway: Desk(gateway, Journal(str(path)), RateLimit(Limit(2, "hour")))
    ) as staged:
        tasks = [staged.sandbox.xpander.add_task() for _ in range(3)]
        answers = [await staged.call("stop_task", {"task_id": task}) for task in tasks]
        look = await staged.call("get_execution", {"task_id": tasks[2]})
        malformed = await staged.call("stop_task", {"task_id": "?"})
        assert len(staged.arrived) == 3

    assert [answer["outcome"] for answer in answers] == ["stopped", "stopped", "rate_limited"]
    last = answers[2]
    assert last["message"] == "Nothing was sent: this server may send 2 cancels per hour. Call again after 1800 s."
    assert action(last, "retry-later")["retry_after_seconds"] == 1800
    assert last["problem"]["retry_after_seconds"] == 1800
    assert action(last, "retry-later")["arguments"] == {"task_id": tasks[2]}
    assert (look["outcome"], malformed["outcome"]) == ("observed", "invalid_arguments")
    assert len(_lines(path)) == 4


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
