"""Every fault times every cancel tool, over stdio against real `pullcord serve` processes; run, it prints the table."""

import asyncio
import itertools
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

import anyio
import jsonschema
from tests.faults.faults import DOORS, FAULTS, MARK, MISDIRECTIONS, Fault, answered, page, tls_doors
from tests.faults.proxy import Proxy, proxy, through
from tests.faults.wire import Era, Message, Server, serving

from pullcord.model.outcome import MEANINGS, Outcome
from pullcord.sandbox import CONFIDENTIAL, Sandbox, running

AT_ONCE = 32
"""Cases under way at a time."""
TIMES = ("--timeout", "6", "--connect-timeout", "1")
"""Three tries to connect end well before the call does, on a busy machine too."""
TRIES = {"never": 1, "aimed": 2, "waits": 3, "always": 3}
UNWATCHED = {"wait_seconds": 0}
INTERNALS = (
    "Traceback",
    'File "',
    "site-packages",
    "/src/pullcord",
    "RecursionError",
    "Errno",
    "httpx",
    "127.0.0.1:1:",
)
"""What would tell of this host, or of the program's inside."""


class Target(NamedTuple):
    """Work to be cancelled."""

    word: str
    """Stands in the path of each request about it, and in no other's."""
    arguments: dict[str, Any]


class Column(NamedTuple):
    """A cancel tool, and the request that is spoilt."""

    title: str
    tool: str
    target: Callable[[Sandbox], Target]
    clean: str
    """What comes of it where nothing goes wrong."""
    aimed: bool = False
    method: str = "POST"


def _task(sandbox: Sandbox) -> Target:
    word = sandbox.everruns.add_task()
    return Target(
        word, {"session_id": sandbox.everruns.ids.active_session, "task_id": word, "reason": "a fault", **UNWATCHED}
    )


def _turn(sandbox: Sandbox) -> Target:
    word = sandbox.everruns.add_session()
    return Target(word, {"session_id": word, **UNWATCHED})


def _workspace(sandbox: Sandbox) -> Target:
    word = sandbox.evershell.add_workspace()
    sandbox.evershell.add_task(word)
    return Target(word, {"workspace_id": word, **UNWATCHED})


def _expected(sandbox: Sandbox) -> Target:
    word = sandbox.evershell.add_workspace()
    return Target(word, {"workspace_id": word, "expect_task_id": sandbox.evershell.add_task(word), **UNWATCHED})


def _execution(sandbox: Sandbox) -> Target:
    word = sandbox.xpander.add_task()
    return Target(word, {"task_id": word, **UNWATCHED})


def _watched(sandbox: Sandbox) -> Target:
    word, arguments = _task(sandbox)
    return Target(word, {**arguments, "wait_seconds": 1})


COLUMNS = (
    Column("cancel_task", "cancel_task", _task, "stopping", aimed=True),
    Column("cancel_turn", "cancel_turn", _turn, "stopped"),
    Column("cancel_workspace_task", "cancel_workspace_task", _workspace, "stopping"),
    Column("stop_task", "stop_task", _execution, "stopped", aimed=True),
    Column("its look before", "cancel_workspace_task", _expected, "stopping", method="GET"),
    Column("its looks after", "cancel_task", _watched, "stopping", method="GET"),
)
"""The last two spoil a look: of cancel_workspace_task before it sends, of cancel_task after it has sent."""


class Cell(NamedTuple):
    """What came of a case."""

    fault: str
    column: str
    outcome: str
    sent: int
    """Cancels that the platform saw, by the sandbox's own record."""
    wrong: list[str]
    """What did not hold."""


class Due(NamedTuple):
    """What must come of a case."""

    outcome: str
    reached: int
    """Cancels that the platform sees."""
    arrived: int | None
    """Spoilt requests that the proxy sees; None: however many."""


def due(fault: Fault, column: Column, *, once: bool) -> Due:
    """What must come of a fault that lasts, or that happens once."""
    outcome = fault.outcome or column.clean
    if column.title == "its looks after":
        return Due(column.clean, 1, None)
    if column.title == "its look before":
        if not fault.outcome:
            return Due(column.clean, 1, None)
        return Due(fault.but.get(column.title, {"unknown": "unavailable"}.get(outcome, outcome)), 0, None)
    outcome = fault.but.get(column.title, outcome)
    again = fault.again == "always" or (fault.again in {"aimed", "waits"} and column.aimed)
    if once and again:
        return Due(column.clean, 1 + fault.reaches, 2)
    tries = TRIES[fault.again] if again else 1
    return Due(outcome, tries * fault.reaches, tries)


