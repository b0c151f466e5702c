"""The next steps of an attempt: the manifest's links, pullcord's own, and the platform's, merged. Pure.

An action that can be called here is complete: its tool, and arguments that the tool accepts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pullcord.flow import wording
from pullcord.flow.attempt import Attempt, Call, Obstacle, Whole
from pullcord.flow.elsewhere import looks_elsewhere
from pullcord.flow.following import Origin, Step, follow
from pullcord.flow.platform_actions import platform_actions
from pullcord.flow.verdict import Verdict, standing_of
from pullcord.model.action import Action
from pullcord.model.cancel import EXPECT, WAIT_SECONDS
from pullcord.model.condition import Context
from pullcord.model.link import Link
from pullcord.model.listing import Listing
from pullcord.model.operation import Operation
from pullcord.model.outcome import FINAL, OVER, MayGoOn, Outcome, Phase
from pullcord.model.relation import AUTHORIZE, AWAY, CANCEL, ITEM, NEXT, RETRY, RETRY_LATER, SELF, TERMINATE
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json
from pullcord.upstream import request

OFFERED_WAIT = 20
"""Seconds that an offered cancel or look waits: well below the time limits of clients."""
_AFTER_WHICH_NOTHING = frozenset({Obstacle.ASKED, Obstacle.DECLINED, Obstacle.CRASHED})
"""Obstacles after which no step is offered."""


class Offer(NamedTuple):
    """The next steps of an answer, and sentences about them for its message."""

    actions: list[Action]
    notes: list[str]


def offer(attempt: Attempt, next_arguments: Arguments | None = None, whole: Whole | None = None) -> Offer:
    """The next steps of an attempt; those that lead away from its work only where there is nothing else to call.

    Args:
        attempt: the call, and what came of it.
        next_arguments: for a list: the arguments of its next page; None: there is none.
        whole: what came of all that its work had started; None: without cascade.
    """
    call, verdict = attempt.call, attempt.verdict
    if attempt.obstacle in _AFTER_WHICH_NOTHING:
        return Offer([], [])
    if attempt.obstacle is Obstacle.UNASKED:
        return Offer([Action(rel=AUTHORIZE, hint=wording.HINT_UNASKED)], [])
    source = attempt.look if attempt.obstacle is Obstacle.UNSEEN and attempt.look else attempt
    reply = source.reply if source.reply and source.reply.status is not None else None
    response = call.operation.response(reply.status if reply else None)
    seconds = attempt.watch.seconds if attempt.watch else 0
    # Where all parts were stopped, too, no step leads to them.
    links = [link for link in response.links if not (link.part and whole and whole.complete)]
    near = [link for link in links if not _is_away(call, link)]
    # Where nothing else leads to what goes on, a look at work that has ended may.
    may_have_parts = MayGoOn.CHILDREN in verdict.may_go_on and not (whole and whole.complete)
    is_hidden = bool(call.operation.cancel) and may_have_parts and not any(link.part for link in links)
    origin = Origin(call, reply, verdict.outcome, verdict.phase)
    steps = list(_steps(near, origin, seconds, is_hidden=is_hidden))
    actions = [*_own_actions(attempt, reply), *(_step_action(call, step) for step in steps)]
    # A cursor in another form than the platform's own is one that the tool would refuse.
    if next_arguments and not call.surface.checks[call.operation.id](next_arguments):
        actions.append(_action(call, NEXT, call.operation, next_arguments, wording.HINT_NEXT))
    extras = list(_platform_actions(call, reply, verdict)) if reply else []
    actions.extend(action for action in extras if action.tool and action.rel not in AWAY)
    # What is near leads nowhere where no such work is known, and perhaps where a look watched in vain.
    is_vain = verdict.outcome is Outcome.NOT_FOUND or (call.operation.cancel is None and attempt.watch is not None)
    if is_vain or not any(action.tool and not _repeats(call, action) for action in actions):
        # What leads away and is no tool here helps only where there is no step at all.
        tools = call.surface.tools if actions else call.surface.catalogue
        away = [link for link in links if link.operation_id in tools and _is_away(call, link)]
        if away:  # behind what is near, so that a call to which both lead counts as near
            steps = list(_steps([*near, *away], origin, seconds, is_hidden=is_hidden))
        actions.extend(_step_action(call, step) for step in steps if _is_away(call, step.link))
        actions.extend(action for action in extras if action.tool)
    if verdict.outcome is Outcome.NOT_FOUND:
        actions.extend(looks_elsewhere(call))
    if not any(action.tool for action in actions):
        # The platform's own steps are offered only where no step can be called here.
        rels = {action.rel for action in actions}
        actions.extend(action for action in extras if not action.tool and (action.href or action.rel not in rels))
    notes = dict.fromkeys(step.link.note for step in steps if step.link.note)
    actions = _unique(actions)
    has_cancel = any(action.rel == CANCEL and action.tool for action in actions)
    # The answer tells what was called, and beside a step that stops something a look needs no address.
    actions = [
        _brief(action) if _repeats(call, action) or (has_cancel and action.rel == SELF) else action
        for action in actions
    ]
    return Offer(actions, list(notes))


def offer_item(attempt: Attempt, listing: Listing, item: Json) -> list[Action]:
    """The next steps with one item of a list.

    Args:
        attempt: the list's call, and its reply.
        listing: how the list is read.
        item: one of the items that it holds.
    """
    phase = standing_of(listing.state, item, Context(attempt.call.arguments)).phase
    origin = Origin(attempt.call, attempt.reply, Outcome.OBSERVED, phase, item)
    # The fields of work that has ended tell it: a look would add little.
    links = [link for link in listing.links if link.rel != ITEM or phase not in OVER]
    return _unique(_step_action(attempt.call, step) for step in _steps(links, origin, 0))


def _step_action(call: Call, step: Step) -> Action:
    arguments = _with_wait(step.arguments, step.operation, step.link.rel)
    action = _action(call, step.link.rel, step.operation, arguments, step.link.hint)
    return action if step.link.each is None else _brief(action)


def _is_away(call: Call, link: Link) -> bool:
    """Whether a link leads away from the work of a call: to what holds it, to others like it, from a look to its parts.

    Near are a cancel's parts, since they go on, what confirms its end, and what the message speaks of.
    """
    cancel = call.operation.cancel
    is_near = link.part or link.note or (cancel and link.rel in cancel.confirm)
    return (link.rel in AWAY and not is_near) or (link.each is not None and cancel is None)


def _repeats(call: Call, action: Action) -> bool:
    """Whether an action makes the same call again, but for the seconds that it waits."""
    if action.tool != call.operation.id:
        return False
    return {**(action.arguments or {}), WAIT_SECONDS: 0} == {**call.arguments, WAIT_SECONDS: 0}


def _brief(action: Action) -> Action:
    """An action without its address, where it can be called here."""
    return replace(action, method=None, href=None) if action.tool else action


def _with_wait(arguments: Arguments, operation: Operation, rel: str) -> Arguments:
    """The arguments of a call with wait_seconds, where it is a cancel or a look at the work itself."""
    waits = (operation.cancel or rel == SELF) and WAIT_SECONDS in operation.schemas
    return {**arguments, WAIT_SECONDS: OFFERED_WAIT} if waits else arguments


def _unique(actions: Iterable[Action]) -> list[Action]:
    unique: list[Action] = []
    for action in actions:
        if not any(action.is_same_call(each) for each in unique):
            unique.append(action)
    return unique


def _own_actions(attempt: Attempt, reply: Reply | None) -> Iterator[Action]:
    """The steps that pullcord itself offers for an outcome."""
    call = attempt.call
    match attempt.verdict.outcome:
        case Outcome.TARGET_CHANGED if any(call.found.values()):
            yield _retarget(call)
        case Outcome.DENIED:
            yield Action(rel=AUTHORIZE, hint=wording.hint_denied(call))
        case Outcome.INVALID_ARGUMENTS:
            yield Action(rel=RETRY, operation_id=call.operation.operation_id, hint=wording.HINT_CORRECT)
        case Outcome.REFUSED if attempt.obstacle is Obstacle.UNAGREED:
            yield _action(call, CANCEL, call.operation, call.arguments, wording.HINT_UNAGREED)
        case Outcome.RATE_LIMITED | Outcome.UNAVAILABLE:
            yield _retry_later(attempt, reply)
        case Outcome.UNKNOWN if call.operation.repeatable:
            yield _action(call, RETRY, call.operation, call.arguments, wording.HINT_REPEAT)


def _retarget(call: Call) -> Action:
    """The same cancel, with what was found to run as its expected target."""
    expected = {EXPECT + name: value for name, value in call.found.items()}
    return _action(call, CANCEL, call.operation, {**call.arguments, **expected}, wording.HINT_RETARGET)


def _retry_later(attempt: Attempt, reply: Reply | None) -> Action:
    """The same call, after the seconds that the platform, or this server's own limit, names."""
    call = attempt.call
    value = attempt.details.get("seconds") or (reply.retry_after if reply else None)
    seconds = value if isinstance(value, int) else None
    hint = wording.HINT_AFTER.format(seconds=seconds) if seconds else wording.HINT_LATER
    return replace(_action(call, RETRY_LATER, call.operation, call.arguments, hint), retry_after_seconds=seconds)


