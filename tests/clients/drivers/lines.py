"""One line of JSON in, one line out: how a driver is told what to call, and tells what its model would be shown."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any


async def answer(tools: list[str], call: Callable[[str, dict[str, Any]], Awaitable[list[str]]]) -> None:
    """Answer until the input ends.

    Args:
        tools: the names that the client was told.
        call: calls a tool; every form in which hosts on this library may show the answer to their model.
    """
    _say({"tools": tools})
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        try:
            shown = await call(asked["tool"], asked["arguments"])
        except Exception as error:  # noqa: BLE001 - a host tells its model of a failed call in these words
            shown = [str(error)]
        _say({"shown": shown})


def _say(what: dict[str, list[str]]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()
