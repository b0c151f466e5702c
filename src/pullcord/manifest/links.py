"""Where a reply leads: OpenAPI's links, with the conditions and notes that pullcord adds."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from pullcord.manifest.expressions import Here, Lead, arguments
from pullcord.manifest.node import Node, nearest
from pullcord.manifest.rules import condition
from pullcord.model.link import Link
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome, Phase

REL = re.compile(r"[a-z][a-z0-9-]{0,31}")


Choice = TypeVar("Choice", bound=StrEnum)


def links(node: Node, here: Here, *, of_items: bool = False) -> tuple[Link, ...]:
    """OpenAPI links, with the conditions and notes that pullcord adds."""
    return tuple(_link(name, item, here, of_items=of_items) for name, item in node.named().items())


def _link(name: str, node: Node, here: Here, *, of_items: bool) -> Link:
    members = node.members("link")
    when = members["x-when"].members("x-when") if "x-when" in members else {}
    of_items = of_items or "x-each" in members
    link = Link(
        rel=members["x-rel"].text(REL, "a link relation: a lower-case word") if "x-rel" in members else name,
        operation_id=members["operationId"].text(),
        arguments=arguments(members["parameters"], here, of_items=of_items) if "parameters" in members else (),
        hint=members["description"].text(),
        outcomes=_words(when["outcome"], Outcome) if "outcome" in when else None,
        phases=_words(when["phase"], Phase) if "phase" in when else None,
        body=condition(when["body"], here) if "body" in when else (),
        each=members["x-each"].pointer_text() if "x-each" in members else None,
        note=members["x-note"].text() if "x-note" in members else None,
    )
    if "x-rel" not in members and not REL.fullmatch(name):
        node.fault(f"{name} is no link relation; write a lower-case word, or give one with x-rel")
    here.leads.append(Lead(node, link.operation_id, link.arguments))
    return link


def _words(node: Node, words: type[Choice]) -> frozenset[Choice]:
    return frozenset(words(item.choice(list(words))) for item in node.items())


def check_leads(here: Here, operations: Mapping[str, Operation]) -> None:
    """Note every link and target of an operation that leads nowhere, or with the wrong arguments.

    Args:
        here: the operation, and where it leads.
        operations: of the same file.
    """
    for lead in here.leads:
        if not lead.operation_id:  # said where it is missing
            continue
        called = operations.get(lead.operation_id)
        if called is None:
            near = nearest(lead.operation_id, list(operations))
            lead.node.fault(f"this leads to {lead.operation_id}, which is no operation of this file; {near}")
            continue
        names = [parameter.name for parameter in called.arguments]
        given = {name for name, _ in lead.arguments}
        for name in sorted(given - set(names)):
            lead.node.fault(f"this gives {name}, which {called.id} doesn't take; {nearest(name, names)}")
        for parameter in called.arguments:
            if parameter.required and parameter.name not in given:
                lead.node.fault(f"this doesn't give {parameter.name}, which {called.id} needs; add it to parameters")
