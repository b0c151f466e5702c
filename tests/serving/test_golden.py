"""What agents see of the tools, word for word: it changes only in a diff that somebody reads.

PULLCORD_GOLDEN=write pytest tests/serving/test_golden.py writes it anew.
"""

import json
import os
from pathlib import Path

import pytest
from mcp import types
from tests.support import shipped, stage

from pullcord.serving.panel import TOOL_META
from pullcord.serving.tools import tool

GOLDEN = Path(__file__).parent / "golden" / "tools-list.json"
# Read at import: the tests' own fixture hides pullcord's variables from tests.
REWRITE = os.environ.get("PULLCORD_GOLDEN") == "write"

HINTS = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
CANCELS = ["cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"]
NINE = [*CANCELS, "get_task", "get_session", "get_workspace_task", "list_workspace_tasks", "get_execution"]


def _dump(tools: list[types.Tool]) -> list[dict[str, object]]:
    return [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in tools]


def _size(names: list[str]) -> int:
    tools = [tool(shipped()[name], TOOL_META) for name in names]
    return len(json.dumps(_dump(tools), separators=(",", ":")).encode())


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_tools_are_the_golden_ones(mode: str) -> None:
    async with stage(mode) as staged:
        listed = _dump((await staged.client.list_tools()).tools)
    if REWRITE:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == listed


def test_the_list_is_small() -> None:
    assert _size(CANCELS) <= 7_500
    assert _size(NINE) <= 14_000


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_tool_says_what_it_does(name: str) -> None:
    (shown,) = _dump([tool(shipped()[name])])
    annotations, schema = shown["annotations"], shown["inputSchema"]
    assert isinstance(annotations, dict)
    assert isinstance(schema, dict)

    assert str(shown["title"]).startswith(shipped()[name].platform.title)
    assert len(str(shown["description"])) <= 1000
    assert sorted(annotations) == sorted(HINTS), "all four, explicitly"
    cancels = name in CANCELS
    assert annotations["readOnlyHint"] is not cancels
    assert annotations["destructiveHint"] is cancels
    assert annotations["idempotentHint"] is (name not in {"cancel_turn", "cancel_workspace_task"})
    assert not schema.keys() & {"oneOf", "anyOf", "allOf", "not", "$defs", "$schema", "additionalProperties"}
    for given in schema["properties"].values():
        assert given["description"]
        assert given["type"] in {"string", "integer", "boolean"}, "flat"
