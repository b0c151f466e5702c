"""The next steps of an attempt: the manifest's links, pullcord's own, and the platform's, merged. Pure.

An action that can be called here is complete: its tool, and arguments that the tool accepts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pullcord.flow.attempt import Attempt, Call, Obstacle
from pullcord.flow.platform_actions import platform_actions
from pullcord.flow.verdict import where
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.cancel import EXPECT
from pullcord.model.condition import Context, fits
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.operation import Operation
from pullcord.model.outcome import FINAL, OVER, Outcome, Phase
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json
from pullcord.upstream import request

SELF = "self"
"""The link relation of a look at the work itself."""
UNASKED = (
    "Use a client that supports elicitation (forms; over HTTP, by MCP 2026-07-28 or later), or start pullcord"
    " without --confirm."
)


class Offer(NamedTuple):
    """The next steps of an answer, and what its message should say of them."""

    actions: list[Action]
    notes: list[str]


def offer(attempt: Attempt, onward: Arguments | None = None) -> Offer:
    """What the agent can do next.

    Args:
        attempt: what was done, and what came of it.
        onward: for a list: the arguments of its next part.
    """
    call, judged = attempt.call, attempt.verdict
    if attempt.obstacle in {Obstacle.ASKED, Obstacle.DECLINED, Obstacle.CRASHED}:
        return Offer([], [])
    if attempt.obstacle is Obstacle.UNASKED:
        return Offer([Action(rel="authorize", hint=UNASKED)], [])
    source = attempt.look if attempt.obstacle is Obstacle.UNSEEN and attempt.look else attempt
    reply = source.reply if source.reply and source.reply.status is not None else None
    response = call.operation.response(reply.status if reply else None)
    followed = list(_follow(call, response.links, reply, judged.outcome, judged.phase))
    actions = [*_own(attempt, reply), *(action for action, _ in followed)]
    if onward:
        actions.append(_action(call, "next", call.operation, onward, "The next part of this list."))
    if reply:
        said = {action.rel for action in actions}
        # Without an address it is only a word, and adds nothing to an action that says it with one.
        actions.extend(action for action in _offered(call, reply) if action.href or action.rel not in said)
    return Offer(_once(actions), list(dict.fromkeys(note for _, note in followed if note)))


def offer_item(attempt: Attempt, item: Json) -> list[Action]:
    """What the agent can do with one item of a list.

    Args:
        attempt: the list's call, and its reply.
        item: one of the items that it holds.
    """
    listing = attempt.call.operation.listing
    if listing is None:
        return []
    phase = where(listing.state, item, Context(attempt.call.arguments)).phase
    followed = _follow(attempt.call, listing.links, attempt.reply, Outcome.OBSERVED, phase, item)
    return _once(action for action, _ in followed)


def _once(actions: Iterable[Action]) -> list[Action]:
    found: list[Action] = []
    for action in actions:
        if not any(action.is_same_call(each) for each in found):
            found.append(action)
    return found


def _own(attempt: Attempt, reply: Reply | None) -> Iterator[Action]:
    """What pullcord itself knows to do about an outcome."""
    call, platform = attempt.call, attempt.call.operation.platform
    match attempt.verdict.outcome:
        case Outcome.TARGET_CHANGED if any(call.found.values()):
            yield _retarget(call)
        case Outcome.DENIED:
            needs = " or ".join(key.description for key in platform.keys)
            hint = f"{call.settings.remedy} {platform.title} needs: {needs}" if needs else call.settings.remedy
            yield Action(rel="authorize", hint=hint)
        case Outcome.INVALID_ARGUMENTS:
            hint = "Correct the arguments, then call again."
            yield Action(rel="retry", operation_id=call.operation.operation_id, hint=hint)
        case Outcome.RATE_LIMITED | Outcome.UNAVAILABLE:
            yield _later(attempt, reply)
        case Outcome.UNKNOWN if call.operation.repeatable:
            yield _action(
                call, "retry", call.operation, call.arguments, "Make the same call again: it is safe to repeat."
            )


def _retarget(call: Call) -> Action:
    """The same conditional cancel, of what was found to run."""
    arguments = {name: value for name, value in call.arguments.items() if name.removeprefix(EXPECT) not in call.found}
    expected = {EXPECT + name: value for name, value in call.found.items()}
    return _action(call, "cancel", call.operation, {**arguments, **expected}, "Cancel what runs now instead.")


def _later(attempt: Attempt, reply: Reply | None) -> Action:
    """The same call, after the time that the platform, or this server's own limit, names."""
    call = attempt.call
    given = attempt.details.get("seconds") or (reply.retry_after if reply else None)
    seconds = given if isinstance(given, int) else None
    hint = f"Make the same call after {seconds} seconds." if seconds else "Make the same call again later."
    return replace(_action(call, "retry-later", call.operation, call.arguments, hint), retry_after_seconds=seconds)


