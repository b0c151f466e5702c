"""What a cancel stops, how it is aimed, and how its end is confirmed."""

import re
from collections.abc import Iterator, Mapping

from pullcord.manifest.expressions import Here, Lead, arguments
from pullcord.manifest.links import REL
from pullcord.manifest.node import Node, nearest
from pullcord.manifest.rules import condition
from pullcord.model.cancel import EXPECT, REASON, WAIT_SECONDS, Cancel, Poll, Target
from pullcord.model.listing import Listing, PageStyle
from pullcord.model.operation import Operation, Parameter, Place
from pullcord.model.value import Json

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def cancel(node: Node, here: Here) -> Cancel:
    """x-cancel: what the operation stops."""
    members = node.members("x-cancel")
    poll = members["poll"].members("poll") if "poll" in members else {}
    return Cancel(
        "task" if members["aim"].choice(["task", "current"]) == "task" else "current",
        members["confirm"].text(REL, "a link's name") if "confirm" in members else None,
        _target(members["target"], here) if "target" in members else None,
        Poll(poll["first"].seconds(), poll["most"].seconds()) if poll else Poll(),
    )


def _target(node: Node, here: Here) -> Target:
    members = node.members("target")
    target = Target(
        operation_id=members["operationId"].text(),
        arguments=arguments(members["parameters"], here),
        when=condition(members["when"], here),
        name=members["name"].text(_NAME, "a name for the found id, such as task_id"),
        at=members["at"].pointer_text(),
    )
    here.leads.append(Lead(node, target.operation_id, target.arguments))
    return target


def added(cancel: Cancel | None, listing: Listing | None) -> Iterator[Parameter]:
    """The arguments that pullcord itself heeds."""
    if cancel and cancel.confirm:
        what = "Seconds to watch for the real end."
        yield _local(WAIT_SECONDS, {"type": "integer", "minimum": 0, "maximum": 300, "default": 0}, what)
    if cancel and cancel.target:
        what = f"Cancel only if this is the {cancel.target.name} that runs now."
        yield _local(EXPECT + cancel.target.name, {"type": "string", "maxLength": 256}, what)
    if cancel:
        yield _local(REASON, {"type": "string", "maxLength": 300}, "Why, for the record; no secrets.")
    if listing and listing.pages.style is PageStyle.WHOLE:
        yield _local("offset", {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0}, "Items to skip.")


def _local(name: str, schema: dict[str, Json], description: str) -> Parameter:
    return Parameter(name, Place.LOCAL, required=False, description=description, schema=schema, wire=name)


def check_cancel(operation: Operation, operations: Mapping[str, Operation], node: Node) -> None:
    """Note a confirmation or a look-up that can't tell what it is asked for.

    Args:
        operation: what was read.
        operations: of the same file.
        node: of the operation.
    """
    cancel = operation.cancel
    if cancel is None:
        return
    place = node.at(f"{node.pointer}/x-cancel", None)
    links = [link for response in operation.responses.values() for link in response.links]
    fit = [link.rel for link in links if (to := operations.get(link.operation_id)) and to.state and to.state.phases]
    unknown = [link.rel for link in links if link.operation_id not in operations]
    if cancel.confirm and cancel.confirm not in {*fit, *unknown}:
        place.at(f"{place.pointer}/confirm", None).fault(
            f"{cancel.confirm} is no link to an operation whose x-state has phases; {nearest(cancel.confirm, fit)}"
        )
    looked_up = operations.get(cancel.target.operation_id) if cancel.target else None
    if looked_up and not looked_up.listing:
        place.at(f"{place.pointer}/target/operationId", None).fault(
            f"{looked_up.id} is no list; write an operation that has x-list"
        )
