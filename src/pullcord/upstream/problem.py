"""What a reply says went wrong, as the members of a problem (RFC 9457), the same for every platform. Pure."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pullcord.model import sanitize
from pullcord.model.expression import Expression, Source
from pullcord.model.operation import PROBLEM_MEMBERS, Platform
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream.shape import PROBLEM, media_type


def members(platform: Platform, reply: Reply) -> dict[str, Json]:
    """The members of RFC 9457 that a reply has, cleaned; absent ones are left out.

    Args:
        platform: tells where its errors hold each member.
        reply: an answer that is no success, or can't be read.
    """
    problem: dict[str, Json] = {}
    for name in PROBLEM_MEMBERS:
        value = _member(platform, reply, name)
        if name == "detail" and isinstance(value, list):
            value = "; ".join(_faults(value)) or None
        if isinstance(value, str) and value.strip():
            problem[name] = sanitize.text(value)
    problem["status"] = reply.status
    if reply.retry_after is not None:
        problem["retry_after_seconds"] = reply.retry_after
    if reply.unreadable:
        problem["detail"] = f"The answer can't be read: {reply.unreadable}."
    return problem


def _member(platform: Platform, reply: Reply, name: str) -> Json:
    """A member of the problem, from the first of its places that holds a value; None where none does.

    A member that the manifest doesn't name is read only in application/problem+json (RFC 9457, 3).
    """
    places = platform.problem.get(name)
    if places is None:
        places = (Expression(Source.BODY, f"/{name}"),) if media_type(reply.headers) == PROBLEM else ()
    values = (_read(reply, place) for place in places)
    return next((value for value in values if value is not None), None)


def _read(reply: Reply, expression: Expression) -> Json:
    if expression.source is Source.HEADER:
        return reply.headers.get(str(expression.value))
    return look_up(reply.body, str(expression.value))


def _faults(faults: list[Json]) -> Iterator[str]:
    """FastAPI's faults as texts "where: what" (https://fastapi.tiangolo.com/tutorial/handling-errors/)."""
    for fault in faults[: sanitize.ITEMS_LIMIT]:
        if isinstance(fault, dict) and isinstance(fault.get("msg"), str):
            place = fault.get("loc")
            label = (
                ".".join(str(part) for part in place if isinstance(part, str | int)) if isinstance(place, list) else ""
            )
            yield f"{label}: {fault['msg']}" if label else str(fault["msg"])


def retry_after(platform: Platform, reply: Reply) -> int | None:
    """The seconds that a platform asks to wait, rounded up; None: it asks for none.

    Args:
        platform: tells where its errors hold retry_after_seconds.
        reply: any answer; beside its body the header Retry-After is read, in either form (RFC 9110, 10.2.3).
    """
    value = _member(platform, reply, "retry_after_seconds")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < sanitize.INTEGER_LIMIT:
        return math.ceil(value)
    header = reply.headers.get("retry-after", "").strip()
    if not header:
        return None
    if header.isascii() and header.isdecimal():
        return int(header[:18])
    try:
        until = parsedate_to_datetime(header)
        now = parsedate_to_datetime(reply.headers["date"]) if "date" in reply.headers else datetime.now(UTC)
        return max(0, round((until - now).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None
