"""What pullcord adds to OpenAPI: outcomes, states, lists, links with conditions, and how they are written."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from pullcord.manifest.node import POINTER, Node, nearest
from pullcord.manifest.reach import is_covered
from pullcord.model.arguments import pattern_fault
from pullcord.model.condition import NAMED
from pullcord.model.operation import (
    EXPECT,
    PAGE_LIMIT,
    REASON,
    WAIT_SECONDS,
    Cancel,
    Clause,
    Comparison,
    Condition,
    Expression,
    Json,
    Link,
    Listing,
    Operation,
    Outcome,
    Pages,
    PageStyle,
    Parameter,
    Phase,
    Place,
    Pointer,
    Poll,
    Rule,
    Source,
    State,
    Target,
    Word,
    WorkStopped,
)

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_EXPRESSION = re.compile(
    r"\$(?:request\.(?P<place>path|query|header)\.(?P<argument>[^#]+)"
    r"|response\.header\.(?P<header>[^#]+)|response\.body#(?P<body>.*)|item#(?P<item>.*)|target\.(?P<target>.+))"
)
_PLACE = re.compile(
    r"\$response\.header\.(?P<header>[^#]+)|\$before#(?P<before>(?:/(?:[^~/]|~[01])*)*)|(?P<phase>\$before)"
    r"|(?:/(?:[^~/]|~[01])*)*"
)
"""What a condition reads."""
_REL = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WORK_STOPPED: Mapping[str, WorkStopped] = {"yes": "yes", "no": "no", "unknown": "unknown"}
_PAGES: Mapping[PageStyle, tuple[str, ...]] = {
    PageStyle.PAGE: ("at", "size", "total"),
    PageStyle.OFFSET: ("at", "size", "total"),
    PageStyle.LIMIT: ("size",),
    PageStyle.WHOLE: (),
}
"""What each style needs, and the only members that it has."""

Choice = TypeVar("Choice", bound=StrEnum)


class Lead(NamedTuple):
    """A call that a manifest leads to, and where it says so."""

    node: Node
    operation_id: str
    arguments: tuple[tuple[str, Expression], ...]


class Here(NamedTuple):
    """The operation that keywords stand in: what its expressions may name, and where they lead."""

    name: str
    leads: list[Lead]
    """Filled as they are read."""
    parameters: Sequence[Parameter] = ()
    target: str | None = None
    """What its cancel looks up."""


def cancel(node: Node, here: Here) -> Cancel:
    """x-cancel: what the operation stops."""
    members = node.members("x-cancel")
    poll = members["poll"].members("poll") if "poll" in members else {}
    return Cancel(
        "task" if members["aim"].choice(["task", "current"]) == "task" else "current",
        members["confirm"].text(_REL, "a link's name") if "confirm" in members else None,
        _target(members["target"], here) if "target" in members else None,
        Poll(poll["first"].seconds(), poll["most"].seconds()) if poll else Poll(),
    )


def _target(node: Node, here: Here) -> Target:
    members = node.members("target")
    target = Target(
        operation_id=members["operationId"].text(),
        arguments=_arguments(members["parameters"], here),
        when=_when(members["when"], here),
        name=members["name"].text(TOOL_NAME, "a name for the found id, such as task_id"),
        at=members["at"].pointer_text(),
    )
    here.leads.append(Lead(node, target.operation_id, target.arguments))
    return target


def state(node: Node, here: Here) -> State:
    """x-state: where the state stands, and what its words mean."""
    members = node.members("x-state")
    return State(
        members["at"].pointer_text(), rules(members["phases"], "phase", here, Phase) if "phases" in members else ()
    )


def listing(node: Node, here: Here) -> Listing:
    """x-list: where the items stand, and what each offers."""
    members = node.members("x-list")
    return Listing(
        items=in_body(members["items"], "items"),
        expose=exposed(members["expose"]),
        pages=_pages(members["pages"], here.parameters),
        state=state(members["state"], here) if "state" in members else None,
        links=links(members["links"], here, of_items=True) if "links" in members else (),
    )


def exposed(node: Node) -> tuple[Pointer, ...]:
    """Which parts of a body may be shown."""
    return tuple(item.pointer_text(whole=False) for item in node.items())


def answers(node: Node, here: Here) -> tuple[tuple[Pointer, str], ...]:
    """x-answers: where a body names the work that was asked about."""
    found: list[tuple[Pointer, str]] = []
    for pointer, value in node.named().items():
        asked = expression(value, here)
        if not POINTER.fullmatch(pointer) or asked.source is not Source.ARGUMENT:
            value.fault("write where a body names the work, and what asked for it, such as /id: $request.path.task_id")
        found.append((pointer, str(asked.value)))
    return tuple(found)


def in_body(node: Node, name: str) -> Pointer:
    """An expression that names a part of the reply's body."""
    found = expression(node, Here(node.pointer, []))
    if found.source is Source.BODY:
        return str(found.value)
    node.fault(f"write where they stand in a body, such as $response.body#/{name}")
    return ""


