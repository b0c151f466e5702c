"""What a reply means: outcomes, states, the conditions on both, and whose answer it is."""

import re
from collections.abc import Mapping, Sequence

from pullcord.manifest.expressions import Here, expression
from pullcord.manifest.node import POINTER, Node, nearest
from pullcord.manifest.reach import is_covered
from pullcord.model.arguments import pattern_fault
from pullcord.model.condition import NAMED, Clause, Comparison, Condition
from pullcord.model.expression import Source
from pullcord.model.outcome import Phase, WorkStopped
from pullcord.model.pointer import Pointer
from pullcord.model.rule import Rule, State, Word

_PLACE = re.compile(
    r"\$response\.header\.(?P<header>[^#]+)|\$before#(?P<before>(?:/(?:[^~/]|~[01])*)*)|(?P<phase>\$before)"
    r"|(?:/(?:[^~/]|~[01])*)*"
)
"""What a condition reads."""

_WORK_STOPPED: Mapping[str, WorkStopped] = {"yes": "yes", "no": "no", "unknown": "unknown"}


def state(node: Node, here: Here) -> State:
    """x-state: where the state stands, and what its words mean."""
    members = node.members("x-state")
    return State(
        members["at"].pointer_text(), rules(members["phases"], "phase", here, Phase) if "phases" in members else ()
    )


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
            when=condition(members["when"], here) if "when" in members else (),
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


def condition(node: Node, here: Here) -> Condition:
    """What must be read, by where it stands, for a rule, a link or a target to fit."""
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
