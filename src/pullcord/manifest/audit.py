"""Finds what has no effect in a manifest that is read without a fault. Pure.

Its author can't see that otherwise: a pointer that no answer has is null in every call, and an action whose arguments
can't be read is left out of every answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from pullcord.manifest import shapes
from pullcord.manifest.entries import Answer, Entry, entries
from pullcord.manifest.faults import Fault, lines
from pullcord.manifest.node import Node, suggestion
from pullcord.manifest.openapi import read_document
from pullcord.manifest.shapes import Shape
from pullcord.model.arguments import fault_of
from pullcord.model.condition import Clause, Comparison, Condition, holds, same
from pullcord.model.errors import ManifestError
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.outcome import OF_CANCELS, OF_LOOKS, OVER, Outcome, Phase
from pullcord.model.pointer import Pointer, escape, look_up
from pullcord.model.rule import Rule
from pullcord.model.state import State
from pullcord.model.value import Json

Note: TypeAlias = tuple[Node, str]
"""What has no effect, and a sentence that says why."""

_FITTING: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string", "integer", "number"}),
    "integer": frozenset({"string", "integer", "number"}),
    "boolean": frozenset({"boolean"}),
    "array": frozenset({"array"}),
}
"""By the type of an argument: the types of a body's values that can fill it."""
_NO_PLACE = (
    "no JSON counts as an error here, since no place tells what went wrong; write one in x-problem, such as"
    " code: $response.body#/error/code"
)
_EMPTY = "this answer declares no content, so that it counts only where it is empty; write content if it has a body"


class _Origin(NamedTuple):
    """The answer, or the item of a list, that links lead away from."""

    outcomes: Sequence[Outcome]
    """Those that the answer may have."""
    body: Shape
    """The shape of the whole answer."""
    item: Shape
    """The shape of what the links' conditions read: the body, or an item of the list."""
    phases: frozenset[Phase]
    """The phases that the states there may have."""


def audit(name: str, text: str) -> list[str]:
    """All that has no effect in a manifest, a line of text each, in the order of the file's lines.

    Args:
        name: of the file, for these lines.
        text: its YAML, or JSON.

    Raises:
        ManifestError: the manifest can't be read; it holds every fault.
    """
    faults: list[Fault] = []
    operations = read_document(name, text, faults)
    if faults:
        raise ManifestError(lines(name, faults))
    all_entries = entries(operations)
    for each in all_entries.values():
        notes = (_successes(each), _confirm(each), _answers(each), _places(each), _list(each), _target(each))
        for node, sentence in chain(*notes):
            node.fault(sentence)
    root = operations[0][1].at("", operations[0][1].document.value)
    for node, sentence in chain(_problem([*all_entries.values()]), _references(root)):
        node.fault(sentence)
    return lines(name, faults)


def _references(node: Node) -> Iterator[Note]:
    """References in schemas that lead nowhere, so that nothing is compared with what they stand for."""
    root, ref = node.document.value, look_up(node.value, "/$ref")
    if isinstance(ref, str) and (ref[:2] != "#/" or look_up(root, ref[1:]) is None):
        parent, _, _ = ref.rpartition("/")
        siblings = look_up(root, parent[1:]) if parent[:2] == "#/" else None
        names = [f"{parent}/{escape(name)}" for name in siblings] if isinstance(siblings, dict) else []
        yield node, f"this $ref names nothing in this file; {suggestion(ref, names or ['#/components/schemas/...'])}"
    inner = node.named().values() if isinstance(node.value, dict) else ()
    for each in node.items() if isinstance(node.value, list) else inner:
        yield from _references(each)


def _successes(entry: Entry) -> Iterator[Note]:
    """Successes that tell nothing."""
    successes = [answer for answer in entry.answers if answer.is_success]
    if not successes:
        yield entry.node, "no success is described, so that each is unknown; describe the responses 2XX"
    if not any("content" in answer.node.members("response") for answer in successes):
        yield from ((answer.node, _EMPTY) for answer in successes if _reads(entry, answer))
    cancel = entry.operation.cancel
    if cancel is None:
        return
    for answer in successes:
        if not answer.response.outcomes:
            yield answer.node, "nothing says what this answer means, so that it is unknown; write x-outcomes"
        relations = {link.rel for link in answer.response.links}
        if _is_watched(answer) and cancel.confirm and cancel.confirm[0] not in relations:
            yield answer.node, f"nothing is watched after this answer: it has no link {cancel.confirm[0]}; write one"