@dataclass
class Bench:
    """Where cases are tried."""

    sandbox: Sandbox
    server: Server
    proxy: Proxy
    schemas: Mapping[str, Mapping[str, Any]]
    secrets: Sequence[str]
    scheme: str
    cells: list[Cell] = field(default_factory=list)

    def sent(self, word: str) -> int:
        return sum(arrival.method == "POST" and word in arrival.path for arrival in self.sandbox.requests)

    async def try_out(self, fault: Fault, column: Column, *, once: bool = False) -> Cell:
        """Call a tool whose request is spoilt, then the same tool for other work."""
        target = column.target(self.sandbox)
        place = column.method, target.word
        self.proxy.spoils[place] = [fault.spoil, through] if once else [fault.spoil]
        said = await self._call(column, target)
        expected = due(fault, column, once=once)
        found = Due(_outcome(said), self.sent(target.word), expected.arrived and self.proxy.arrivals[place])
        cell = self._cell(f"{fault.name}{', once' * once}", column, said, found, expected)
        cell.wrong.extend(await self._next(column))
        return cell

    async def try_door(self, fault: Fault, columns: Sequence[Column]) -> list[Cell]:
        """Call tools while every connection is spoilt, then the same tools for other work."""
        assert fault.door
        targets = [column.target(self.sandbox) for column in columns]
        async with fault.door(self.proxy):
            replies = await asyncio.gather(*map(self._call, columns, targets))
        cells: list[Cell] = []
        for column, target, said in zip(columns, targets, replies, strict=True):
            expected = due(fault, column, once=False)._replace(arrived=None)
            cells.append(
                self._cell(fault.name, column, said, Due(_outcome(said), self.sent(target.word), None), expected)
            )
            cells[-1].wrong.extend(await self._next(column))
        return cells

    async def _call(self, column: Column, target: Target) -> Message:
        return await self.server.request("tools/call", {"name": column.tool, "arguments": target.arguments})

    def _cell(self, fault: str, column: Column, said: Message, found: Due, expected: Due) -> Cell:
        fits = found.outcome in expected.outcome.split(" or ") and found[1:] == expected[1:]
        wrong = [] if fits else [f"{found}, not {expected}"]
        wrong += [f"the result: {error}" for error in self._errors(column, said.get("result", {}))]
        wrong += [f"the result holds {leak!r}" for leak in leaks(json.dumps(said, ensure_ascii=False), self.secrets)]
        if MARK in str(said.get("result", {}).get("structuredContent", {}).get("message")):
            wrong.append("the message quotes the platform")
        return Cell(fault, column.title, found.outcome, found.reached, wrong)

    async def _next(self, column: Column) -> list[str]:
        """The server must still do its work; behind TLS it can but answer."""
        if self.scheme == "https":
            return [] if await self.server.request("tools/list", {}) else ["no next answer"]
        target = column.target(self.sandbox)
        said = await self._call(column, target)
        return [f"the next call: {said}"] if (_outcome(said), self.sent(target.word)) != (column.clean, 1) else []

    def _errors(self, column: Column, result: Mapping[str, Any]) -> Iterable[str]:
        envelope = result.get("structuredContent", {})
        for error in jsonschema.Draft202012Validator(self.schemas[column.tool]).iter_errors(envelope):
            yield error.message
        if result.get("isError", False) is not MEANINGS[Outcome(envelope.get("outcome", "unknown"))].is_error:
            yield "isError doesn't fit the outcome"
        if [json.loads(content["text"]) for content in result.get("content", [])] != [envelope]:
            yield "the two halves differ"


def _outcome(said: Message) -> str:
    return str(said.get("result", {}).get("structuredContent", {}).get("outcome"))


def leaks(text: str, secrets: Sequence[str]) -> list[str]:
    """What must not leave, and stands in a text."""
    return [word for word in (*secrets, CONFIDENTIAL, *INTERNALS) if word in text]


