"""What a reply means: outcomes, states, and whose answer it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pullcord.manifest.conditions import condition, pointer
from pullcord.manifest.expressions import Here, expression
from pullcord.manifest.node import POINTER, Node
from pullcord.manifest.reach import is_covered
from pullcord.model.condition import Condition
from pullcord.model.expression import Source
from pullcord.model.outcome import MayGoOn, Outcome, Phase, WorkStopped
from pullcord.model.pointer import Pointer
from pullcord.model.rule import Rule, Word
from pullcord.model.state import Poll, State

_LOOK, _SEND = "look", "send"
"""Words that rules may say beside outcomes."""
_UNSAID = frozenset({Outcome.OBSERVED, Outcome.TARGET_CHANGED})
"""What no reply to a cancel means."""
_OBSERVED = (
    Outcome.OBSERVED,
    Outcome.REFUSED,
    Outcome.NOT_FOUND,
    Outcome.DENIED,
    Outcome.INVALID_ARGUMENTS,
    Outcome.RATE_LIMITED,
    Outcome.UNAVAILABLE,
    Outcome.UNKNOWN,
)
"""What a reply to a look may mean."""
_UNSENT = (Outcome.ALREADY_FINISHED, Outcome.NOTHING_RUNNING, Outcome.NOT_FOUND, Outcome.REFUSED)
"""What a cancel may come to by a look alone."""
_BEFORE: Mapping[Phase, Outcome] = {
    Phase.ENDED: Outcome.ALREADY_FINISHED,
    Phase.CANCELLED: Outcome.ALREADY_FINISHED,
    Phase.HALTED: Outcome.ALREADY_FINISHED,
    Phase.ABSENT: Outcome.NOT_FOUND,
}
"""What it comes to where the rule doesn't say; in any other phase it is sent."""
_WORK_STOPPED: Mapping[str, WorkStopped] = {"yes": "yes", "no": "no", "unknown": "unknown"}


class _Said(NamedTuple):
    """What a rule says beside its word."""

    when: Condition
    note: str | None
    work_stopped: WorkStopped | None
    may_go_on: tuple[MayGoOn, ...]


def outcomes(node: Node, here: Here) -> tuple[Rule[Outcome], ...]:
    """x-outcomes: what a reply means, by the first rule that fits."""
    words = _OBSERVED if here.reads else [word for word in Outcome if word not in _UNSAID]
    return _reached(node, lambda item: _outcome(item, here, words))


def _outcome(node: Node, here: Here, words: Sequence[Outcome]) -> Rule[Outcome]:
    members = node.members("outcome rule")
    word = members["outcome"].choice(words if here.reads else [*words, _LOOK])
    if "else" in members and word != _LOOK:
        members["else"].fault("else stands beside outcome: look; leave it out")
    if word == _LOOK and here.cancel and not here.cancel.confirm:
        node.fault("a look needs a link that looks; name it with confirm in x-cancel")
    otherwise = Outcome(members["else"].choice(words)) if "else" in members else Outcome.UNKNOWN
    said = _said(members, here)
    return Rule(
        otherwise if word == _LOOK else Outcome(word),
        *said,
        watch=members["watch"].flag() if "watch" in members else True,
        look=word == _LOOK,
    )


def state(node: Node, here: Here) -> State:
    """x-state: where the state stands, what its words mean, and how often to look."""
    members = node.members("x-state")
    return State(
        pointer(members["at"], here),
        _reached(members["phases"], lambda item: _phase(item, here)) if "phases" in members else (),
        poll(members["poll"]) if "poll" in members else None,
    )


def _phase(node: Node, here: Here) -> Rule[Phase]:
    members = node.members("phase rule")
    phase = Phase(members["phase"].choice(list(Phase)))
    before = _BEFORE.get(phase)
    if "before" in members:
        word = members["before"].choice([*_UNSENT, _SEND])
        before = None if word == _SEND else Outcome(word)
    return Rule(phase, *_said(members, here), before=before)


def poll(node: Node) -> Poll:
    """How often to look: the first pause, and the longest."""
    members = node.members("poll")
    return Poll(members["first"].seconds(), members["most"].seconds())


def _said(members: Mapping[str, Node], here: Here) -> _Said:
    return _Said(
        when=condition(members["when"], here) if "when" in members else (),
        note=members["note"].text() if "note" in members else None,
        work_stopped=_WORK_STOPPED[members["work_stopped"].choice(list(_WORK_STOPPED))]
        if "work_stopped" in members
        else None,
        may_go_on=tuple(MayGoOn(item.choice(list(MayGoOn))) for item in members["may_go_on"].items())
        if "may_go_on" in members
        else (),
    )


def _reached(node: Node, read: Callable[[Node], Rule[Word]]) -> tuple[Rule[Word], ...]:
    """A list of rules, each of which can be reached."""
    found: list[Rule[Word]] = []
    sound: list[Condition] = []
    for item in node.items():
        before = len(item.faults)
        rule = read(item)
        found.append(rule)
        if len(item.faults) == before:
            if is_covered(rule.when, sound):
                item.fault("this rule can never be reached: the rules before it fit first; move it up, or leave it out")
            sound.append(rule.when)
    return tuple(found)


def exposed(node: Node) -> tuple[Pointer, ...]:
    """Which parts of a body may be shown."""
    return tuple(item.pointer_text(whole=False) for item in node.items())


def answers(node: Node, here: Here) -> tuple[tuple[Pointer, str], ...]:
    """x-answers: where a body names the work that was asked about."""
    found: list[tuple[Pointer, str]] = []
    for at, value in node.named().items():
        asked = expression(value, here)
        if not POINTER.fullmatch(at) or asked.source is not Source.ARGUMENT:
            value.fault("write where a body names the work, and what asked for it, such as /id: $request.path.task_id")
        found.append((at, str(asked.value)))
    return tuple(found)
