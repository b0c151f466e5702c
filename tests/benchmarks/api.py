"""The platforms' side of a benchmark: a loopback HTTP API that costs as little as Python can.

    python api.py DELAY_MS

It prints its base URL, answers the four cancels (and the look before one of them) after the delay, and ends when its
standard input does, so that it never outlives who started it. asyncio sets TCP_NODELAY by itself.
"""

import asyncio
import json
import re
import sys

SESSION = "session_" + 32 * "a"
TASK = "task_" + 32 * "b"
CALLS = {
    "cancel_task": {"session_id": SESSION, "task_id": TASK},
    "cancel_turn": {"session_id": SESSION},
    "cancel_workspace_task": {"workspace_id": "ws_01HZ"},
    "stop_task": {"task_id": "5b3e9a3e-9d6c-4c7e-8d53-3f0f5b3e9a3e"},
}
"""Each tool with arguments that the API knows."""

_TIME = "2026-11-01T12:00:00Z"
_BODIES = {
    f"POST /v1/sessions/{SESSION}/tasks/{TASK}/cancel": {
        "id": TASK,
        "session_id": SESSION,
        "kind": "background_tool",
        "display_name": "Collect the reports of the last quarter",
        "state": "running",
        "state_detail": "12 of 40 reports",
        "cancel_requested_at": _TIME,
        "created_at": _TIME,
        "started_at": _TIME,
        "finished_at": None,
        "error": None,
        "links": {"child_session_id": None, "remote_task_id": None},
        "spec": {"tool": "collect", "arguments": {"quarter": "2026-Q3", "sources": ["crm", "billing", "support"]}},
    },
    f"POST /v1/sessions/{SESSION}/cancel": {"status": "cancelled"},
    "POST /v1/workspaces/ws_01HZ/task/cancel": None,
    "GET /v1/workspaces/ws_01HZ/tasks": [
        {
            "id": "task_01HZ",
            "workspace_id": "ws_01HZ",
            "description": "Tidy up",
            "status": "running",
            "created_at": _TIME,
        }
    ],
    "POST /v1/tasks/5b3e9a3e-9d6c-4c7e-8d53-3f0f5b3e9a3e/stop": {
        "id": "5b3e9a3e-9d6c-4c7e-8d53-3f0f5b3e9a3e",
        "agent_id": "0d0c7f0e-1f9e-4b52-a7b5-7a1c4f8b7a10",
        "title": "Collect the reports of the last quarter",
        "status": "executing",
        "is_manually_stopped": False,
        "created_at": _TIME,
        "sub_executions": [],
    },
}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _response(status: str, body: object) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


_RESPONSES = {
    line.encode(): _response("202 Accepted" if body is None else "200 OK", body) for line, body in _BODIES.items()
}
_UNKNOWN = _response("404 Not Found", {"title": "Not found"})


class Api(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if not end or len(rest) < length:
            return
        self._received = rest[length:]
        line, _, _ = head.partition(b" HTTP/")
        answer = _RESPONSES.get(line.partition(b"?")[0], _UNKNOWN)
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._answer, answer)
        else:
            self._answer(answer)

    def _answer(self, answer: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Api(delay), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))