@asynccontextmanager
async def bench(
    era: Era, sandbox: Sandbox, standing: Proxy, folder: Path, scheme: str = "http"
) -> AsyncIterator[Bench]:
    """A server behind a proxy."""
    environ = sandbox.environment(f"{scheme}://127.0.0.1:{standing.port}")
    secrets = [value for name, value in environ.items() if name.endswith("_KEY")]
    journal, errors = folder / f"{era}-{scheme}.jsonl", folder / f"{era}-{scheme}.err"
    async with serving(era, environ, errors, *TIMES, "--journal", str(journal)) as server:
        tools = (await server.request("tools/list", {}))["result"]["tools"]
        tried = Bench(
            sandbox, server, standing, {tool["name"]: tool["outputSchema"] for tool in tools}, secrets, scheme
        )
        yield tried
    wrong = [f"its error output holds {leak!r}" for leak in leaks(server.complaints(), secrets)]
    wrong += [f"its journal holds {leak!r}" for leak in leaks(journal.read_text(encoding="utf-8"), secrets)]
    wrong += [f"it ended with {server.process.returncode}"] if server.process.returncode else []
    wrong += [f"{n} answers to {number}" for number, n in server.answers.items() if n != 1]
    tried.cells.append(Cell(f"{scheme}: the process and its records", "all", "", 0, wrong))


async def run(era: Era, folder: Path, columns: Sequence[Column] = COLUMNS) -> list[Cell]:
    """Try every case with one server per scheme."""
    sandbox = Sandbox(wind_down=600)
    async with AsyncExitStack() as stack:
        base_url = await stack.enter_async_context(running(sandbox))
        standing = await stack.enter_async_context(proxy(base_url))
        other = await stack.enter_async_context(proxy(base_url))
        moved = f"Location: http://127.0.0.1:{other.port}/everruns/api/v1/sessions"
        faults = (
            *FAULTS,
            *(Fault(f"{status[:3]} to another origin", answered(page(status, b"", moved))) for status in MISDIRECTIONS),
        )
        cancels = [column for column in columns if column.method == "POST"]
        async with bench(era, sandbox, standing, folder) as plain:
            nothing = Fault("none", outcome="")
            for column in columns:  # one at a time: the first call of a process takes longer
                plain.cells.append(await plain.try_out(nothing, column))
            again = [fault for fault in faults if fault.again != "never"]
            gate = anyio.CapacityLimiter(AT_ONCE)
            plain.cells += await asyncio.gather(
                *(_within(gate, plain.try_out(*case)) for case in itertools.product(faults, columns)),
                *(_within(gate, plain.try_out(*case, once=True)) for case in itertools.product(again, cancels)),
            )
            for fault in DOORS:
                plain.cells += await plain.try_door(fault, cancels)
        async with bench(era, sandbox, standing, folder, "https") as secure:
            for fault in tls_doors(folder):
                secure.cells += await secure.try_door(fault, cancels)
    if other.connections:
        plain.cells[-1].wrong.append("another origin saw a connection")
    return [*plain.cells, *secure.cells]


async def _within(gate: anyio.CapacityLimiter, case: Awaitable[Cell]) -> Cell:
    async with gate:
        return await case


def table(cells: Sequence[Cell]) -> str:
    """One line for each fault: what each tool said, and how many cancels the platform saw."""
    rows: dict[str, dict[str, str]] = {}
    for cell in cells:
        rows.setdefault(cell.fault, {})[cell.column] = f"{cell.outcome} {cell.sent}{' !' if cell.wrong else ''}"
    titles = [column.title for column in COLUMNS]
    lines = [["fault", *titles], *([name, *(row.get(title, "") for title in titles)] for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def summary(cells: Sequence[Cell]) -> str:
    """How many cases were tried, and how many held."""
    return f"{len(cells)} cases tried, {sum(not cell.wrong for cell in cells)} held"


def main() -> int:
    """Print what came of every case in both eras."""
    failed = 0
    for era in get_args(Era):
        with tempfile.TemporaryDirectory() as folder:
            cells = asyncio.run(run(era, Path(folder)))
        print(f"{table(cells)}\n\n{era}: {summary(cells)}\n")  # noqa: T201 - what the command is for
        for cell in cells:
            for what in cell.wrong:
                failed = 1
                print(f"{era}: {cell.fault}, {cell.column}: {what}")  # noqa: T201 - what the command is for
    return failed


if __name__ == "__main__":
    sys.exit(main())
