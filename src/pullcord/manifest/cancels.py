"""Reads what a cancel stops, how it is aimed, and how its end is confirmed."""

import re
from collections.abc import Iterator, Mapping

from pullcord.manifest.conditions import condition
from pullcord.manifest.expressions import Lead, Scope, arguments
from pullcord.manifest.node import Node, suggestion
from pullcord.manifest.rules import poll
from pullcord.model.cancel import CASCADE, EXPECT, REASON, WAIT_SECONDS, Before, Cancel, Target
from pullcord.model.listing import PageStyle
from pullcord.model.operation import Operation, Parameter, Place
from pullcord.model.outcome import Outcome
from pullcord.model.relation import REL
from pullcord.model.value import Json

_WAIT: Mapping[str, Json] = {"type": "integer", "minimum": 0, "maximum": 300}
_LIMITS = "Clients often give up after 60; waiting again is free."
_GONE = (Outcome.STOPPED, Outcome.NOT_FOUND)
"""The outcomes that a confirming look may have that finds no such work."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def cancel(node: Node, scope: Scope) -> Cancel:
    """Read x-cancel: what the operation stops, and how that is confirmed.

    Args:
        node: the keyword's value.
        scope: the operation that it stands in.
    """
    members = node.members("x-cancel")
    return Cancel(
        "task" if members["aim"].choice(["task", "current"]) == "task" else "current",
        _relations(members["confirm"]) if "confirm" in members else (),
        _target(members["target"], scope) if "target" in members else None,
        poll(members["poll"]) if "poll" in members else None,
        Outcome(members["gone"].choice(_GONE)) if "gone" in members else None,
        _before(members["before"]) if "before" in members else None,
        members["again"].seconds() if "again" in members else None,
    )


def _relations(node: Node) -> tuple[str, ...]:
    """One link's relation, or a list of several."""
    items = node.items() if isinstance(node.value, list) else [node]
    if not items:
        node.fault("no link is named; write a link's relation, or leave this out")
    return tuple(item.text(REL, "a link's relation") for item in items)


def _before(node: Node) -> Before:
    members = node.members("x-cancel.before")
    return Before(members["look"].text(REL, "a link's relation"), "required" in members and members["required"].flag())


def _target(node: Node, scope: Scope) -> Target:
    members = node.members("target")
    target = Target(
        operation_id=members["operationId"].text(),
        arguments=arguments(members["parameters"], scope),
        when=condition(members["when"], scope),
        name=members["name"].text(_NAME, "a name for the found id, such as task_id"),
        at=members["at"].pointer_text(),
    )
    scope.leads.append(Lead(node, target.operation_id, target.arguments))
    return target


def local_parameters(operation: Operation, operations: Mapping[str, Operation]) -> Iterator[Parameter]:
    """The arguments that pullcord itself adds to an operation and heeds.

    Args:
        operation: as its manifest describes it, with its own parameters only.
        operations: of the same file, by operationId.
    """
    cancel, listing, state = operation.cancel, operation.listing, operation.state
    if cancel and cancel.confirm:
        yield _local(WAIT_SECONDS, {**_WAIT, "default": 10}, f"Seconds to watch for the real end. {_LIMITS}")
    elif cancel is None and listing is None and state and state.phases:
        yield _local(WAIT_SECONDS, {**_WAIT, "default": 0}, f"Seconds to watch until it has ended. {_LIMITS}")
    if cancel and any(link.part for each in (operation, *_looks(operation, operations)) for link in each.links):
        yield _local(CASCADE, {"type": "boolean", "default": False}, "Also stop what this work started.")
    if cancel and cancel.target:
        description = f"Cancel only if this is the {cancel.target.name} that runs now."
        yield _local(EXPECT + cancel.target.name, {"type": "string", "maxLength": 256}, description)
    if cancel:
        yield _local(REASON, {"type": "string", "maxLength": 300}, "Why, for the record; no secrets.")
    if listing and listing.pages.style in {PageStyle.WHOLE, PageStyle.LIMIT}:
        yield _local("offset", {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0}, "Items to skip.")


def _local(name: str, schema: dict[str, Json], description: str) -> Parameter:
    return Parameter(name, Place.LOCAL, required=False, description=description, schema=schema, wire=name)


def check_cancel(operation: Operation, operations: Mapping[str, Operation], node: Node) -> None:
    """Note a fault where the look that confirms, the look before or the target leads to an operation that can't tell.

    Args:
        operation: the one whose x-cancel is checked.
        operations: all of the same file, by their ids.
        node: the operation's place.
    """
    cancel = operation.cancel
    if cancel is None:
        return
    place = node.at(f"{node.pointer}/x-cancel", None)
    looks = list(dict.fromkeys(link.rel for link in operation.links if _tells(operations.get(link.operation_id))))
    for rel in cancel.confirm:
        if rel and rel not in looks:
            place.at(f"{place.pointer}/confirm", None).fault(
                f"{rel} is no link to an operation whose x-state has phases; {suggestion(rel, looks)}"
            )
    for name, value in (("gone", cancel.gone), ("again", cancel.again)):
        if value is not None and not cancel.confirm:
            place.at(f"{place.pointer}/{name}", None).fault(
                f"{name} is about the look that confirms; write confirm, too"
            )
    early_looks = [rel for rel in looks if operation.link(rel)]
    if cancel.before and cancel.before.look not in {*early_looks, ""}:
        place.at(f"{place.pointer}/before/look", None).fault(
            f"{cancel.before.look} is no link to an operation whose x-state has phases, with arguments that are known"
            f" before there is a reply; {suggestion(cancel.before.look, early_looks)}"
        )
    list_operation = operations.get(cancel.target.operation_id) if cancel.target else None
    if list_operation and not list_operation.listing:
        place.at(f"{place.pointer}/target/operationId", None).fault(
            f"{list_operation.id} is no list; write an operation that has x-list"
        )


def _looks(operation: Operation, operations: Mapping[str, Operation]) -> list[Operation]:
    """The looks at the work of a cancel, from which its parts are read, too."""
    cancel = operation.cancel
    rels = [*(cancel.confirm if cancel else ()), *([cancel.before.look] if cancel and cancel.before else ())]
    leads = [link.operation_id for link in operation.links if link.rel in rels]
    return [operations[each] for each in leads if each in operations]


def _tells(operation: Operation | None) -> bool:
    """Whether an operation tells the phase of work; true also for a missing one, which is a fault of its own."""
    return operation is None or bool(operation.state and operation.state.phases)
