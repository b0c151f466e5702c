"""pullcord beside its floors and FastMCP's bridge, in one run: what a start, a call and a loaded manifest cost.

    python -m tests.benchmarks.bench [--quick] [--json FILE] [--plot FILE] [--document]

The contenders take turns, round after round, so that whatever else the machine does meets all of them; what is told is
the median. Beside the time on the clock stands the processor time, which other work disturbs less.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tests.benchmarks import contenders, plot, report
from tests.benchmarks.api import CALLS
from tests.benchmarks.contenders import HERE, MANIFESTS, ROOT, Contender
from tests.benchmarks.driver import Session, started
from tests.documents import doc

from pullcord.manifest.index import index

CACHE = ROOT / ".cache" / "bench"
IN_FLIGHT = 64
SLOW = 50
"""Milliseconds that the slow API takes."""
TURNS = 5
"""Parts in which a round's calls are made."""
LIMIT = 1800
"""Seconds that a run may take, whatever happens."""

Each = TypeVar("Each")
Samples: TypeAlias = dict[str, list[float]]
"""By metric."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int = 5
    starts: int = 12
    """Further starts of each contender, from which only the start is taken."""
    calls: int = 500
    burst: int = 1000
    """Calls with 64 in flight."""
    soak: int = 50_000
    window: int = 1000
    """Calls of the soak that each contender makes before it is another's turn."""
    manifests: tuple[int, ...] = (3, 30, 300)