def _confirm(entry: Entry) -> Iterator[Note]:
    """A cancel of which nothing tells whether the work has ended."""
    cancel = entry.operation.cancel
    if cancel and not cancel.confirm and any(map(_is_watched, entry.answers)):
        sentence = f"{entry.operation.id} may answer stopping, and nothing looks whether the work has ended;"
        remedy = "name the link that shows it in confirm, or say watch: false in the rule"
        yield entry.node.members("operation")["x-cancel"], f"{sentence} {remedy}"


def _is_watched(answer: Answer) -> bool:
    """Whether an answer may say that the work may still run, so that its end is waited for."""
    return any(rule.word is Outcome.STOPPING and rule.watch for rule in answer.response.outcomes)


def _reads(entry: Entry, answer: Answer) -> bool:
    """Whether anything is read in the body of an answer."""
    operation, response = entry.operation, answer.response
    clauses = [clause for rule in response.outcomes for clause in rule.when]
    clauses += [clause for link in response.links for clause in link.body]
    return bool(
        operation.state
        or operation.answers
        or operation.expose
        or operation.listing
        or any(clause.source is Source.BODY for clause in clauses)
    )


def _answers(entry: Entry) -> Iterator[Note]:
    """The rules and links of each response."""
    phases = _phases(entry.operation.state, *_watched(entry))
    outcomes = OF_CANCELS if entry.operation.cancel else OF_LOOKS
    for answer in entry.answers:
        members = answer.node.members("response")
        rules = members["x-outcomes"].items() if "x-outcomes" in members else []
        for rule, node in zip(answer.response.outcomes, rules, strict=True):
            inner = node.members("outcome rule")
            if "when" in inner:
                yield from _condition(entry, inner["when"], rule.when, answer.shape)
            elif answer.is_success:
                yield node, "this holds whatever the answer says; read a field of it, or say with when: {} that it may"
        links = members["links"].named().values() if "links" in members else ()
        for link, node in zip(answer.response.links, links, strict=True):
            origin = _Origin(outcomes, answer.shape, answer.shape, phases)
            yield from _link(entry, link, node.resolved(), origin)


def _watched(entry: Entry) -> Iterator[State | None]:
    """The states that watching a cancel may show."""
    cancel = entry.operation.cancel
    if cancel:
        links = [link for answer in entry.answers for link in answer.response.links if link.rel in cancel.confirm]
        yield from (entry.file[link.operation_id].operation.state for link in links)


def _phases(*states: State | None) -> frozenset[Phase]:
    return frozenset(rule.word for state in states if state for rule in state.phases)


def _places(entry: Entry) -> Iterator[Note]:
    """The state of a success, whose answer it is, and what is shown of it."""
    members = entry.node.members("operation")
    if entry.operation.state:
        state = entry.operation.state
        yield from _state(entry, state, members["x-state"], entry.success)
        if state.phases and not any(rule.word in OVER or rule.word is Phase.ABSENT for rule in state.phases):
            phases = members["x-state"].members("x-state")["phases"]
            yield phases, "no rule says that the work is over, so that no waiting ends before its time; add one"
    for pointer, node in members["x-answers"].named().items() if "x-answers" in members else ():
        yield from _pointer(entry, node, pointer, entry.success)
    for node in members["x-expose"].items() if "x-expose" in members else ():
        yield from _pointer(entry, node, str(node.value), entry.success)


def _state(entry: Entry, state: State, node: Node, shape: Shape) -> Iterator[Note]:
    members = node.members("x-state")
    yield from _pointer(entry, members["at"], state.at, shape)
    if "phases" not in members:
        return
    for rule, item in zip(state.phases, members["phases"].items(), strict=True):
        inner = item.members("phase rule")
        if "when" in inner:
            yield from _condition(entry, inner["when"], rule.when, shape)
    words = shapes.words(entry.root, shapes.at(entry.root, shape, state.at)) or ()
    gaps = [str(word) for word in words if word is not None and not _has_phase(state.phases, state.at, word)]
    if gaps:
        yield members["phases"], f"the schema also has {', '.join(gaps)}, of which no rule says the phase; add one"


