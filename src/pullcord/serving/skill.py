"""The skill: how an agent stops work with these tools, and what each answer lets it say (Skills over MCP, SEP-2640)."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from pullcord.serving.resources import Resource

EXTENSION = "io.modelcontextprotocol/skills"
"""The identifier of Skills over MCP."""
_NAME = "stop-agent-work"
_FRESH = {"ttlMs": 300_000, "cacheScope": "public"}
"""How long an answer may be kept, and for whom, as revision 2026-07-28 wants it said; older ones pass it over."""


class _GetSkillParams(types.RequestParams):
    """The parameters of skills/get."""

    uri: str


@cache
def _text() -> str:
    return files("pullcord.serving").joinpath("skills", _NAME, "SKILL.md").read_text(encoding="utf-8")


SKILL = Resource(
    uri=f"skill://{_NAME}/SKILL.md",
    name=_NAME,
    title="How to stop agent work",
    description="Find, stop, follow, prove: the steps, and what each outcome lets an agent say.",
    media_type="text/markdown",
    load=_text,
)


def offer(server: Server[Any]) -> None:
    """Let agents discover the skill; its text is a resource.

    Args:
        server: answers skills/list and skills/get from then on.
    """

    async def list_skills(_ctx: ServerRequestContext[Any], _: types.PaginatedRequestParams) -> dict[str, Any]:
        return {"skills": [_entry()], **_FRESH}

    async def get_skill(_ctx: ServerRequestContext[Any], params: _GetSkillParams) -> dict[str, Any]:
        if params.uri != SKILL.uri:
            message = f"There is one skill, {SKILL.uri}."
            raise MCPError(code=types.INVALID_PARAMS, message=message, data={"uri": params.uri})
        return {"skill": _entry(), **_FRESH}

    server.add_request_handler("skills/list", types.PaginatedRequestParams, list_skills)
    server.add_request_handler("skills/get", _GetSkillParams, get_skill)


def _entry() -> dict[str, Any]:
    """What is told of the skill: its frontmatter, and the digest and size of its one file."""
    _, head, _ = _text().split("---\n", 2)
    content = _text().encode()
    file = {"uri": SKILL.uri, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
    # Each line of the frontmatter is a name and a plain text.
    frontmatter = dict(line.split(": ", 1) for line in head.splitlines())
    return {"uri": SKILL.uri, "frontmatter": frontmatter, "resources": [file]}