def is_over(outcome: Outcome, phase: Phase | None) -> bool:
    """Whether the work is over, so that another look at it would show the same.

    Args:
        outcome: of the call.
        phase: of the work, by the answer; None: it is unknown.
    """
    is_final = outcome in FINAL and (outcome is not Outcome.NOTHING_RUNNING or phase is not None)
    return is_final or (outcome is Outcome.OBSERVED and phase in OVER)


def _steps(links: Sequence[Link], origin: Origin, seconds: float, *, is_hidden: bool = False) -> Iterator[Step]:
    """The steps that make sense: no look after an end, and a stronger stop only after watching without an end.

    Args:
        links: of the response, or of the list's items.
        origin: what they lead away from.
        seconds: that the work was watched.
        is_hidden: whether parts may go on to which no link leads: a look that names them is offered after the end, too.
    """
    has_ended = is_over(origin.outcome, origin.phase)
    followed: list[tuple[str, Arguments]] = []
    for step in follow(links, origin):
        if (step.operation.id, step.arguments) in followed:
            continue  # what confirms an end may be the look at the work itself
        followed.append((step.operation.id, step.arguments))
        if step.link.rel == SELF and has_ended:
            if is_hidden and step.operation.tool and _names_parts(step.operation):
                yield step._replace(link=step.link._replace(hint=wording.HINT_PARTS))
            continue
        if step.link.rel == TERMINATE and (has_ended or seconds < step.link.after):
            continue
        if step.operation.tool is None:
            continue  # a look that only pullcord itself makes
        yield step