QUICK = Plan(rounds=1, starts=3, calls=100, burst=256, soak=2000, window=200)


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: who takes part, on which API, and where it writes."""

    plan: Plan
    fast: str
    slow: str
    place: Path
    """For generated files and logs."""
    samples: dict[str, dict[str, Samples]] = field(default_factory=dict)
    """By transport and contender."""

    @asynccontextmanager
    async def running(self, contender: Contender, transport: str, base_url: str) -> AsyncIterator[Session]:
        """A contender for as long as the block runs."""
        port = contenders.free_port() if transport == "http" else None
        log = self.place / "log"
        async with started(contender.command(base_url, port), contenders.environ(base_url), log, port) as session:
            session.added = contender.added
            yield session

    async def compete(self, those: Sequence[Contender], transport: str) -> None:
        """Everything that contenders are compared in."""
        for turn in range(self.plan.starts):
            _say(f"{transport}: start {turn + 1} of {self.plan.starts}")
            for contender in _rotated(those, turn):
                async with self.running(contender, transport, self.fast) as session:
                    self._keep(transport, contender, await _begin(session))
        for turn in range(self.plan.rounds):
            _say(f"{transport}: round {turn + 1} of {self.plan.rounds}")
            await self._calls(those, transport)
            await self._slow_calls(those, transport)

    def _keep(self, transport: str, contender: Contender, values: dict[str, float]) -> None:
        kept = self.samples.setdefault(transport, {}).setdefault(contender.name, {})
        for metric, value in values.items():
            kept.setdefault(metric, []).append(value)

    async def _calls(self, those: Sequence[Contender], transport: str) -> None:
        """Calls one by one, then many at once: all servers stand, and take turns too short for a clock to drift."""
        async with AsyncExitStack() as stack:
            sessions = [
                (each, await stack.enter_async_context(self.running(each, transport, self.fast))) for each in those
            ]
            parts: dict[str, Samples] = {each.name: {} for each in those}
            for contender, session in sessions:
                self._keep(transport, contender, await _begin(session))
                for tool, arguments in CALLS.items():
                    sound([await session.call(tool, arguments)])
                await one_by_one(session, self.plan.calls // 10)
            for turn in range(TURNS):
                for contender, session in _rotated(sessions, turn):
                    times, cpu = await one_by_one(session, self.plan.calls // TURNS)
                    parts[contender.name].setdefault("times", []).extend(times)
                    parts[contender.name].setdefault("cpu", []).append(cpu)
            for turn in range(TURNS):
                for contender, session in _rotated(sessions, turn):
                    rate, cpu = await at_once(session, self.plan.burst // TURNS)
                    parts[contender.name].setdefault("rate0", []).append(rate)
                    parts[contender.name].setdefault("burst_cpu", []).append(cpu)
            for contender, session in sessions:
                samples, used = parts[contender.name], session.usage()
                quantiles = statistics.quantiles(samples.pop("times"), n=100, method="inclusive")
                means = {metric: statistics.mean(values) for metric, values in samples.items()}
                whole = {"p50": quantiles[49], "p99": quantiles[98], "rss": used.rss, "peak": used.peak}
                self._keep(transport, contender, {**means, **whole})

    async def _slow_calls(self, those: Sequence[Contender], transport: str) -> None:
        async with AsyncExitStack() as stack:
            sessions = [
                (each, await stack.enter_async_context(self.running(each, transport, self.slow))) for each in those
            ]
            for _, session in sessions:
                await session.hello()
                await at_once(session, IN_FLIGHT)
            for turn in range(TURNS):
                for contender, session in _rotated(sessions, turn):
                    rate, _ = await at_once(session, self.plan.burst // TURNS)
                    self._keep(transport, contender, {"rate50": rate})

    async def soak(self, those: Sequence[Contender]) -> dict[str, Samples]:
        """Many calls to each, by turns: what each window of them costs, and what is resident after it."""
        kept: dict[str, Samples] = {}
        windows = self.plan.soak // self.plan.window
        async with AsyncExitStack() as stack:
            sessions = [await stack.enter_async_context(self.running(each, "stdio", self.fast)) for each in those]
            for session in sessions:
                await session.hello()
                await one_by_one(session, self.plan.window // 10)
            for turn in range(windows):
                _say(f"soak: {(turn + 1) * self.plan.window} of {self.plan.soak} calls")
                for contender, session in zip(those, sessions, strict=True):
                    times, cpu = await one_by_one(session, self.plan.window)
                    samples = kept.setdefault(contender.name, {"p50": [], "cpu": [], "rss": []})
                    samples["p50"].append(statistics.median(times))
                    samples["cpu"].append(cpu)
                    samples["rss"].append(session.usage().rss)
        return kept

    async def platforms(self, python: Path) -> Samples:
        """The processor seconds of starts: with the platforms that are always listed, and by turns with all named."""
        kept: Samples = {"few": [], "all": []}
        those = {"few": contenders.named(python), "all": contenders.named(python, index())}
        for turn in range(self.plan.starts):
            _say(f"all platforms: start {turn + 1} of {self.plan.starts}")
            for name, contender in _rotated([*those.items()], turn):
                async with self.running(contender, "stdio", self.fast) as session:
                    kept[name].append((await _begin(session))["start_cpu"])
        return kept

    async def manifests(self, python: Path) -> list[dict[str, float]]:
        """What many manifests cost: to load, to start with, to keep, and for a call."""
        rows = []
        for number in self.plan.manifests:
            _say(f"{number} manifests")
            more = contenders.copies(number - len(MANIFESTS), self.place)
            load, cpu = loading(python, more)
            async with self.running(contenders.loaded(python, more), "stdio", self.fast) as session:
                found = await _begin(session)
                times, _ = await one_by_one(session, self.plan.calls)
            rows.append(
                {
                    "manifests": number,
                    "load": load,
                    "load_cpu": cpu,
                    "initialize": found["initialize"],
                    "rss": found["idle"],
                    "p50": statistics.median(times),
                }
            )
        return rows


async def _begin(session: Session) -> dict[str, float]:
    initialized, listed, size = await session.hello()
    used = session.usage()
    return {"initialize": initialized, "list": listed, "start_cpu": used.cpu, "idle": used.rss, "bytes": size}


async def one_by_one(session: Session, number: int) -> tuple[list[float], float]:
    """Call a tool again and again.

    Returns:
        The seconds of each call, and the server's processor seconds for one.
    """
    times, answers = [], []
    before = session.usage().cpu
    for _ in range(number):
        began = time.perf_counter()
        answers.append(await session.call("cancel_task", CALLS["cancel_task"]))
        times.append(time.perf_counter() - began)
    cpu = session.usage().cpu - before
    sound(answers)
    return times, cpu / number


async def at_once(session: Session, number: int) -> tuple[float, float]:
    """Call a tool with 64 calls under way at any time.

    Returns:
        The calls per second, and the server's processor seconds for one.
    """
    turns = iter(range(number))

    async def work() -> list[bytes]:
        return [await session.call("cancel_task", CALLS["cancel_task"]) for _ in turns]

    before, began = session.usage().cpu, time.perf_counter()
    answers = await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    seconds, cpu = time.perf_counter() - began, session.usage().cpu - before
    sound(chain.from_iterable(answers))
    return number / seconds, cpu / number


def sound(answers: Iterable[bytes]) -> None:
    """A fast failure is no result."""
    for answer in answers:
        result = json.loads(answer).get("result")
        if result is None or result.get("isError"):
            raise SystemExit(f"a call failed: {answer.decode(errors='replace')[:2000]}")


def loading(python: Path, manifests: Sequence[Path]) -> tuple[float, float]:
    """Seconds, and processor seconds, to read the shipped manifests and further ones: medians of three."""
    run = [str(python), "-c", _LOADING, *map(str, manifests)]
    outputs = [subprocess.run(run, check=True, capture_output=True, timeout=60).stdout for _ in range(3)]  # noqa: S603 - our own words
    wall, cpu = zip(*map(json.loads, outputs), strict=True)
    return statistics.median(wall), statistics.median(cpu)


_LOADING = """
import gc, json, pathlib, sys, time
from pullcord.manifest import loading
gc.disable()  # as `pullcord serve` does while it starts
paths = [pathlib.Path(path) for path in sys.argv[1:]]
wall, cpu = time.perf_counter(), time.process_time()
loading.load(loading.shipped(), paths)
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""


