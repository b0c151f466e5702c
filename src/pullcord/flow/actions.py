"""The next steps of a call: the manifest's links, pullcord's own, and the platform's, merged. Pure.

An action that can be called here is complete: its tool, and arguments that the tool accepts. What a platform offers is
cut to the known fields, confined to the platform's origin, and listed only once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from pullcord.config.surface import Surface
from pullcord.flow.verdict import Verdict, where
from pullcord.model import sanitize
from pullcord.model.cancel import EXPECT
from pullcord.model.condition import fits
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.listing import Listing
from pullcord.model.operation import Operation
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.pointer import Pointer, look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Arguments, Json
from pullcord.upstream import request

Action: TypeAlias = dict[str, Any]
"""rel and hint, and where known operation_id, method, href, schema_ref, tool, arguments, retry_after_seconds."""

PLATFORM_LIMIT = 20
"""Actions taken over from one reply."""

HREF_LIMIT = 2000
"""Characters of an address that a platform gives; a longer one is dropped, since cut it would be another."""

_REL = re.compile(r"[a-z][a-z0-9-]{0,31}")
_OPERATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCHEMA_REF = re.compile(r"#/[A-Za-z0-9_./~-]{1,200}")
_METHODS = frozenset({"GET", "PUT", "POST", "PATCH", "DELETE"})


class Call(NamedTuple):
    """A tool call on its way: what was asked, and in which scope."""

    scope: Surface
    operation: Operation
    arguments: Arguments
    found: Mapping[str, Json] = {}
    """The target that was looked up."""
    request_id: str = ""
    """Names the call to the platform, and in the journal."""

    @property
    def base_url(self) -> str:
        """The base URL of the operation's platform."""
        return self.scope.settings_of(self.operation).base_url


class Offer(NamedTuple):
    """The next steps of a result, and what its message should say of them."""

    actions: list[Action]
    notes: list[str]


def offer(call: Call, reply: Reply | None, verdict: Verdict, onward: Arguments | None = None) -> Offer:
    """What the agent can do next.

    Args:
        call: what was asked.
        reply: what came back; None if nothing was sent.
        verdict: what came of it.
        onward: for a list: the arguments of its next part.
    """
    answer = reply if reply and reply.status is not None else None
    response = call.operation.response(answer.status if answer else None)
    followed = list(_follow(call, response.links, answer, verdict.outcome, verdict.phase))
    actions = [*_own(call, answer, verdict), *(action for action, _ in followed)]
    if onward:
        actions.append(_action(call, "next", call.operation, onward, "The next part of this list."))
    if answer:
        said = {action["rel"] for action in actions}
        # Without an address it is only a word, and adds nothing to an action that says it with one.
        actions.extend(action for action in _sent(call, answer) if "href" in action or action["rel"] not in said)
    return Offer(_once(actions), list(dict.fromkeys(note for _, note in followed if note)))


def retarget(call: Call) -> Action:
    """The same conditional cancel, of what was found to run."""
    arguments = {name: value for name, value in call.arguments.items() if name.removeprefix(EXPECT) not in call.found}
    expected = {EXPECT + name: value for name, value in call.found.items()}
    return _action(call, "cancel", call.operation, {**arguments, **expected}, "Cancel what runs now instead.")


def offer_item(call: Call, reply: Reply, listing: Listing, item: Json) -> list[Action]:
    """What the agent can do with one item of a list."""
    _, phase, _ = where(listing.state, item)
    return _once(action for action, _ in _follow(call, listing.links, reply, Outcome.OBSERVED, phase, item))


def _once(actions: Iterable[Action]) -> list[Action]:
    found: list[Action] = []
    for action in actions:
        if not any(_same(action, each) for each in found):
            found.append(action)
    return found


def _same(left: Action, right: Action) -> bool:
    """Whether two actions are one call: the same address, and no argument that only pullcord heeds tells them apart."""
    if "href" not in left or "href" not in right:
        return (left["rel"], left.get("operation_id")) == (right["rel"], right.get("operation_id"))
    if (left.get("method"), left["href"]) != (right.get("method"), right["href"]):
        return False
    return "arguments" not in left or "arguments" not in right or left["arguments"] == right["arguments"]