def _names_parts(operation: Operation) -> bool:
    """Whether the answers of a look lead to what its work started."""
    return any(link.part for response in operation.responses.values() for link in response.links)


def _action(call: Call, rel: str, operation: Operation, arguments: Arguments, hint: str) -> Action:
    base_url = call.settings.base_url
    is_tool = operation.id in call.surface.tools
    return Action(
        rel=rel,
        operation_id=operation.operation_id,
        method=operation.method,
        href=None if "{" in base_url else request.url(operation, arguments, base_url),
        hint=hint,
        tool=operation.id if is_tool else None,
        arguments=dict(arguments) if is_tool else None,
    )


def _platform_actions(call: Call, reply: Reply, verdict: Verdict) -> Iterator[Action]:
    """The platform's own actions; one that leads to an operation of the catalogue becomes a call of that operation.

    Args:
        call: the one that was made.
        reply: the platform's, which holds them.
        verdict: what the reply means: no look is offered at work that is over.
    """
    has_ended = is_over(verdict.outcome, verdict.phase)
    for each in platform_actions(call.operation.platform, call.settings.base_url, reply):
        action = _as_call(call, each) or each
        if action.rel != SELF or not has_ended:
            yield action


def _as_call(call: Call, action: Action) -> Action | None:
    candidates = (each for each in call.surface.catalogue.values() if each.platform is call.operation.platform)
    operation = next((each for each in candidates if each.operation_id == action.operation_id), None)
    if operation is None or action.href is None:
        return None
    arguments: Mapping[str, Json] | None = request.match(
        operation, action.method or operation.method, action.href, call.settings.base_url
    )
    if arguments is None or call.surface.checks[operation.id](arguments):
        return None
    return _action(call, action.rel, operation, _with_wait(arguments, operation, action.rel), action.hint)
