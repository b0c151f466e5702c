"""Reads where a platform's errors say what went wrong."""

from pullcord.manifest.expressions import Scope, expressions
from pullcord.manifest.node import Node
from pullcord.model.expression import Expression
from pullcord.model.pointer import Pointer


def problem(node: Node) -> tuple[dict[str, tuple[Expression, ...]], tuple[Pointer, ...]]:
    """Read x-problem: the places of each member of an error, and the pointers that every error has."""
    members = node.members("x-problem")
    common = members.pop("all").items() if "all" in members else []
    scope = Scope("x-problem", [])
    return (
        {name: expressions(member, scope) for name, member in members.items()},
        tuple(item.pointer_text(whole=False) for item in common),
    )
