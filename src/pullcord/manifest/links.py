"""Reads OpenAPI's links: where a reply leads, with the conditions and notes that pullcord adds."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from pullcord.manifest.conditions import condition
from pullcord.manifest.expressions import Lead, Scope, arguments
from pullcord.manifest.node import Node, suggestion
from pullcord.model.link import Link
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.relation import REL, TERMINATE

Choice = TypeVar("Choice", bound=StrEnum)


def links(node: Node, scope: Scope, *, of_items: bool = False) -> tuple[Link, ...]:
    """Read OpenAPI's links, with the conditions and notes that pullcord adds.

    Args:
        node: the links' place.
        scope: the operation that they lead away from; where they lead is added to it.
        of_items: whether they belong to the items of a list, so that expressions may name the item.
    """
    return tuple(_link(name, item, scope, of_items=of_items) for name, item in node.named().items())


def _link(name: str, node: Node, scope: Scope, *, of_items: bool) -> Link:
    members = node.members("link")
    when = members["x-when"].members("x-when") if "x-when" in members else {}
    of_items = of_items or "x-each" in members
    link = Link(
        rel=members["x-rel"].text(REL, "a link relation: a lower-case word") if "x-rel" in members else name,
        operation_id=members["operationId"].text(),
        arguments=arguments(members["parameters"], scope, of_items=of_items) if "parameters" in members else (),
        hint=members["description"].text(),
        outcomes=_words(when["outcome"], Outcome) if "outcome" in when else None,
        phases=_words(when["phase"], Phase) if "phase" in when else None,
        body=condition(when["body"], scope) if "body" in when else (),
        each=members["x-each"].pointer_text() if "x-each" in members else None,
        note=members["x-note"].text() if "x-note" in members else None,
        after=members["x-after"].seconds() if "x-after" in members else 0,
        part="x-part" in members and members["x-part"].flag(),
    )
    if "x-after" in members and link.rel != TERMINATE:
        members["x-after"].fault(f"x-after stands on a link with the relation {TERMINATE}; leave it out")
    if "x-rel" not in members and not REL.fullmatch(name):
        node.fault(f"{name or repr(name)} is no link relation; write a lower-case word, or give one with x-rel")
    scope.leads.append(Lead(node, link.operation_id, link.arguments, link))
    return link


def _words(node: Node, words: type[Choice]) -> frozenset[Choice]:
    return frozenset(words(item.choice(list(words))) for item in node.items())


def check_leads(scope: Scope, operations: Mapping[str, Operation]) -> None:
    """Note a fault for every link and target of an operation that leads nowhere, or has the wrong arguments.

    Args:
        scope: the operation, and where it leads.
        operations: all of the same file, by their ids.
    """
    for lead in scope.leads:
        if not lead.operation_id:  # said where it is missing
            continue
        operation = operations.get(lead.operation_id)
        if operation is None:
            remedy = suggestion(lead.operation_id, list(operations))
            lead.node.fault(f"this leads to {lead.operation_id}, which is no operation of this file; {remedy}")
            continue
        parameters = operation.arguments
        names = [parameter.name for parameter in parameters if parameter.name]
        keys = {name for name, _ in lead.arguments}
        for name in sorted(keys - set(names)):
            lead.node.fault(f"this gives {name}, which {operation.id} doesn't take; {suggestion(name, names)}")
        for parameter in parameters:
            if parameter.required and parameter.name not in keys:
                lead.node.fault(f"this doesn't give {parameter.name}, which {operation.id} needs; add it to parameters")
        if lead.link:
            _check_link(lead.node, lead.link, operation, operations)


def _check_link(node: Node, link: Link, operation: Operation, operations: Mapping[str, Operation]) -> None:
    if link.rel == TERMINATE and not operation.cancel:
        node.fault(f"{operation.id} stops nothing; {TERMINATE} leads to an operation with x-cancel")
    if link.part and not (operation.cancel or _stops_active(operation, link, operations)):
        node.fault(
            f"{operation.id} names nothing that could be stopped; x-part stands on a link to a cancel, to a list whose"
            " active items have a cancel, or with x-each to a look that has one"
        )


def _stops_active(operation: Operation, link: Link, operations: Mapping[str, Operation]) -> bool:
    """Whether a list's active items, or each of many looks, has a cancel."""
    links = [*operation.listing.links] if operation.listing else []
    if link.each is not None:
        links += operation.links
    return any(
        (target := operations.get(each.operation_id))
        and target.cancel
        and (each.phases is None or Phase.ACTIVE in each.phases)
        for each in links
    )
