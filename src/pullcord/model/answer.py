"""The answer to a call: one record for success and error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullcord.model.action import Action
from pullcord.model.outcome import MEANINGS, MayGoOn, Outcome, WorkStopped
from pullcord.model.value import Json


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list."""

    fields: Mapping[str, Json]
    """The fields that its manifest exposes."""
    actions: tuple[Action, ...]
    """The next steps with this item."""

    def to_json(self) -> dict[str, Any]:
        """The fields, and beside them the actions that can be called here, in their compact form."""
        return {**self.fields, "allowed_actions": [action.compact() for action in self.actions if action.tool]}


@dataclass(frozen=True, slots=True)
class Items:
    """The part of a list that an answer shows."""

    items: tuple[Item, ...]
    left_out: int | None
    """How many items follow; None: that is unknown."""

    def to_json(self) -> dict[str, Any]:
        """The items, and how many more there are, where that is known."""
        items = [item.to_json() for item in self.items]
        return {"items": items, "left_out": self.left_out} if self.left_out else {"items": items}


@dataclass(frozen=True, slots=True)
class Piece:
    """What came of a part: a piece of work that the cancelled work had started."""

    tool: str
    arguments: Mapping[str, Json]
    outcome: Outcome
    work_stopped: WorkStopped
    state: str | None

    def to_json(self) -> dict[str, Any]:
        """The JSON object that agents read."""
        return {
            "tool": self.tool,
            "arguments": dict(self.arguments),
            "outcome": str(self.outcome),
            "work_stopped": self.work_stopped,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a call. Its members are the ones of the JSON object, in that order."""

    operation_id: str
    platform: str
    outcome: Outcome
    message: str
    """One to three sentences of ours, which can be read alone."""
    work_stopped: WorkStopped
    """Whether the work itself has stopped: yes or no only where a sign shows it."""
    may_go_on: tuple[MayGoOn, ...]
    """What may still run; empty where nothing is known to run."""
    state: str | None
    """The platform's own word for the state of the work."""
    evidence: Mapping[str, Json] | None
    """The status, fields and look that the outcome rests on."""
    target: Mapping[str, Json]
    """The ids that were hit."""
    resource: Mapping[str, Json] | Items | None
    """What the platform shows of the work; of a list its items."""
    parts: tuple[Piece, ...] | None
    """With cascade: the pieces of work that the cancelled work had started."""
    problem: Mapping[str, Json] | None
    """The members of RFC 9457, where something went wrong."""
    allowed_actions: tuple[Action, ...]
    """The next steps."""

    @property
    def is_error(self) -> bool:
        """Whether the call did not do what it was to do."""
        return MEANINGS[self.outcome].is_error

    def to_json(self) -> dict[str, Any]:
        """The JSON object that agents read."""
        return {
            "operation_id": self.operation_id,
            "platform": self.platform,
            "outcome": str(self.outcome),
            "message": self.message,
            "work_stopped": self.work_stopped,
            "may_go_on": [str(word) for word in self.may_go_on],
            "state": self.state,
            "evidence": self.evidence,
            "target": dict(self.target),
            "resource": self.resource.to_json() if isinstance(self.resource, Items) else self.resource,
            "parts": None if self.parts is None else [each.to_json() for each in self.parts],
            "problem": self.problem,
            "allowed_actions": [action.to_json() for action in self.allowed_actions],
        }
