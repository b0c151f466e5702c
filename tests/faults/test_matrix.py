"""Every fault times every cancel tool, and what only shows when calls follow each other."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import pytest
from tests.faults.faults import FAULTS, MARK, Fault, flooded, json_page, problem
from tests.faults.matrix import COLUMNS, Column, bench, run
from tests.faults.proxy import Exchange, Proxy, proxy, through
from tests.faults.wire import PATIENCE, Era

from pullcord.sandbox import Sandbox, running

pytestmark = pytest.mark.anyio

CANCELS = [column for column in COLUMNS if column.method == "POST"]
TURN = CANCELS[1]
(EXPECTING,) = [column for column in COLUMNS if column.title == "its look before"]
MEMORY = 8
"""MiB that the largest fault may cost."""


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(wind_down=600)


@pytest.fixture
async def standing(sandbox: Sandbox) -> AsyncIterator[Proxy]:
    async with running(sandbox) as base_url, proxy(base_url) as found:
        yield found


@pytest.mark.parametrize(("era", "columns"), [("modern", COLUMNS), ("legacy", CANCELS[:2])])
async def test_whatever_goes_wrong_the_agent_learns_what_is_known_and_nothing_else(
    era: Era, columns: Sequence[Column], tmp_path: Path
) -> None:
    with anyio.fail_after(PATIENCE):
        cells = await run(era, tmp_path, columns)
    assert [cell for cell in cells if cell.wrong] == []
    assert len(cells) > 80 * len(columns)


async def test_an_answer_of_200_mb_costs_a_few_mib(sandbox: Sandbox, standing: Proxy, tmp_path: Path) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1500
    floods = [
        *(fault for fault in FAULTS if "200 MB" in fault.name or "100,000" in fault.name),
        Fault("200 MB of early hints", flooded(b"", hints)),
    ]
    async with bench("modern", sandbox, standing, tmp_path) as tried:
        for column in CANCELS:
            await tried.try_out(Fault("none", outcome=""), column)
        before = tried.server.memory("VmHWM")
        cells = [await tried.try_out(fault, column) for fault in floods[:-1] for column in CANCELS]
        target = TURN.target(sandbox)
        standing.spoils["POST", target.word] = [floods[-1].spoil]
        assert (await tried.server.call(TURN.tool, target.arguments))["outcome"] == "unknown"
        assert tried.server.memory("VmHWM") - before < MEMORY
    assert [cell for cell in [*cells, *tried.cells] if cell.wrong] == []


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_a_target_that_moves_while_a_platform_asks_for_a_wait_is_left_alone(
    sandbox: Sandbox, standing: Proxy, tmp_path: Path, status: str
) -> None:
    async def moves(exchange: Exchange) -> None:
        await exchange.request()
        sandbox.evershell.tasks[target.word].clear()
        sandbox.evershell.add_task(target.word)
        await exchange.send(problem(status, "Retry-After: 0"))

    async with bench("modern", sandbox, standing, tmp_path) as tried:
        target = EXPECTING.target(sandbox)
        standing.spoils["POST", target.word] = [moves, through]
        answer = await tried.server.call(EXPECTING.tool, target.arguments)
        assert answer["outcome"] in {"rate_limited", "unknown"}
        assert (standing.arrivals["POST", target.word], tried.sent(target.word)) == (1, 0)


@pytest.mark.parametrize("column", [column for column in CANCELS if column.aimed], ids=lambda column: column.title)
async def test_work_whose_cancel_was_lost_and_that_is_found_cancelled_was_stopped_by_it(
    tmp_path: Path, column: Column
) -> None:
    sandbox = Sandbox(wind_down=0)
    (lost,) = [fault for fault in FAULTS if fault.name == "reset after it was handed on"]
    async with (
        running(sandbox) as base_url,
        proxy(base_url) as standing,
        bench("modern", sandbox, standing, tmp_path) as tried,
    ):
        target = column.target(sandbox)
        standing.spoils["POST", target.word] = [lost.spoil, through]
        answer = await tried.server.call(column.tool, target.arguments)
        assert (answer["outcome"], tried.sent(target.word)) == ("stopped", 2)


async def test_a_second_answer_behind_the_first_is_not_taken_for_the_next_call_s(
    sandbox: Sandbox, standing: Proxy, tmp_path: Path
) -> None:
    async def twice(exchange: Exchange) -> None:
        await exchange.request()
        first = json_page("200 OK", '{"status": "no_op"}').replace(b"Connection: close\r\n", b"")
        await exchange.send(first + json_page("200 OK", f'{{"status": "cancelled", "title": "{MARK}"}}'))
        await exchange.reader.read()

    async with bench("modern", sandbox, standing, tmp_path) as tried:
        target, following = TURN.target(sandbox), TURN.target(sandbox)
        standing.spoils["POST", target.word] = [twice]
        assert (await tried.server.call(TURN.tool, target.arguments))["outcome"] == "nothing_running"
        assert (await tried.server.call(TURN.tool, following.arguments))["outcome"] == "stopped"
        assert tried.sent(following.word) == 1


async def test_a_connection_that_was_closed_between_two_calls_costs_nothing(
    sandbox: Sandbox, standing: Proxy, tmp_path: Path
) -> None:
    async with bench("modern", sandbox, standing, tmp_path) as tried:
        for column in CANCELS * 3:
            cell = await tried.try_out(Fault("none", outcome=""), column)
            assert cell.wrong == []
            await standing.hang_up()