def _pages(node: Node, parameters: Sequence[Parameter]) -> Pages:
    members = node.members("pages")
    style = PageStyle(members["style"].choice(list(PageStyle)))
    for name in _PAGES[style]:
        if name not in members:
            node.fault(f"{name} is missing; pages of the style {style} need it")
    for name, member in members.items():
        if name not in {"style", *_PAGES[style]}:
            member.fault(f"pages of the style {style} have no {name}; leave it out")
    least = 1 if style is PageStyle.PAGE else 0
    return Pages(
        style=style,
        at=_counter(members["at"], parameters, least) if "at" in members else "offset",
        size=_counter(members["size"], parameters, 1, PAGE_LIMIT) if "size" in members else None,
        total=members["total"].pointer_text() if "total" in members else None,
    )


def _counter(node: Node, parameters: Sequence[Parameter], least: int, most: float = math.inf) -> str:
    """A parameter that counts, from where it says and to where it says: the next part is reckoned from these."""
    names = [
        each.name
        for each in parameters
        if each.place is Place.QUERY
        and each.schema["type"] == "integer"
        and "default" in each.schema
        and _number(each.schema.get("minimum"), -math.inf) >= least
        and _number(each.schema.get("maximum"), math.inf) <= most
    ]
    if node.value not in names:
        upper = "" if math.isinf(most) else f" and a maximum of {most} or less"
        node.fault(
            f"this names no integer of the query that has a default and a minimum of {least} or more{upper};"
            f" {nearest(str(node.value), names) if names else 'describe one'}"
        )
    return str(node.value)


def _number(given: Json, otherwise: float) -> float:
    return given if isinstance(given, int) else otherwise


def rules(node: Node, key: str, here: Here, words: type[Word], allowed: Sequence[Word] = ()) -> tuple[Rule[Word], ...]:
    """A list of rules, each of which can be reached.

    Args:
        node: the list.
        key: what holds a rule's word.
        here: the operation that the rules stand in.
        words: what a rule may say.
        allowed: the words among them that make sense here, if not all do.
    """
    found: list[Rule[Word]] = []
    sound: list[Rule[Word]] = []
    for item in node.items():
        before = len(item.faults)
        members = item.members(f"{key} rule")
        rule = Rule(
            word=words(members[key].choice(allowed or list(words))),
            when=_when(members["when"], here) if "when" in members else (),
            note=members["note"].text() if "note" in members else None,
            work_stopped=_WORK_STOPPED[members["work_stopped"].choice(list(_WORK_STOPPED))]
            if "work_stopped" in members
            else None,
        )
        found.append(rule)
        if len(item.faults) == before:
            if is_covered(rule.when, [other.when for other in sound]):
                item.fault("this rule can never be reached: the rules before it fit first; move it up, or leave it out")
            sound.append(rule)
    return tuple(found)


def _when(node: Node, here: Here) -> Condition:
    return tuple(_clause(key, item, here) for key, item in node.named().items())


def _clause(key: str, node: Node, here: Here) -> Clause:
    """What stands at one place: its values, {not: its values}, or {match: a regular expression}."""
    match = _PLACE.fullmatch(key)
    source, at = Source.BODY, ""
    if match is None:
        node.fault(
            f"{key!r} is nothing that a condition reads; write a JSON Pointer such as /name (~0 for ~, ~1 for / in a"
            " name), $response.header.NAME, $before or $before#/POINTER"
        )
    elif match["header"] is not None:
        source, at = Source.HEADER, match["header"].lower()
    elif match["before"] is not None:
        source, at = Source.BEFORE, match["before"]
    elif match["phase"] is not None:
        source = Source.PHASE
    else:
        at = key
    _check_named(node, at, here)
    comparison, values = _compared(node, here)
    if source is Source.PHASE:
        words = [*map(str, Phase)]
        for item in values:
            if item.value is not None:
                item.choice(words)
    return Clause(at, tuple(item.value for item in values), source, comparison)


def _compared(node: Node, here: Here) -> tuple[Comparison, list[Node]]:
    if not isinstance(node.value, dict):
        return Comparison.IS, _values(node, here)
    members = node.members("comparison")
    if len(node.value) != 1:
        node.fault("write {not: [...]} or {match: a regular expression}")
    if "match" not in members:
        return Comparison.NOT, _values(members["not"], here) if "not" in members else []
    pattern = members["match"].text()
    if pattern and (fault := pattern_fault(pattern)):
        members["match"].fault(fault)
    return Comparison.MATCH, [members["match"]]


