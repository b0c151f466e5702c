"""A reply to the members of a problem (RFC 9457), in one shape for every platform. Pure."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pullcord.model import sanitize
from pullcord.model.expression import Expression, Source
from pullcord.model.operation import Platform
from pullcord.model.pointer import look_up
from pullcord.model.reply import Reply
from pullcord.model.value import Json

MEMBERS = ("type", "title", "status", "detail", "code", "instance", "retry_after_seconds", "request_id")


def members(platform: Platform, reply: Reply) -> dict[str, Json]:
    """What a reply says went wrong: RFC 9457's members, cleaned; absent ones are left out."""
    found: dict[str, Json] = {}
    for name in MEMBERS:
        value = _named(platform, reply, name)
        if name == "detail" and isinstance(value, list):
            value = "; ".join(_faults(value)) or None
        if isinstance(value, str) and value.strip():
            found[name] = sanitize.text(value)
    found["status"] = reply.status
    if (seconds := retry_after(platform, reply)) is not None:
        found["retry_after_seconds"] = seconds
    if reply.unreadable:
        found["detail"] = f"The answer can't be read: {reply.unreadable}."
    return found


def _named(platform: Platform, reply: Reply, name: str) -> Json:
    """A member of the problem: the first of its places that holds one; null where none does.

    What the manifest doesn't name counts only in application/problem+json (RFC 9457, 3).
    """
    places: tuple[Expression, ...] = ()
    if reply.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/problem+json":
        places = (Expression(Source.BODY, f"/{name}"),)
    values = (_read(reply, place) for place in platform.problem.get(name, places))
    return next((value for value in values if value is not None), None)


def _read(reply: Reply, expression: Expression) -> Json:
    if expression.source is Source.HEADER:
        return reply.headers.get(str(expression.value))
    return look_up(reply.body, str(expression.value))


def _faults(given: list[Json]) -> Iterator[str]:
    """FastAPI's faults, as one line each: where, and what (https://fastapi.tiangolo.com/tutorial/handling-errors/)."""
    for fault in given[: sanitize.ITEMS_LIMIT]:
        if isinstance(fault, dict) and isinstance(fault.get("msg"), str):
            place = fault.get("loc")
            where = (
                ".".join(str(part) for part in place if isinstance(part, str | int)) if isinstance(place, list) else ""
            )
            yield f"{where}: {fault['msg']}" if where else str(fault["msg"])


def retry_after(platform: Platform, reply: Reply) -> int | None:
    """The seconds that a platform asks to wait, from the body or from Retry-After in either form (RFC 9110, 10.2.3)."""
    value = _named(platform, reply, "retry_after_seconds")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < sanitize.INTEGER_LIMIT:
        return math.ceil(value)
    header = reply.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdecimal():
        return int(header[:18])
    try:
        until = parsedate_to_datetime(header)
        now = parsedate_to_datetime(reply.headers["date"]) if "date" in reply.headers else datetime.now(UTC)
        return max(0, round((until - now).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None
