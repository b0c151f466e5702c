"""What a manifest says in vain: it is read without a fault, and yet nothing will ever come of it. Pure.

For a manifest's author, who can't see it otherwise: a pointer that no answer has is null in every call, and an action
whose arguments can't be read is left out of every result.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from pullcord.manifest import shapes
from pullcord.manifest.faults import Fault, told
from pullcord.manifest.node import Node, nearest
from pullcord.manifest.openapi import read_document
from pullcord.manifest.shapes import Shape
from pullcord.model.arguments import fault_of
from pullcord.model.condition import Clause, Comparison, Condition, holds, same
from pullcord.model.errors import ManifestError
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.operation import Operation, Response
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.pointer import Pointer, escape
from pullcord.model.rule import Rule
from pullcord.model.state import State
from pullcord.model.value import Json

Note: TypeAlias = tuple[Node, str]
"""What is said in vain, and why."""

_FITTING: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string", "integer", "number"}),
    "integer": frozenset({"string", "integer", "number"}),
    "boolean": frozenset({"boolean"}),
    "array": frozenset({"array"}),
}
"""By the type of an argument: the types of a body's values that can fill it."""
_EMPTY = "this answer declares no content, so that it counts only where it is empty; write content if it has a body"


class _Answer(NamedTuple):
    """A response of an operation, and what its body is like."""

    status: str
    response: Response
    node: Node
    shape: Shape

    @property
    def is_success(self) -> bool:
        return self.status.startswith("2")


class _Read(NamedTuple):
    """An operation as it was read, its place and its responses, and the whole file."""

    operation: Operation
    node: Node
    answers: Sequence[_Answer]
    file: "Mapping[str, _Read]"

    @property
    def root(self) -> Json:
        """The document, which references lead into."""
        return self.node.document.value

    @property
    def success(self) -> Shape:
        """What the body of a success is like."""
        successes = [answer.shape for answer in self.answers if answer.is_success]
        return shapes.union(*successes) if successes else None

    @property
    def item(self) -> Shape:
        """What an item of its list is like."""
        listing = self.operation.listing
        there = shapes.at(self.root, self.success, listing.items) if listing else None
        return shapes.items(self.root, there) if there else None

    @property
    def before(self) -> Shape:
        """What the body of the look before it is sent is like."""
        cancel = self.operation.cancel
        link = self.operation.link(cancel.before.look) if cancel and cancel.before else None
        return self.file[link.operation_id].success if link else []


class _About(NamedTuple):
    """What links lead away from."""

    body: Shape
    """Of the whole answer."""
    item: Shape
    """Of what their conditions are about: the body, or an item of the list."""
    phases: frozenset[Phase]
    """That the states there may say."""


def audit(name: str, text: str) -> list[str]:
    """All that a manifest says in vain, a line each, in the order of the file's lines.

    Args:
        name: what to call the file.
        text: its YAML.

    Raises:
        ManifestError: it can't be read; with every fault.
    """
    faults: list[Fault] = []
    found = read_document(name, text, faults)
    if faults:
        raise ManifestError(told(name, faults))
    file: dict[str, _Read] = {}
    for operation, node in found:
        responses = node.members("operation")["responses"].named()
        answers = [
            _Answer(status, operation.responses[status], each.resolved(), _shape(each.resolved()))
            for status, each in responses.items()
        ]
        file[operation.id] = _Read(operation, node, answers, file)
    for each in file.values():
        for node, what in chain(_successes(each), _answers(each), _places(each), _list(each), _target(each)):
            node.fault(what)
    for node, what in _problem([*file.values()]):
        node.fault(what)
    return told(name, faults)


def _shape(response: Node) -> Shape:
    """What the body of an answer is like."""
    members = response.members("response")
    if "content" not in members:
        return None
    media = [each.value for each in members["content"].named().values()]
    return shapes.union(*([each["schema"]] if isinstance(each, dict) and "schema" in each else None for each in media))


def _successes(each: _Read) -> Iterator[Note]:
    """Successes of which nothing is learnt."""
    successes = [answer for answer in each.answers if answer.is_success]
    if not successes:
        yield each.node, "no success is described, so that each is unknown; describe the responses 2XX"
    if not any("content" in answer.node.members("response") for answer in successes):
        yield from ((answer.node, _EMPTY) for answer in successes if _reads(each, answer))
    cancel = each.operation.cancel
    if cancel is None:
        return
    for answer in successes:
        rules = answer.response.outcomes
        if not rules:
            yield answer.node, "nothing says what this answer means, so that it is unknown; write x-outcomes"
        is_watched = any(rule.word is Outcome.STOPPING and rule.watch for rule in rules)
        if is_watched and cancel.confirm and cancel.confirm[0] not in {link.rel for link in answer.response.links}:
            yield answer.node, f"nothing is watched after this answer: it has no link {cancel.confirm[0]}; write one"