def _values(node: Node, here: Here) -> list[Node]:
    items = node.items()
    if node.value == []:
        node.fault("no value could ever fit; write the values that do")
    for item in items:
        if isinstance(item.value, str):
            _check_named(item, item.value, here)
    return items


def _check_named(node: Node, text: str, here: Here) -> None:
    """Note each {name} in a text that is no argument of the operation."""
    known = [each.name for each in here.parameters if not each.env]
    for name in dict.fromkeys(NAMED.findall(text)):
        if name not in known:
            node.fault(f"{{{name}}} is no argument of {here.name}; {nearest(name, known)}, or ask with match")


def links(node: Node, here: Here, *, of_items: bool = False) -> tuple[Link, ...]:
    """OpenAPI links, with the conditions and notes that pullcord adds."""
    return tuple(_link(name, item, here, of_items=of_items) for name, item in node.named().items())


def _link(name: str, node: Node, here: Here, *, of_items: bool) -> Link:
    members = node.members("link")
    when = members["x-when"].members("x-when") if "x-when" in members else {}
    of_items = of_items or "x-each" in members
    link = Link(
        rel=members["x-rel"].text(_REL, "a link relation: a lower-case word") if "x-rel" in members else name,
        operation_id=members["operationId"].text(),
        arguments=_arguments(members["parameters"], here, of_items=of_items) if "parameters" in members else (),
        hint=members["description"].text(),
        outcomes=_words(when["outcome"], Outcome) if "outcome" in when else None,
        phases=_words(when["phase"], Phase) if "phase" in when else None,
        body=_when(when["body"], here) if "body" in when else (),
        each=members["x-each"].pointer_text() if "x-each" in members else None,
        note=members["x-note"].text() if "x-note" in members else None,
    )
    if "x-rel" not in members and not _REL.fullmatch(name):
        node.fault(f"{name} is no link relation; write a lower-case word, or give one with x-rel")
    here.leads.append(Lead(node, link.operation_id, link.arguments))
    return link


def _arguments(node: Node, here: Here, *, of_items: bool = False) -> tuple[tuple[str, Expression], ...]:
    return tuple((name, expression(value, here, of_items=of_items)) for name, value in node.named().items())


def _words(node: Node, words: type[Choice]) -> frozenset[Choice]:
    return frozenset(words(item.choice(list(words))) for item in node.items())


def expression(node: Node, here: Here, *, of_items: bool = False) -> Expression:
    """A runtime expression (OpenAPI 3.1.1, 4.8.20.4) or a constant."""
    if not isinstance(node.value, str) or not node.value.startswith("$"):
        return Expression(Source.CONSTANT, node.value)
    match = _EXPRESSION.fullmatch(node.value)
    if match is None or (match["item"] is not None and not of_items):
        node.fault(
            f"{node.value!r} is no expression that pullcord reads; write $request.path.NAME, $request.query.NAME,"
            " $response.body#/POINTER or $response.header.NAME" + (", or $item#/POINTER" if of_items else "")
        )
        return Expression(Source.CONSTANT, None)
    if match["argument"] is not None:
        known = {each.wire: each.name for each in here.parameters if each.place == match["place"] and not each.env}
        if match["argument"] not in known:
            node.fault(
                f"{here.name} has no {match['place']} parameter {match['argument']}; "
                + (nearest(match["argument"], list(known)) if known else "read it from the body")
            )
        return Expression(Source.ARGUMENT, known.get(match["argument"]))
    if match["header"] is not None:
        return Expression(Source.HEADER, match["header"].lower())
    if match["target"] is not None:
        if match["target"] != here.target:
            what = f"write $target.{here.target}" if here.target else "describe the look-up as target in x-cancel"
            node.fault(f"{here.name} looks up no target {match['target']} before it is sent; {what}")
        return Expression(Source.TARGET, match["target"])
    source, pointer = (Source.BODY, match["body"]) if match["body"] is not None else (Source.ITEM, match["item"])
    if not POINTER.fullmatch(pointer):
        node.fault(f"{pointer!r} is no JSON Pointer; write #/name")
    return Expression(source, pointer)


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


def check_links(operation: Operation, here: Here, operations: Mapping[str, Operation], node: Node) -> None:
    """Note every link, target and confirmation of an operation that leads nowhere, or with the wrong arguments.

    Args:
        operation: what was read.
        here: where it leads.
        operations: of the same file.
        node: of the operation.
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
    if operation.cancel:
        _check_cancel(operation, operation.cancel, operations, node)


def _check_cancel(operation: Operation, cancel: Cancel, operations: Mapping[str, Operation], node: Node) -> None:
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
