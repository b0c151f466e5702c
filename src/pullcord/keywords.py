"""What pullcord adds to OpenAPI: outcomes, states, lists, links with conditions, and how they are written."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from pullcord.operation import (
    EXPECT,
    REASON,
    WAIT_SECONDS,
    Cancel,
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
from pullcord.spot import POINTER, Spot, nearest

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_EXPRESSION = re.compile(
    r"\$(?:request\.(?P<place>path|query|header)\.(?P<argument>[^#]+)"
    r"|response\.header\.(?P<header>[^#]+)|response\.body#(?P<body>.*)|item#(?P<item>.*)|target\.(?P<target>.+))"
)
_REL = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WORK_STOPPED: Mapping[str, WorkStopped] = {"yes": "yes", "no": "no", "unknown": "unknown"}

Choice = TypeVar("Choice", bound=StrEnum)


def cancel(spot: Spot, parameters: Sequence[Parameter]) -> Cancel:
    """x-cancel: what the operation stops."""
    members = spot.members("x-cancel")
    aim = members["aim"].choice(["task", "current"]) if "aim" in members else "current"
    poll = members["poll"].members("poll") if "poll" in members else {}
    return Cancel(
        "task" if aim == "task" else "current",
        members["confirm"].text(_REL, "a link's name") if "confirm" in members else None,
        _target(members["target"], parameters) if "target" in members else None,
        Poll(poll["first"].seconds(), poll["most"].seconds()) if len(poll) == len(Poll.__slots__) else Poll(),
    )


def _target(spot: Spot, parameters: Sequence[Parameter]) -> Target | None:
    members = spot.members("target")
    if not members.keys() >= {"operationId", "parameters", "when", "name", "at"}:
        return None
    return Target(
        operation_id=members["operationId"].text(),
        arguments=_arguments(members["parameters"], parameters),
        when=_when(members["when"]),
        name=members["name"].text(TOOL_NAME, "a name for the found id, such as task_id"),
        at=members["at"].pointer_text(),
    )


def state(spot: Spot) -> State:
    """x-state: where the state stands, and what its words mean."""
    members = spot.members("x-state")
    at = members["at"].pointer_text() if "at" in members else ""
    return State(at, rules(members["phases"], "phase", Phase) if "phases" in members else ())


def listing(spot: Spot, parameters: Sequence[Parameter]) -> Listing | None:
    """x-list: where the items stand, and what each offers."""
    members = spot.members("x-list")
    if not members.keys() >= {"items", "expose", "pages"}:
        return None
    items = expression(members["items"], ())
    if items.source is not Source.BODY:
        members["items"].fault("write where the items stand in a body, such as $response.body#/items")
    return Listing(
        items=str(items.value),
        expose=tuple(item.pointer_text() for item in members["expose"].items()),
        pages=_pages(members["pages"], parameters),
        state=state(members["state"]) if "state" in members else None,
        links=links(members["links"], parameters, of_items=True) if "links" in members else (),
    )


def _pages(spot: Spot, parameters: Sequence[Parameter]) -> Pages:
    members = spot.members("pages")
    style = PageStyle(members["style"].choice(list(PageStyle))) if "style" in members else PageStyle.WHOLE
    needed = {"at", "size", "total"} if style in {PageStyle.PAGE, PageStyle.OFFSET} else set()
    for name in sorted(needed - members.keys()):
        spot.fault(f"{name} is missing; pages of the style {style} need it")
    if style is PageStyle.LIMIT and "size" not in members:
        spot.fault("size is missing; pages of the style limit need it")
    known = [parameter.name for parameter in parameters if parameter.place is Place.QUERY]
    return Pages(
        style=style,
        at=members["at"].choice(known) if "at" in members else "offset",
        size=members["size"].choice(known) if "size" in members else None,
        total=members["total"].pointer_text() if "total" in members else None,
    )


def rules(spot: Spot, key: str, words: type[Word]) -> tuple[Rule[Word], ...]:
    """A list of rules, each of which can be reached."""
    found: list[Rule[Word]] = []
    for item in spot.items():
        members = item.members(f"{key} rule")
        if key not in members:
            continue
        rule = Rule(
            word=words(members[key].choice(list(words))),
            when=_when(members["when"]) if "when" in members else (),
            note=members["note"].text() if "note" in members else None,
            work_stopped=_WORK_STOPPED[members["work_stopped"].choice(list(_WORK_STOPPED))]
            if "work_stopped" in members
            else None,
        )
        if _covered(rule, found):
            item.fault("this rule can never be reached: the rules before it fit first; move it up, or leave it out")
        found.append(rule)
    return tuple(found)


def _when(spot: Spot) -> Condition:
    conditions: list[tuple[Pointer, tuple[Json, ...]]] = []
    for pointer, values in spot.named().items():
        if not POINTER.fullmatch(pointer):
            values.fault(f"{pointer!r} is no JSON Pointer; write /{pointer.strip('/')}")
        if not values.items():
            values.fault("no value could ever fit; write the values that do")
        conditions.append((pointer, tuple(item.value for item in values.items())))
    return tuple(conditions)


def _covered(rule: Rule[Word], earlier: Sequence[Rule[Word]]) -> bool:
    """Whether every body that fits the rule fits an earlier one first."""
    pointers = [pointer for pointer, _ in rule.when]
    rivals = [dict(other.when) for other in earlier if {pointer for pointer, _ in other.when} <= set(pointers)]
    return all(
        any(
            all(value in rival[at] for at, value in zip(pointers, body, strict=True) if at in rival) for rival in rivals
        )
        for body in itertools.product(*(values for _, values in rule.when))
    )


def links(spot: Spot, parameters: Sequence[Parameter], *, of_items: bool = False) -> tuple[Link, ...]:
    """OpenAPI links, with the conditions and notes that pullcord adds."""
    found: list[Link] = []
    for name, item in spot.named().items():
        members = item.members("link")
        if not members.keys() >= {"operationId", "description"}:
            continue
        when = members["x-when"].members("x-when") if "x-when" in members else {}
        found.append(
            Link(
                rel=members["x-rel"].text(_REL, "a link relation") if "x-rel" in members else name,
                operation_id=members["operationId"].text(),
                arguments=_arguments(members["parameters"], parameters, of_items="x-each" in members or of_items)
                if "parameters" in members
                else (),
                hint=members["description"].text(),
                outcomes=_words(when["outcome"], Outcome) if "outcome" in when else None,
                phases=_words(when["phase"], Phase) if "phase" in when else None,
                body=_when(when["body"]) if "body" in when else (),
                each=members["x-each"].pointer_text() if "x-each" in members else None,
                note=members["x-note"].text() if "x-note" in members else None,
            )
        )
        if not _REL.fullmatch(found[-1].rel):
            item.fault(f"{name} is no link relation; write a lower-case word, or give one with x-rel")
    return tuple(found)


def _arguments(
    spot: Spot, parameters: Sequence[Parameter], *, of_items: bool = False
) -> tuple[tuple[str, Expression], ...]:
    return tuple((name, expression(value, parameters, of_items=of_items)) for name, value in spot.named().items())


def _words(spot: Spot, words: type[Choice]) -> frozenset[Choice]:
    return frozenset(words(item.choice(list(words))) for item in spot.items())


def expression(spot: Spot, parameters: Sequence[Parameter], *, of_items: bool = False) -> Expression:
    """A runtime expression (OpenAPI 3.1.1, 4.8.20.4) or a constant."""
    if not isinstance(spot.value, str) or not spot.value.startswith("$"):
        return Expression(Source.CONSTANT, spot.value)
    match = _EXPRESSION.fullmatch(spot.value)
    if match is None or (match["item"] is not None and not of_items):
        spot.fault(
            f"{spot.value!r} is no expression that pullcord reads; write $request.path.NAME, $request.query.NAME,"
            " $response.body#/POINTER or $response.header.NAME" + (", or $item#/POINTER" if of_items else "")
        )
        return Expression(Source.CONSTANT, None)
    if match["argument"] is not None:
        known = [parameter.wire for parameter in parameters if parameter.place == match["place"]]
        if match["argument"] not in known:
            spot.fault(
                f"this operation has no {match['place']} parameter {match['argument']}; "
                + (nearest(match["argument"], known) if known else "read it from the body")
            )
        return Expression(Source.ARGUMENT, match["argument"])
    if match["header"] is not None:
        return Expression(Source.HEADER, match["header"].lower())
    if match["target"] is not None:
        return Expression(Source.TARGET, match["target"])
    source, pointer = (Source.BODY, match["body"]) if match["body"] is not None else (Source.ITEM, match["item"])
    if not POINTER.fullmatch(pointer):
        spot.fault(f"{pointer!r} is no JSON Pointer; write #/name")
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
        yield _local("offset", {"type": "integer", "minimum": 0, "default": 0}, "Items to skip.")


def _local(name: str, schema: dict[str, Json], description: str) -> Parameter:
    return Parameter(name, Place.LOCAL, required=False, description=description, schema=schema, wire=name)


def check_links(operation: Operation, operations: Mapping[str, Operation], spot: Spot) -> None:
    """Note every link, target and confirmation of an operation that leads nowhere, or with the wrong arguments."""
    for what, operation_id, arguments in _calls(operation):
        called = operations.get(operation_id)
        if called is None:
            near = nearest(operation_id, list(operations))
            spot.fault(f"{what} leads to {operation_id}, which is no operation of this file; {near}")
            continue
        names = [parameter.name for parameter in called.arguments]
        given = {name for name, _ in arguments}
        for name in sorted(given - set(names)):
            spot.fault(f"{what} gives {name}, which {called.id} doesn't take; {nearest(name, names)}")
        for parameter in called.arguments:
            if parameter.required and parameter.name not in given:
                spot.fault(f"{what} doesn't give {parameter.name}, which {called.id} needs; add it")
    if operation.cancel:
        _check_cancel(operation, operation.cancel, operations, spot)


def _check_cancel(operation: Operation, cancel: Cancel, operations: Mapping[str, Operation], spot: Spot) -> None:
    confirm = [operations.get(link.operation_id) for link in _links_of(operation) if link.rel == cancel.confirm]
    if cancel.confirm and not any(target and target.state and target.state.phases for target in confirm):
        spot.fault(
            f"confirm names {cancel.confirm}, which is no link to an operation with phases; write such a link's name"
        )
    if cancel.target and not (
        cancel.target.operation_id in operations and operations[cancel.target.operation_id].listing
    ):
        spot.fault("the target is looked up by an operation that is no list; write one with x-list")
    names = [cancel.target.name] if cancel.target else []
    for link in _links_of(operation):
        for name, expression in link.arguments:
            if expression.source is Source.TARGET and expression.value not in names:
                spot.fault(
                    f"the link {link.rel} reads {name} from a target that is not looked up; describe it in x-cancel"
                )


def _calls(operation: Operation) -> Iterator[tuple[str, str, tuple[tuple[str, Expression], ...]]]:
    """What an operation leads to: in words, by id, and with which arguments."""
    for link in _links_of(operation):
        yield f"the link {link.rel}", link.operation_id, link.arguments
    if operation.cancel and operation.cancel.target:
        yield "the target", operation.cancel.target.operation_id, operation.cancel.target.arguments


def _links_of(operation: Operation) -> Iterator[Link]:
    for response in operation.responses.values():
        yield from response.links
    if operation.listing:
        yield from operation.listing.links