def _reads(each: _Read, answer: _Answer) -> bool:
    """Whether anything is read in the body of an answer."""
    operation, response = each.operation, answer.response
    clauses = [clause for rule in response.outcomes for clause in rule.when]
    clauses += [clause for link in response.links for clause in link.body]
    return bool(
        operation.state
        or operation.answers
        or operation.expose
        or operation.listing
        or any(clause.source is Source.BODY for clause in clauses)
    )


def _answers(each: _Read) -> Iterator[Note]:
    """The rules and links of each response."""
    phases = _phases(each.operation.state, *_watched(each))
    for answer in each.answers:
        members = answer.node.members("response")
        rules = members["x-outcomes"].items() if "x-outcomes" in members else []
        for rule, node in zip(answer.response.outcomes, rules, strict=True):
            inner = node.members("outcome rule")
            if "when" in inner:
                yield from _condition(each, inner["when"], rule.when, answer.shape)
            elif answer.is_success:
                yield node, "this holds whatever the answer says; read a field of it, or say with when: {} that it may"
        links = members["links"].named().values() if "links" in members else ()
        for link, node in zip(answer.response.links, links, strict=True):
            yield from _link(each, link, node.resolved(), _About(answer.shape, answer.shape, phases))


def _watched(each: _Read) -> Iterator[State | None]:
    """The states that watching a cancel may show."""
    cancel = each.operation.cancel
    if cancel:
        links = [link for answer in each.answers for link in answer.response.links if link.rel in cancel.confirm]
        yield from (each.file[link.operation_id].operation.state for link in links)


def _phases(*states: State | None) -> frozenset[Phase]:
    return frozenset(rule.word for state in states if state for rule in state.phases)


def _places(each: _Read) -> Iterator[Note]:
    """The state of a success, whose answer it is, and what is shown of it."""
    members = each.node.members("operation")
    if each.operation.state:
        yield from _state(each, each.operation.state, members["x-state"], each.success)
    for at, node in members["x-answers"].named().items() if "x-answers" in members else ():
        yield from _pointer(each, node, at, each.success)
    for node in members["x-expose"].items() if "x-expose" in members else ():
        yield from _pointer(each, node, str(node.value), each.success)


def _state(each: _Read, state: State, node: Node, shape: Shape) -> Iterator[Note]:
    members = node.members("x-state")
    yield from _pointer(each, members["at"], state.at, shape)
    if "phases" not in members:
        return
    for rule, item in zip(state.phases, members["phases"].items(), strict=True):
        inner = item.members("phase rule")
        if "when" in inner:
            yield from _condition(each, inner["when"], rule.when, shape)
    words = shapes.words(each.root, shapes.at(each.root, shape, state.at)) or ()
    lost = [str(word) for word in words if word is not None and not _has_phase(state.phases, state.at, word)]
    if lost:
        yield members["phases"], f"the schema also has {', '.join(lost)}, of which no rule says the phase; add one"


def _has_phase(rules: Sequence[Rule[Phase]], at: Pointer, word: Json) -> bool:
    """Whether a rule may fit a word of the state."""
    place = (Source.BODY, at)
    return any(
        all(
            holds(clause.comparison, clause.values, word) for clause in rule.when if (clause.source, clause.at) == place
        )
        for rule in rules
    )


def _list(each: _Read) -> Iterator[Note]:
    listing = each.operation.listing
    if listing is None:
        return
    members = each.node.members("operation")["x-list"].members("x-list")
    yield from _pointer(each, members["items"], listing.items, each.success)
    pages = members["pages"].members("pages")
    for name in ("total", "next", "more"):
        if name in pages:
            yield from _pointer(each, pages[name], str(pages[name].value), each.success)
    shown = [node for node in members["expose"].items() if node.value != f"/{listing.key}"]
    shown += [members["name"]] if "name" in members else []
    shown += [members["since"].members("x-list.since")["at"]] if "since" in members else []
    for node in shown:
        yield from _pointer(each, node, str(node.value), each.item)
    if listing.state:
        yield from _state(each, listing.state, members["state"], each.item)
    links = members["links"].named().values() if "links" in members else ()
    about = _About(each.success, each.item, _phases(listing.state))
    for link, node in zip(listing.links, links, strict=True):
        yield from _link(each, link, node.resolved(), about)


def _target(each: _Read) -> Iterator[Note]:
    target = each.operation.cancel.target if each.operation.cancel else None
    if target is None:
        return
    node = each.node.members("operation")["x-cancel"].members("x-cancel")["target"]
    members = node.members("target")
    item = each.file[target.operation_id].item
    yield from _pointer(each, members["at"], target.at, item)
    yield from _condition(each, members["when"], target.when, item)


