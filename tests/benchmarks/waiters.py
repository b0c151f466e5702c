"""What calls that wait for work to end cost in memory, where a platform's every answer has a mebibyte.

    python -m tests.benchmarks.waiters [--waiters 50]

One server process on standard input and output, and a platform in this process. Half of each answer is text, half empty
arrays, as many as may be read; each waiter has an accepted cancel and looks at its work.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import anyio
from starlette.types import Receive, Scope, Send
from tests.faults.wire import PATIENCE, Server, serving

from pullcord.serving.front import Front
from pullcord.serving.listening import listening
from pullcord.upstream.exchange import BODY_LIMIT, VALUES_LIMIT

SESSION = f"session_{'0' * 31}1"
LOOKS = 2
"""Looks of each waiter that are waited for."""


class Large:
    """A platform whose tasks always run, and whose answers are as large as may be."""

    def __init__(self) -> None:
        self.looks: Counter[str] = Counter()
        self.looked = anyio.Event()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer a cancel or a look."""
        assert scope["type"] == "http"
        task = scope["path"].split("/tasks/")[1].removesuffix("/cancel")
        if scope["method"] == "GET":
            self.looks[task] += 1
            self.looked.set()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _body(task)})


def _body(task: str) -> bytes:
    work = {"id": task, "session_id": SESSION, "kind": "background_tool", "state": "running"}
    arrays: list[list[object]] = [[] for _ in range(VALUES_LIMIT // 2 - 100)]
    body = {**work, "task": {**work, "display_name": "x" * 200_000}, "log": {"lines": arrays}, "text": ""}
    room = BODY_LIMIT - len(json.dumps(body))
    return json.dumps({**body, "text": "x" * room}).encode()


@dataclass(frozen=True, slots=True)
class Cost:
    """Resident memory of the server, in MiB."""

    before: float
    waiting: float
    highest: float


async def measure(waiters: int, folder: Path) -> Cost:
    """Let calls wait, and look at the server's memory.

    Args:
        waiters: calls that wait at once.
        folder: takes the server's error output.
    """
    platform = Large()
    async with listening(platform, Front(port=0)) as url:
        environ = {"EVERRUNS_API_KEY": "key", "EVERRUNS_API_URL": url}
        async with serving("modern", environ, folder / "stderr") as server, anyio.create_task_group() as tasks:
            await _cancel(server, 0, 0)
            before = server.memory()
            for number in range(waiters):
                tasks.start_soon(_cancel, server, number + 1, 300)
            with anyio.fail_after(PATIENCE):
                while sum(count >= LOOKS for count in platform.looks.values()) < waiters:
                    platform.looked = anyio.Event()
                    await platform.looked.wait()
            cost = Cost(before, server.memory(), server.memory("VmHWM"))
            tasks.cancel_scope.cancel()
    return cost


async def _cancel(server: Server, number: int, seconds: int) -> None:
    target = {"session_id": SESSION, "task_id": f"task_{number:032}"}
    answer = await server.call("cancel_task", {**target, "wait_seconds": seconds})
    assert answer["outcome"] == "stopping", answer


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiters", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost = anyio.run(measure, options.waiters, Path(folder))
    sys.stdout.write(
        f"{options.waiters} waiters: {cost.before:.0f} MiB before, {cost.waiting:.0f} MiB while they wait,"
        f" {cost.highest:.0f} MiB at most\n"
    )


if __name__ == "__main__":
    main()
