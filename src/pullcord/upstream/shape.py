"""Decides whether an answer is the platform's own word: it must have the shape that the manifest describes. Pure."""

from collections.abc import Mapping

from pullcord.model.condition import Context
from pullcord.model.expression import Source
from pullcord.model.operation import Operation, Platform
from pullcord.model.outcome import Phase
from pullcord.model.pointer import Pointer, look_up, tokens
from pullcord.model.reply import Reply
from pullcord.model.rule import first
from pullcord.model.value import Arguments, Json

TEXT = "text/plain"
_JSON = "application/json"
PROBLEM = "application/problem+json"
_MEMBERS = ("/type", "/title", "/detail", "/instance")
"""The members of RFC 9457 that no other document is likely to have."""


def media_type(headers: Mapping[str, str]) -> str:
    """The media type of a body, in small letters and without its parameters; empty: no header names it.

    Args:
        headers: by lower-case name.
    """
    return _bare(headers.get("content-type", ""))


def is_in_shape(operation: Operation, reply: Reply) -> bool:
    """Whether an answer has the shape that the manifest describes.

    A success has a declared status and media type, or no body where none is declared. An error is JSON that has one of
    the members which x-problem names, and all members of x-problem's `all`; or it is a text where that is declared for
    its status, or empty where nothing is declared, or where it says to be of a declared media type other than JSON,
    which is never empty. The members of RFC 9457 count only in application/problem+json, which is never a success.

    Args:
        operation: the one that was called.
        reply: to the call.
    """
    if reply.status is None or reply.unreadable is not None:
        return False
    is_declared = str(reply.status) in operation.responses or f"{reply.status // 100}XX" in operation.responses
    media_types = [_bare(media) for media in operation.response(reply.status).media]
    media = media_type(reply.headers)
    if reply.body is None:
        is_empty_text = not reply.succeeded and media in media_types and _kind(media) != _JSON
        return is_declared and (not media_types or is_empty_text)
    if reply.succeeded:
        return is_declared and media != PROBLEM and _kind(media) in map(_kind, media_types)
    if media == TEXT:
        return TEXT in media_types
    return _kind(media) == _JSON and _is_problem(operation.platform, media, reply.body)


def mistaken(operation: Operation, arguments: Arguments, reply: Reply) -> str | None:
    """Why a success is not about the work that the call named, in our words; None: it is, or need not name it.

    An answer that says that there is no such work need not name it.

    Args:
        operation: the one that was called.
        arguments: of the call.
        reply: a success.
    """
    if reply.body is None:
        return None
    mistake = _mistake(operation, arguments, reply.body)
    if mistake is None or operation.state is None:
        return mistake
    rule, _ = first(operation.state.phases, reply.body, Context(arguments, reply.headers))
    return None if rule and rule.word is Phase.ABSENT else mistake


def _mistake(operation: Operation, arguments: Arguments, body: Json) -> str | None:
    """Why a body doesn't name the work of a call; None: it does, or nothing was asked for that it could name."""
    for pointer, name in operation.answers:
        if name not in arguments:
            continue
        answer_id = _id(look_up(body, pointer))
        if answer_id is None:
            return "it doesn't name the work that was asked for"
        if answer_id != _id(arguments[name]):
            return "it is about other work than was asked for"
    return None


def _id(value: Json) -> str | None:
    """A text or a number as an id in small letters; None for anything else."""
    match value:
        case bool():
            return None
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value).lower()
    return None


def _is_problem(platform: Platform, media: str, body: Json) -> bool:
    members = [
        str(place.value) for places in platform.problem.values() for place in places if place.source is Source.BODY
    ]
    places = [*members, *(_MEMBERS if media == PROBLEM else ())]
    return any(look_up(body, place) is not None for place in places) and all(
        _has(body, pointer) for pointer in platform.problem_all
    )


def _has(body: Json, pointer: Pointer) -> bool:
    """Whether a body has the member that a pointer names, null included."""
    parent, _, _ = pointer.rpartition("/")
    holder = look_up(body, parent)
    return look_up(body, pointer) is not None or (isinstance(holder, dict) and tokens(pointer)[-1] in holder)


def _bare(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _kind(media: str) -> str:
    """The media type that decides how a body is read: every type that ends in +json is JSON (RFC 6839)."""
    return _JSON if media.endswith("+json") else media