def _link(each: _Read, link: Link, node: Node, about: _About) -> Iterator[Note]:
    """An action that is never offered."""
    members = node.members("link")
    when = members["x-when"].members("x-when") if "x-when" in members else {}
    if link.phases is not None and not link.phases & about.phases:
        yield (
            when["phase"],
            "no x-state says one of these phases here, so that this is never offered; mend one of the two",
        )
    if "body" in when:
        yield from _condition(each, when["body"], link.body, about.item)
    one = about.item
    if link.each is not None:
        parts = shapes.at(each.root, about.body, link.each)
        yield from _pointer(each, members["x-each"], link.each, about.body)
        if parts and not _may_be(each, parts, {"array"}):
            yield members["x-each"], "the schema has no list there, so that this is never offered; name a list"
        one = shapes.items(each.root, parts) if parts else None
    called = {parameter.name: parameter.schema for parameter in each.file[link.operation_id].operation.arguments}
    given = members["parameters"].named() if "parameters" in members else {}
    for name, value in link.arguments:
        yield from _argument(each, given[name], value, called[name], _About(about.body, one, about.phases))


def _argument(each: _Read, node: Node, value: Expression, schema: Mapping[str, Json], about: _About) -> Iterator[Note]:
    """An argument that can't be read, or isn't taken, so that the action is left out."""
    if value.source is Source.CONSTANT:
        if fault := fault_of(schema, value.value):
            yield node, f"this {fault}, so that the action is left out; write a value that fits"
        return
    if value.source not in {Source.BODY, Source.ITEM}:
        return
    shape = about.body if value.source is Source.BODY else about.item
    yield from _pointer(each, node, str(value.value), shape)
    there = shapes.at(each.root, shape, str(value.value))
    if there and not _may_be(each, there, _FITTING.get(str(schema["type"]), frozenset())):
        yield node, f"the schema has no {schema['type']} there, so that the action is left out; name one"


def _may_be(each: _Read, shape: Shape, types: frozenset[str] | set[str]) -> bool:
    found = shapes.types(each.root, shape)
    return not found or bool(found & types)


def _condition(each: _Read, node: Node, condition: Condition, shape: Shape) -> Iterator[Note]:
    """A clause that never holds, or always does."""
    for clause, item in zip(condition, node.named().values(), strict=True):
        if clause.source is Source.BODY:
            yield from _clause(each, item, clause, shape)
        elif clause.source is not Source.HEADER:
            if each.operation.cancel is None or each.operation.cancel.before is None:
                yield item, "nothing looks before this is sent, so that this is null; write before in x-cancel"
            elif clause.source is Source.BEFORE:
                yield from _clause(each, item, clause, each.before)


def _clause(each: _Read, node: Node, clause: Clause, shape: Shape) -> Iterator[Note]:
    yield from _pointer(each, node, clause.at, shape)
    words = shapes.words(each.root, shapes.at(each.root, shape, clause.at))
    if words is None or clause.comparison is Comparison.MATCH:
        return
    if not any(value is None or any(same(value, word) for word in words) for value in clause.values):
        value = str(clause.values[0])
        yield node, f"the schema has none of these values there; {nearest(value, [*map(str, words)])}"


def _pointer(each: _Read, node: Node, pointer: Pointer, shape: Shape) -> Iterator[Note]:
    """A pointer that no answer has."""
    found = shapes.at(each.root, shape, pointer)
    if found is None or found:
        return
    parent, _, _ = pointer.rpartition("/")
    known = shapes.names(each.root, shapes.at(each.root, shape, parent))
    near = nearest(pointer, [f"{parent}/{escape(name)}" for name in known])
    yield node, f"no schema of the answer has {pointer or 'a body'}, so that this is null; {near}"


def _problem(file: Sequence[_Read]) -> Iterator[Note]:
    """Where errors are read, and no error of the file has anything."""
    root = file[0].node
    members = root.at("", root.document.value).members("document")
    errors = [answer.shape for each in file for answer in each.answers if not answer.is_success]
    named = members["x-problem"].members("x-problem") if "x-problem" in members else {}
    for name, node in named.items():
        for place in node.items() if isinstance(node.value, list) else [node]:
            at = str(place.value) if name == "all" else str(place.value).removeprefix("$response.body#")
            if at[:1] in {"", "/"}:
                yield from _pointer(file[0], place, at, shapes.union(*errors) if errors else None)
    actions = file[0].operation.platform.actions
    if actions is not None:
        every = shapes.union(*(answer.shape for each in file for answer in each.answers))
        yield from _pointer(file[0], members["x-actions"], actions, every)