def _follow(
    call: Call,
    links: Sequence[Link],
    reply: Reply | None,
    outcome: Outcome,
    phase: Phase | None,
    item: Json = None,
) -> Iterator[tuple[Action, str | None]]:
    """The manifest's links that apply, and whose arguments can all be read; each with its note."""
    body = reply.body if reply else None
    context = Context(call.arguments, reply.headers if reply else {})
    learnt = outcome in FINAL and (outcome is not Outcome.NOTHING_RUNNING or phase is not None)
    over = learnt or (outcome is Outcome.OBSERVED and phase in OVER)
    for link in links:
        if over and link.rel == SELF:
            continue  # looking again can't show anything else
        if link.outcomes is not None and outcome not in link.outcomes:
            continue
        if link.phases is not None and phase not in link.phases:
            continue
        if not fits(link.body, body if item is None else item, context):
            continue
        each = look_up(body, link.each) if link.each is not None else [item]
        for one in each[: sanitize.ITEMS_LIMIT] if isinstance(each, list) else ():
            arguments = {name: read(call, reply, expression, one) for name, expression in link.arguments}
            # Null fits nowhere: without an argument it would be another call, a cancel of whatever runs.
            if not call.surface.checks[link.operation_id](arguments):
                operation = call.surface.catalogue[link.operation_id]
                yield _action(call, link.rel, operation, arguments, link.hint), link.note


def read(call: Call, reply: Reply | None, expression: Expression, item: Json = None) -> Json:
    """The value of an expression; None where there is none.

    Args:
        call: whose arguments and target it may name.
        reply: whose body and headers it may name; None if there is no answer.
        expression: what to read.
        item: the item of a list that it may name.
    """
    match expression.source:
        case Source.ARGUMENT:
            return call.arguments.get(str(expression.value))
        case Source.TARGET:
            return call.found.get(str(expression.value))
        case Source.ITEM:
            return look_up(item, str(expression.value))
        case Source.BODY:
            return look_up(reply.body, str(expression.value)) if reply else None
        case Source.HEADER:
            return reply.headers.get(str(expression.value)) if reply else None
    return expression.value


def _action(call: Call, rel: str, operation: Operation, arguments: Arguments, hint: str) -> Action:
    base = call.settings.base_url
    is_tool = operation.id in call.surface.tools
    return Action(
        rel=rel,
        operation_id=operation.operation_id,
        method=operation.method,
        href=None if "{" in base else request.url(operation, arguments, base),
        hint=hint,
        tool=operation.id if is_tool else None,
        arguments=dict(arguments) if is_tool else None,
    )


def _offered(call: Call, reply: Reply) -> Iterator[Action]:
    """The platform's own actions; one that is an operation of the catalogue as that operation's call."""
    for action in platform_actions(call.operation.platform, call.settings.base_url, reply):
        yield _as_call(call, action) or action


def _as_call(call: Call, action: Action) -> Action | None:
    operation = call.surface.catalogue.get(action.operation_id or "")
    if operation is None or operation.platform is not call.operation.platform or action.href is None:
        return None
    arguments: Mapping[str, Json] | None = request.match(
        operation, action.method or operation.method, action.href, call.settings.base_url
    )
    if arguments is None or call.surface.checks[operation.id](arguments):
        return None
    return _action(call, action.rel, operation, arguments, action.hint)