def _own(call: Call, reply: Reply | None, verdict: Verdict) -> Iterator[Action]:
    """What pullcord itself knows to do about an outcome."""
    platform = call.operation.platform
    match verdict.outcome:
        case Outcome.DENIED:
            remedy = call.scope.settings_of(call.operation).remedy
            needs = " or ".join(key.description for key in platform.keys)
            yield {"rel": "authorize", "hint": f"{remedy} {platform.title} needs: {needs}" if needs else remedy}
        case Outcome.INVALID_ARGUMENTS:
            yield {
                "rel": "retry",
                "operation_id": call.operation.id,
                "hint": "Correct the arguments, then call again.",
            }
        case Outcome.RATE_LIMITED | Outcome.UNAVAILABLE:
            seconds = reply.retry_after if reply else None
            wait = f"Make the same call after {seconds} seconds." if seconds else "Make the same call again later."
            action = _action(call, "retry-later", call.operation, call.arguments, wait)
            yield action if seconds is None else {**action, "retry_after_seconds": seconds}
        case Outcome.UNKNOWN if call.operation.repeatable:
            yield _action(
                call,
                "retry",
                call.operation,
                call.arguments,
                "Make the same call again: it is safe to repeat.",
            )


def _follow(
    call: Call,
    links: Sequence[Link],
    reply: Reply | None,
    outcome: Outcome,
    phase: Phase | None,
    item: Json = None,
) -> Iterator[tuple[Action, str | None]]:
    """The manifest's links that apply, and whose arguments can all be read; each with its note."""
    for link in links:
        if link.outcomes is not None and outcome not in link.outcomes:
            continue
        if link.phases is not None and phase not in link.phases:
            continue
        body = reply.body if reply else None
        if not fits(link.body, body if item is None else item):
            continue
        each = look_up(body, link.each) if link.each is not None else [item]
        for one in each[: sanitize.ITEMS_LIMIT] if isinstance(each, list) else ():
            arguments = {name: read(call, reply, expression, one) for name, expression in link.arguments}
            # Null fits nowhere: without an argument it would be another call, a cancel of whatever runs.
            if not call.scope.checks[link.operation_id](arguments):
                yield _action(call, link.rel, call.scope.catalogue[link.operation_id], arguments, link.hint), link.note


def read(call: Call, reply: Reply | None, expression: Expression, item: Json = None) -> Json:
    """The value of an expression; None where there is none."""
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
    base = call.base_url
    return {
        "rel": rel,
        "operation_id": operation.id,
        "method": operation.method,
        **({} if "{" in base else {"href": request.url(operation, arguments, base)}),
        "hint": hint,
        **({"tool": operation.id, "arguments": dict(arguments)} if operation.id in call.scope.tools else {}),
    }


def _sent(call: Call, reply: Reply) -> Iterator[Action]:
    """The platform's own actions, sanitised."""
    at: Pointer | None = call.operation.platform.actions
    given = look_up(reply.body, at) if at is not None else None
    for raw in given[:PLATFORM_LIMIT] if isinstance(given, list) else ():
        action = _sanitised(call, raw) if isinstance(raw, dict) else None
        if action:
            yield action


def _sanitised(call: Call, raw: dict[str, Json]) -> Action | None:
    rel, href, name = raw.get("rel"), raw.get("href"), _word(raw.get("operation_id"), _OPERATION_ID)
    if not isinstance(rel, str) or not _REL.fullmatch(rel):
        return None
    said = raw.get("hint")
    hint = sanitize.text(said, 200) if isinstance(said, str) else ""
    hint = hint or f"{call.operation.platform.title} offers this."
    address = request.absolute(href, call.base_url) if isinstance(href, str) and len(href) <= HREF_LIMIT else None
    if href is not None and address is None:
        return None
    method = _word(raw.get("method"), re.compile("|".join(_METHODS)))
    target = call.scope.catalogue.get(name or "")
    if target and target.platform is call.operation.platform and address:
        arguments = request.match(target, method or target.method, address, call.base_url)
        if arguments is not None and not call.scope.checks[target.id](arguments):
            return _action(call, rel, target, arguments, hint)
    schema_ref = _word(raw.get("schema_ref"), _SCHEMA_REF)
    known = {"operation_id": name, "method": method, "href": address, "hint": hint, "schema_ref": schema_ref}
    return {"rel": rel} | {field: value for field, value in known.items() if value}


def _word(value: Json, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
