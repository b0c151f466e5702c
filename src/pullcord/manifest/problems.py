"""Where a platform's errors say what went wrong."""

from pullcord.manifest.expressions import Here, expressions
from pullcord.manifest.node import Node
from pullcord.model.expression import Expression
from pullcord.model.pointer import Pointer


def problem(node: Node) -> tuple[dict[str, tuple[Expression, ...]], tuple[Pointer, ...]]:
    """x-problem: each member's places, and what every error has."""
    members = node.members("x-problem")
    every = members.pop("all").items() if "all" in members else []
    here = Here("x-problem", [])
    return (
        {name: expressions(member, here) for name, member in members.items()},
        tuple(item.pointer_text(whole=False) for item in every),
    )