def _has_phase(rules: Sequence[Rule[Phase]], at: Pointer, word: Json) -> bool:
    """Whether a rule may fit a word of the state."""
    place = (Source.BODY, at)
    return any(
        all(
            holds(clause.comparison, clause.values, word) for clause in rule.when if (clause.source, clause.at) == place
        )
        for rule in rules
    )


def _list(entry: Entry) -> Iterator[Note]:
    listing = entry.operation.listing
    if listing is None:
        return
    members = entry.node.members("operation")["x-list"].members("x-list")
    yield from _pointer(entry, members["items"], listing.items, entry.success)
    kind = "object" if listing.key else "array"
    yield from _kind(entry, members["items"], shapes.at(entry.root, entry.success, listing.items), kind)
    pages = members["pages"].members("pages")
    for name in ("total", "next", "more"):
        if name in pages:
            yield from _pointer(entry, pages[name], str(pages[name].value), entry.success)
    nodes = [node for node in members["expose"].items() if node.value != f"/{listing.key}"]
    nodes += [members["name"]] if "name" in members else []
    if listing.since:
        node = members["since"].members("x-list.since")["at"]
        kind = "number" if listing.since.unit else "string"
        nodes += [node]
        yield from _kind(entry, node, shapes.at(entry.root, entry.item, listing.since.at), kind)
    for node in nodes:
        yield from _pointer(entry, node, str(node.value), entry.item)
    if listing.state:
        yield from _state(entry, listing.state, members["state"], entry.item)
    links = members["links"].named().values() if "links" in members else ()
    origin = _Origin([Outcome.OBSERVED], entry.success, entry.item, _phases(listing.state))
    for link, node in zip(listing.links, links, strict=True):
        yield from _link(entry, link, node.resolved(), origin)


def _target(entry: Entry) -> Iterator[Note]:
    target = entry.operation.cancel.target if entry.operation.cancel else None
    if target is None:
        return
    node = entry.node.members("operation")["x-cancel"].members("x-cancel")["target"]
    members = node.members("target")
    item = entry.file[target.operation_id].item
    yield from _pointer(entry, members["at"], target.at, item)
    yield from _condition(entry, members["when"], target.when, item)


def _link(entry: Entry, link: Link, node: Node, origin: _Origin) -> Iterator[Note]:
    """An action that is never offered."""
    members = node.members("link")
    when = members["x-when"].members("x-when") if "x-when" in members else {}
    if link.phases is not None and not link.phases & origin.phases:
        yield (
            when["phase"],
            "no x-state says one of these phases here, so that this is never offered; mend one of the two",
        )
    if link.outcomes is not None and not link.outcomes & set(origin.outcomes):
        yield when["outcome"], "no answer has one of these outcomes here, so that this is never offered; write others"
    if "body" in when:
        yield from _condition(entry, when["body"], link.body, origin.item)
    item = origin.item
    if link.each is not None:
        parts = shapes.at(entry.root, origin.body, link.each)
        yield from _pointer(entry, members["x-each"], link.each, origin.body)
        yield from _kind(entry, members["x-each"], parts, "array")
        item = shapes.items(entry.root, parts) if parts else None
    schemas = {parameter.name: parameter.schema for parameter in entry.file[link.operation_id].operation.arguments}
    nodes = members["parameters"].named() if "parameters" in members else {}
    for name, value in link.arguments:
        yield from _argument(entry, nodes[name], value, schemas[name], origin._replace(item=item))


