"""What a type checker says of the Python API: mypy checks this file, and nothing runs it.

Where a line must be refused, the reason to silence it is that mypy calls a silencer that silences nothing an error.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

from mcp import Client, ClientSession
from mcp.server.lowlevel import Server

import pullcord
from pullcord import Action, Answer, Cord, Outcome, Running, Work

OPTIONS: pullcord.CordOptions = {"environ": os.environ, "platforms": ["langgraph"], "limit": "10/minute"}


async def calls(cord: Cord, action: Action, work: Work) -> None:
    assert_type(await cord.call("stop_task", {"task_id": "1"}), Answer)
    assert_type(await cord.call("find_running"), Answer)
    assert_type(await cord.follow(action), Answer)
    assert_type(await cord.stop("an id", cascade=False, wait_seconds=0, reason="why"), Answer)
    assert_type(await cord.stop(work), Answer)
    assert_type(await cord.running("everruns", "xpander"), Running)
    await cord.call("stop_task", ["1"])  # type: ignore[arg-type]
    await cord.follow("cancel")  # type: ignore[arg-type]
    await cord.running(platform="xpander")  # type: ignore[call-arg]
    cord.call("stop_task")  # type: ignore[unused-coroutine]


def reads(answer: Answer, work: Work) -> None:
    assert_type(answer.outcome, Outcome)
    assert_type(answer.is_error, bool)
    assert_type(answer.allowed_actions, tuple[Action, ...])
    assert_type(work.since, datetime | None)
    assert_type(work.cancel, Action | None)
    assert_type(work.id, str)
    answer.state = "stopped"  # type: ignore[misc]
    if answer.outcome not in pullcord.FINAL:
        assert_type(answer.outcom, Any)  # type: ignore[attr-defined]


async def opens(manifests: Sequence[Path]) -> None:
    async with Cord(**OPTIONS) as cord:
        assert_type(cord, Cord)
    Cord(manifests=manifests, only=["stop_task"], journal=Path("journal"), sandbox=True)
    Cord(environ={"XPANDER_API_KEY": None})  # type: ignore[dict-item]
    Cord(confirm=True)  # type: ignore[call-arg]
    Cord(OPTIONS)  # type: ignore[arg-type, call-arg]
    async with pullcord.server(**OPTIONS, confirm=True) as server:
        assert_type(server, Server[Any])
        async with Client(server), pullcord.streams(server) as streams, ClientSession(*streams):
            pass
    async with pullcord.server(tokens="tokens"):  # type: ignore[call-arg]
        pass
    app = pullcord.asgi(**OPTIONS, tokens="tokens", allowed_hosts=["tools.example"])
    assert_type(app, pullcord.Application)
    pullcord.asgi(host="127.0.0.1")  # type: ignore[call-arg]
    assert_type(pullcord.nothing, Any)  # type: ignore[attr-defined]
