"""The next steps that a platform itself offers: only their known fields, and only within its own origin. Pure."""

import re
from collections.abc import Iterator, Sequence

from pullcord.flow import wording
from pullcord.model import sanitize
from pullcord.model.action import Action
from pullcord.model.operation import Platform
from pullcord.model.pointer import look_up
from pullcord.model.relation import REL
from pullcord.model.reply import Reply
from pullcord.model.value import Json
from pullcord.upstream import request

ACTIONS_LIMIT = 20
"""Actions of one reply, at most."""
HREF_LIMIT = 2000
"""Characters of an address at most; a longer one is dropped, since a part of it would be another address."""

_OPERATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCHEMA_REF = re.compile(r"#/[A-Za-z0-9_./~-]{1,200}")
_METHOD = re.compile("GET|PUT|POST|PATCH|DELETE")


def platform_actions(platform: Platform, base_url: str, reply: Reply) -> Iterator[Action]:
    """The actions in a reply.

    Args:
        platform: tells where they stand.
        base_url: of the platform; actions that lead elsewhere are left out.
        reply: of the platform.
    """
    for member in _members(platform, reply):
        if action := _sanitized(platform, base_url, member):
            yield action


def count_dropped(platform: Platform, base_url: str, reply: Reply) -> int:
    """The number of actions in a reply that are left out, for having no relation or leading elsewhere.

    Args:
        platform: tells where they stand.
        base_url: of the platform.
        reply: of the platform.
    """
    return sum(_sanitized(platform, base_url, member) is None for member in _members(platform, reply))


def _members(platform: Platform, reply: Reply) -> Sequence[Json]:
    members = look_up(reply.body, platform.actions) if platform.actions is not None else None
    return members[:ACTIONS_LIMIT] if isinstance(members, list) else []


def _sanitized(platform: Platform, base_url: str, member: Json) -> Action | None:
    if not isinstance(member, dict):
        return None
    rel, href, hint = member.get("rel"), member.get("href"), member.get("hint")
    if not isinstance(rel, str) or not REL.fullmatch(rel):
        return None
    address = request.absolute(href, base_url) if isinstance(href, str) and len(href) <= HREF_LIMIT else None
    if href is not None and address is None:
        return None
    sentence = sanitize.text(hint, 200) if isinstance(hint, str) else ""
    return Action(
        rel=rel,
        operation_id=_word(member.get("operation_id"), _OPERATION_ID),
        method=_word(member.get("method"), _METHOD),
        href=address,
        hint=sentence or wording.HINT_OF_PLATFORM.format(platform=platform.title),
        schema_ref=_word(member.get("schema_ref"), _SCHEMA_REF),
    )


def _word(value: Json, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