def _argument(
    entry: Entry, node: Node, value: Expression, schema: Mapping[str, Json], origin: _Origin
) -> Iterator[Note]:
    """An argument that can't be read, or isn't taken, so that the action is left out."""
    if value.source is Source.CONSTANT:
        if fault := fault_of(schema, value.value):
            yield node, f"this {fault}, so that the action is left out; write a value that fits"
        return
    if value.source not in {Source.BODY, Source.ITEM}:
        return
    shape = origin.body if value.source is Source.BODY else origin.item
    yield from _pointer(entry, node, str(value.value), shape)
    values = shapes.at(entry.root, shape, str(value.value))
    if values and not _may_be(entry, values, _FITTING.get(str(schema["type"]), frozenset())):
        yield node, f"the schema has no {schema['type']} there, so that the action is left out; name one"


def _kind(entry: Entry, node: Node, shape: Shape, kind: str) -> Iterator[Note]:
    """A place at which the schema has values of other types only."""
    kinds = {"number", "integer"} if kind == "number" else {kind}
    if shape and not _may_be(entry, shape, kinds):
        yield node, f"the schema has no {kind} there, so that nothing is read; name one"


def _may_be(entry: Entry, shape: Shape, types: frozenset[str] | set[str]) -> bool:
    kinds = shapes.types(entry.root, shape)
    return not kinds or bool(kinds & types)


def _condition(entry: Entry, node: Node, condition: Condition, shape: Shape) -> Iterator[Note]:
    """A clause that never holds, or always does."""
    for clause, item in zip(condition, node.named().values(), strict=True):
        if clause.source is Source.BODY:
            yield from _clause(entry, item, clause, shape)
        elif clause.source is not Source.HEADER:
            if entry.operation.cancel is None or entry.operation.cancel.before is None:
                yield item, "nothing looks before this is sent, so that this is null; write before in x-cancel"
            elif clause.source is Source.BEFORE:
                yield from _clause(entry, item, clause, entry.before)


def _clause(entry: Entry, node: Node, clause: Clause, shape: Shape) -> Iterator[Note]:
    yield from _pointer(entry, node, clause.at, shape)
    words = shapes.words(entry.root, shapes.at(entry.root, shape, clause.at))
    if words is None or clause.comparison is Comparison.MATCH:
        return
    if not any(value is None or any(same(value, word) for word in words) for value in clause.values):
        value = str(clause.values[0])
        yield node, f"the schema has none of these values there; {suggestion(value, [*map(str, words)])}"


def _pointer(entry: Entry, node: Node, pointer: Pointer, shape: Shape) -> Iterator[Note]:
    """A pointer that no answer has."""
    values = shapes.at(entry.root, shape, pointer)
    if values is None or values:
        return
    parent, _, _ = pointer.rpartition("/")
    names = shapes.names(entry.root, shapes.at(entry.root, shape, parent))
    remedy = suggestion(pointer, [f"{parent}/{escape(name)}" for name in names])
    yield node, f"no schema of the answer has {pointer or 'a body'}, so that this is null; {remedy}"


def _problem(entries: Sequence[Entry]) -> Iterator[Note]:
    """Where errors are read, and no error of the file has anything; and errors in which nothing is read."""
    node = entries[0].node
    document = node.at("", node.document.value)
    members = document.members("document")
    errors = [answer for each in entries for answer in each.answers if not answer.is_success]
    places = members["x-problem"].members("x-problem") if "x-problem" in members else {}
    if not places.keys() - {"all"} and any(_needs_place(media) for each in errors for media in each.response.media):
        yield members.get("x-problem", document), _NO_PLACE
    for name, each in places.items():
        for place in each.items() if isinstance(each.value, list) else [each]:
            pointer = str(place.value) if name == "all" else str(place.value).removeprefix("$response.body#")
            if pointer[:1] in {"", "/"}:
                shape = shapes.union(*(each.shape for each in errors)) if errors else None
                yield from _pointer(entries[0], place, pointer, shape)
    actions = entries[0].operation.platform.actions
    if actions is not None:
        bodies = shapes.union(*(answer.shape for entry in entries for answer in entry.answers))
        yield from _pointer(entries[0], members["x-actions"], actions, bodies)


def _needs_place(media: str) -> bool:
    """Whether an error of a media type counts only if x-problem tells where it says what went wrong."""
    return media.endswith(("/json", "+json")) and media != "application/problem+json"
