"""A client is told at least every ten seconds that its call goes on, whatever it waits for."""

from collections.abc import Callable, Coroutine, Mapping
from itertools import pairwise
from typing import Any

import anyio
import httpx2
import pytest
from tests.hurry import HURRIED
from tests.loom import loom
from tests.support import respond
from tests.transport import mock

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import answer, run
from pullcord.flow.caller import Caller
from pullcord.flow.consent import Consent, Question
from pullcord.flow.engine import Engine
from pullcord.flow.progress import SILENCE, Progress
from pullcord.model.value import Json
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

BEFORE = "{aim: task, confirm: self, before: {look: self}}"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, Mapping[str, Any]]:
    return HURRIED


class Slow:
    """A person who takes a minute to agree."""

    async def ask(self, question: Question) -> Consent:
        assert question.target
        await anyio.sleep(60)
        return Consent.GIVEN_LATER

    def agreed(self, part: str) -> bool:
        raise AssertionError(part)


async def told(
    answer: Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]],
    person: Slow | None = None,
    **arguments: Json,
) -> tuple[list[tuple[float, float, str]], float]:
    """Cancel Loom's thread; what was reported, and how long the call took."""
    catalogue = loom(BEFORE)
    surface = Surface.of(catalogue, settings.read(catalogue, {}))
    reports: list[tuple[float, float, str]] = []

    async def report(seconds: float, of: float, text: str) -> None:
        reports.append((seconds, of, text))

    async with Gateway(mock(answer)) as gateway:
        began = anyio.current_time()
        call = Call(surface, catalogue["cancel_thread"], {"id": "t1", **arguments})
        await run(call, Engine(gateway), Caller("test", report, person))
        return reports, anyio.current_time() - began


async def _slowly(request: httpx2.Request) -> httpx2.Response:
    await anyio.sleep(14)
    return respond(200, {"id": "t1", "state": "accepted" if request.method == "POST" else "running"})


async def _at_once(request: httpx2.Request) -> httpx2.Response:
    return respond(200, {"id": "t1", "state": "accepted" if request.method == "POST" else "running"})


@pytest.mark.parametrize(
    ("answer", "person", "arguments"),
    [
        (_slowly, None, {"wait_seconds": 0}),
        (_slowly, None, {"wait_seconds": 120}),
        (_slowly, None, {"wait_seconds": 30, "cascade": True}),
        (_at_once, Slow(), {"wait_seconds": 0}),
        (_at_once, None, {"wait_seconds": 300}),
    ],
    ids=["the cancel and its look before", "looks", "parts", "a person", "pauses"],
)
async def test_no_silence_is_longer_whatever_the_call_waits_for(
    answer: Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]],
    person: Slow | None,
    arguments: dict[str, Json],
) -> None:
    reports, duration = await told(answer, person, **arguments)

    times = [0.0, *(seconds for seconds, _, _ in reports), duration]
    assert duration > SILENCE
    assert all(later - earlier <= SILENCE + 0.01 for earlier, later in pairwise(times))
    assert times[1:-1] == sorted(set(times[1:-1])), "they grow"
    assert all(seconds <= of for seconds, of, _ in reports)


async def test_before_anything_was_seen_that_is_said() -> None:
    reports, _ = await told(_slowly, wait_seconds=0)

    assert {text for _, _, text in reports} == {"Loom: no answer yet"}


@pytest.mark.parametrize(
    "arguments", [{"wait_seconds": 30}, {"wait_seconds": 30, "cascade": True}], ids=["looks", "parts"]
)
async def test_a_report_that_fails_is_the_last_and_the_answer_stands(
    arguments: dict[str, Json], caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = loom(BEFORE)
    reports: list[float] = []

    async def broken(seconds: float, _of: float, _text: str) -> None:
        reports.append(seconds)
        raise BrokenPipeError

    async with Gateway(mock(_slowly)) as gateway:
        call = Call(
            Surface.of(catalogue, settings.read(catalogue, {})), catalogue["cancel_thread"], {"id": "t1", **arguments}
        )
        said = await answer(call, Engine(gateway), Caller("test", broken))

    assert said.outcome == "stopping"
    assert len(reports) == 1
    assert "Progress is not reported any more" in caplog.text
    assert "BrokenPipeError" in caplog.text


async def test_after_the_call_nothing_is_reported() -> None:
    reports: list[float] = []

    async def report(seconds: float, _of: float, _text: str) -> None:
        reports.append(seconds)

    progress = Progress(report, anyio.current_time, 60, "Loom")
    with progress:
        await anyio.sleep(15)
    with progress:
        pass
    await anyio.sleep(60)

    assert len(reports) == 1