@asynccontextmanager
async def api(delay: int) -> AsyncIterator[str]:
    """The platforms, in a process of their own; their base URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "api.py"), str(delay), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


def _rotated(those: Sequence[Each], turn: int) -> list[Each]:
    """In another order each time, so that none always comes after the same."""
    first = turn % len(those)
    return [*those[first:], *those[:first]]


def _say(what: str) -> None:
    sys.stderr.write(f"bench: {what}\n")


async def run(
    plan: Plan, python: Path, those: Sequence[Contender], place: Path, transports: Sequence[str] = ("stdio", "http")
) -> dict[str, Any]:
    """Everything, in bounded time.

    Args:
        plan: how much.
        python: of the environment that holds pullcord.
        those: the contenders.
        place: a folder for generated files.
        transports: "stdio", "http", or both.
    """
    async with asyncio.timeout(LIMIT), api(0) as fast, api(SLOW) as slow:
        bench = Bench(plan, fast, slow, place)
        for transport in transports:
            await bench.compete([each for each in those if getattr(each, transport)], transport)
        soaked = await bench.soak([each for each in those if each.name in report.SOAKED])
        named = await bench.platforms(python)
        rows = await bench.manifests(python)
    medians = {
        transport: {
            name: {metric: statistics.median(values) for metric, values in samples.items()}
            for name, samples in by_name.items()
        }
        for transport, by_name in bench.samples.items()
    }
    samples = bench.samples
    return {
        "medians": medians,
        "samples": samples,
        "soak": soaked,
        "window": plan.window,
        "platforms": named,
        "manifests": rows,
    }


def machine() -> dict[str, str | int]:
    """Where the numbers are from."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "")
    return {
        "cores": os.cpu_count() or 0,
        "processor": model or platform.machine(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short run, good only to see that all works")
    parser.add_argument("--stdio", action="store_true", help="leave HTTP out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the medians as SVG")
    parser.add_argument("--document", action="store_true", help="write docs/benchmarks.md, with the plot if drawn")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing: show what --json wrote")
    options = parser.parse_args()
    found = json.loads(options.show.read_text(encoding="utf-8")) if options.show else measured(options)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.plot:
        options.plot.write_text(plot.draw(found), encoding="utf-8")
    if options.document:
        report.write(doc("benchmarks"), found, options.plot)
    sys.stdout.write(f"{report.text(found)}\n")


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """What a run finds, with the machine."""
    CACHE.mkdir(parents=True, exist_ok=True)
    _say("building the environments")
    ours = contenders.environment(CACHE / "pullcord", str(ROOT), "--constraint", str(ROOT / "constraints.txt"))
    theirs = contenders.environment(CACHE / "fastmcp", contenders.FASTMCP)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        place = Path(folder)
        those = [
            contenders.pullcord(ours),
            *contenders.floors(ours),
            contenders.bridge(theirs, place / "openapi.json"),
        ]
        transports = ("stdio",) if options.stdio else ("stdio", "http")
        try:
            found = asyncio.run(run(QUICK if options.quick else Plan(), ours, those, place, transports))
        except BaseException:
            log = place / "log"
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace")[-4000:] if log.exists() else "")
            raise
    return {"machine": machine(), "versions": contenders.versions(ours, theirs), **found}


if __name__ == "__main__":
    main()
