"""Reads what a reply means: outcomes, states, and the work that an answer is about."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pullcord.manifest.conditions import condition, pointer
from pullcord.manifest.expressions import Scope, expression
from pullcord.manifest.node import POINTER, Node
from pullcord.manifest.reachability import is_covered
from pullcord.model.condition import Condition
from pullcord.model.expression import Source
from pullcord.model.outcome import OF_CANCELS, OF_LOOKS, MayGoOn, Outcome, Phase, WorkStopped
from pullcord.model.pointer import Pointer
from pullcord.model.rule import Rule, Word
from pullcord.model.state import Poll, State

_LOOK, _SEND = "look", "send"
"""Words of rules that are no outcomes."""
_WITHOUT_SENDING = (Outcome.ALREADY_FINISHED, Outcome.NOTHING_RUNNING, Outcome.NOT_FOUND, Outcome.REFUSED)
"""Outcomes of a cancel that was not sent, because of the look before it."""
_BEFORE: Mapping[Phase, Outcome] = {
    Phase.ENDED: Outcome.ALREADY_FINISHED,
    Phase.CANCELLED: Outcome.ALREADY_FINISHED,
    Phase.HALTED: Outcome.ALREADY_FINISHED,
    Phase.ABSENT: Outcome.NOT_FOUND,
}
"""The outcome of a cancel that meets a phase whose rule has no `before`; in any other phase it is sent."""
_WORK_STOPPED: Mapping[str, WorkStopped] = {"yes": "yes", "no": "no", "unknown": "unknown"}


class _Remarks(NamedTuple):
    """What a rule holds beside its word."""

    when: Condition
    note: str | None
    work_stopped: WorkStopped | None
    may_go_on: tuple[MayGoOn, ...]


def outcomes(node: Node, scope: Scope) -> tuple[Rule[Outcome], ...]:
    """Read x-outcomes: what a reply means, by the first rule that fits.

    Args:
        node: the keyword's value, a list of rules.
        scope: the operation that it stands in.
    """
    words = OF_LOOKS if scope.reads else [word for word in OF_CANCELS if word is not Outcome.TARGET_CHANGED]
    return _reachable(node, lambda item: _outcome(item, scope, words))


def _outcome(node: Node, scope: Scope, words: Sequence[Outcome]) -> Rule[Outcome]:
    members = node.members("outcome rule")
    word = members["outcome"].choice(words if scope.reads else [*words, _LOOK])
    if "else" in members and word != _LOOK:
        members["else"].fault("else stands beside outcome: look; leave it out")
    if word == _LOOK and scope.cancel and not scope.cancel.confirm:
        node.fault("a look needs a link that looks; name it with confirm in x-cancel")
    fallback = Outcome(members["else"].choice(words)) if "else" in members else Outcome.UNKNOWN
    remarks = _remarks(members, scope)
    return Rule(
        fallback if word == _LOOK else Outcome(word),
        *remarks,
        watch=members["watch"].flag() if "watch" in members else True,
        look=word == _LOOK,
    )


def state(node: Node, scope: Scope) -> State:
    """Read x-state: where the state stands, what its words mean, and how often to look.

    Args:
        node: the keyword's value.
        scope: the operation that it stands in.
    """
    members = node.members("x-state")
    return State(
        pointer(members["at"], scope),
        _reachable(members["phases"], lambda item: _phase(item, scope)) if "phases" in members else (),
        poll(members["poll"]) if "poll" in members else None,
    )


def _phase(node: Node, scope: Scope) -> Rule[Phase]:
    members = node.members("phase rule")
    phase = Phase(members["phase"].choice(list(Phase)))
    before = _BEFORE.get(phase)
    if "before" in members:
        word = members["before"].choice([*_WITHOUT_SENDING, _SEND])
        before = None if word == _SEND else Outcome(word)
    remarks = _remarks(members, scope)
    if phase is Phase.ACTIVE and "work_stopped" in members and members["work_stopped"].value == "yes":
        members["work_stopped"].fault("work in the phase active has not stopped; mend one of the two")
    return Rule(phase, *remarks, before=before)


def poll(node: Node) -> Poll:
    """Read poll: the seconds before the first look, and the longest pause between two."""
    members = node.members("poll")
    return Poll(members["first"].seconds(), members["most"].seconds())


def _remarks(members: Mapping[str, Node], scope: Scope) -> _Remarks:
    return _Remarks(
        when=condition(members["when"], scope) if "when" in members else (),
        note=members["note"].text() if "note" in members else None,
        work_stopped=_WORK_STOPPED[members["work_stopped"].choice(list(_WORK_STOPPED))]
        if "work_stopped" in members
        else None,
        may_go_on=tuple(MayGoOn(item.choice(list(MayGoOn))) for item in members["may_go_on"].items())
        if "may_go_on" in members
        else (),
    )


def _reachable(node: Node, read: Callable[[Node], Rule[Word]]) -> tuple[Rule[Word], ...]:
    """Read a list of rules; a fault is noted for each that can't be reached."""
    rules: list[Rule[Word]] = []
    conditions: list[Condition] = []
    for item in node.items():
        count = len(item.faults)
        rule = read(item)
        rules.append(rule)
        if len(item.faults) == count:
            if is_covered(rule.when, conditions):
                item.fault("this rule can never be reached: the rules before it fit first; move it up, or leave it out")
            conditions.append(rule.when)
    return tuple(rules)


def exposed(node: Node) -> tuple[Pointer, ...]:
    """Read x-expose: the parts of a body that may be shown."""
    return tuple(item.pointer_text(whole=False) for item in node.items())


def answers(node: Node, scope: Scope) -> tuple[tuple[Pointer, str], ...]:
    """Read x-answers: where a body names the work that it is about, and the argument that must be equal to it.

    Args:
        node: the keyword's value.
        scope: the operation that it stands in.
    """
    places: list[tuple[Pointer, str]] = []
    for place, item in node.named().items():
        value = expression(item, scope)
        if not POINTER.fullmatch(place) or value.source is not Source.ARGUMENT:
            item.fault("write where a body names the work, and what asked for it, such as /id: $request.path.task_id")
        places.append((place, str(value.value)))
    return tuple(places)
