"""A next step that an answer offers: a link relation, and where it is known the call that follows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullcord.model.value import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A hypermedia action. One with a tool is complete: its arguments are all that the tool needs."""

    rel: str
    """The link relation: what the step is to the work, such as cancel or self."""
    hint: str
    """A sentence for the agent: what the step does, or what to do instead of a call."""
    operation_id: str | None = None
    method: str | None = None
    href: str | None = None
    """An absolute address at the platform."""
    schema_ref: str | None = None
    tool: str | None = None
    """The tool of this server that makes the call; None: it is no tool here."""
    arguments: Mapping[str, Json] | None = None
    retry_after_seconds: int | None = None
    """Seconds to wait before the call."""

    def to_json(self) -> dict[str, Any]:
        """All that is known of it."""
        members: dict[str, Any] = {
            "rel": self.rel,
            "operation_id": self.operation_id,
            "method": self.method,
            "href": self.href,
            "hint": self.hint,
            "schema_ref": self.schema_ref,
            "tool": self.tool,
            "arguments": None if self.arguments is None else dict(self.arguments),
            "retry_after_seconds": self.retry_after_seconds,
        }
        return {name: value for name, value in members.items() if value is not None}

    def compact(self) -> dict[str, Any]:
        """The call alone, for an item of a list."""
        return {"rel": self.rel, "tool": self.tool, "arguments": dict(self.arguments or {})}

    def is_same_call(self, other: "Action") -> bool:
        """Whether two actions are one call: of the same tool with the same arguments, or at the same address."""
        if self.tool and other.tool:
            return (self.tool, self.arguments) == (other.tool, other.arguments)
        if self.href is None or other.href is None:
            return (self.rel, self.operation_id) == (other.rel, other.operation_id)
        return (self.method, self.href) == (other.method, other.href)
