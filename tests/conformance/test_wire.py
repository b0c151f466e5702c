"""On stdio, which has no official suite: every line that the server writes fits the protocol's types of its era.

The conversation holds one of each kind: a handshake or a discovery, the list, cancels that go well and wrong, progress
while one is watched, resources, a prompt, and requests that are answered by protocol errors.
"""

import json
from typing import Any

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp_types.methods import parse_server_notification, validate_server_result
from tests.clients.client import SERVER
from tests.clients.story import IDLE, NOBODY

pytestmark = pytest.mark.anyio

TASK = {"task_id": "fbd08e4d-cfa7-4838-b6e6-00000000000b"}
"""A task of the sandbox that stops slowly, so that there is something to watch."""
CLIENT = {"name": "test", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": CLIENT,
}
OPENINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "2025-06-18": (
        "initialize",
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT},
    ),
    "2025-11-25": (
        "initialize",
        {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT},
    ),
    "2026-07-28": ("server/discover", {}),
}


def requests(version: str) -> list[dict[str, Any]]:
    """What is asked, one after the other."""
    meta = ENVELOPE if version == "2026-07-28" else {}
    asked: list[tuple[str, dict[str, Any]]] = [
        OPENINGS[version],
        ("tools/list", {}),
        ("tools/call", {"name": "list_sessions", "arguments": {}}),
        ("tools/call", {"name": "cancel_turn", "arguments": {"session_id": IDLE}}),
        ("tools/call", {"name": "cancel_turn", "arguments": {"session_id": NOBODY}}),
        ("tools/call", {"name": "cancel_turn", "arguments": {"session_id": 7}}),
        ("tools/call", {"name": "stop_task", "arguments": {**TASK, "wait_seconds": 10}, "_meta": {"progressToken": 1}}),
        ("tools/call", {"name": "cancel_everything", "arguments": {}}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": "ui://pullcord/panel"}),
        ("resources/read", {"uri": "ui://pullcord/other"}),
        ("prompts/list", {}),
        ("prompts/get", {"name": "stop", "arguments": {"what": "the nightly crawl"}}),
        ("prompts/get", {"name": "halt"}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "a"}, "argument": {"name": "b", "value": ""}}),
    ]
    return [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": method,
            "params": {**params, "_meta": {**meta, **params.get("_meta", {})}},
        }
        for number, (method, params) in enumerate(asked)
    ]


async def conversation(version: str) -> list[tuple[str, dict[str, Any]]]:
    """Every line that the server writes, with the method of the request that it belongs to."""
    written: list[tuple[str, dict[str, Any]]] = []
    with anyio.fail_after(300):
        async with await anyio.open_process(SERVER, stderr=None) as process:
            assert process.stdin
            assert process.stdout
            lines = BufferedByteReceiveStream(process.stdout)
            for request in requests(version):
                await process.stdin.send(json.dumps(request).encode() + b"\n")
                answer: dict[str, Any] = {}
                while answer.get("id") != request["id"]:
                    answer = json.loads(await lines.receive_until(b"\n", 1_000_000))
                    written.append((request["method"], answer))
                if request["method"] == "initialize":
                    await process.stdin.send(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
            await process.stdin.aclose()
            await process.wait()
    return written


def check(version: str, method: str, line: dict[str, Any]) -> str:
    """What a line is; it must fit the protocol's types.

    Raises:
        ValueError: it doesn't.
    """
    if "method" in line:
        assert line.keys() == {"jsonrpc", "method", "params"}
        parse_server_notification(line["method"], version, line["params"])
        return str(line["method"])
    if "error" in line:
        assert line.keys() == {"jsonrpc", "id", "error"}
        assert isinstance(line["error"]["code"], int)
        assert isinstance(line["error"]["message"], str)
        return "error"
    assert line.keys() == {"jsonrpc", "id", "result"}
    validate_server_result(method, version, line["result"])
    return "tool error" if line["result"].get("isError") else method


@pytest.mark.parametrize("version", OPENINGS)
async def test_every_line_fits_the_protocols_types_of_its_era(version: str) -> None:
    written = await conversation(version)
    kinds = [check(version, method, line) for method, line in written]
    assert [line["jsonrpc"] for _, line in written] == ["2.0"] * len(written)
    assert [kind for kind in kinds if kind != "notifications/progress"] == [
        OPENINGS[version][0],
        "tools/list",
        "tools/call",
        "tools/call",
        "tool error",
        "tool error",
        "tools/call",
        "error",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "error",
        "prompts/list",
        "prompts/get",
        "error",
        "error",
    ]
    assert "notifications/progress" in kinds


@pytest.mark.parametrize(
    "result",
    [
        {"content": "text"},
        {"content": [{"type": "text"}]},
        {"structuredContent": {}},
        {"content": [], "isError": "perhaps"},
    ],
)
@pytest.mark.parametrize("version", OPENINGS)
def test_a_result_that_does_not_fit_is_found(version: str, result: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        check(version, "tools/call", {"jsonrpc": "2.0", "id": 1, "result": result})
