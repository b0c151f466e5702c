"""One manifest for several servers of one kind: each is a platform of its own, with its own tools and variables."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from pullcord.manifest.naming import renamed
from pullcord.model.operation import Operation, Platform

NAME = re.compile(r"[a-z][a-z0-9_-]{0,19}")
"""The name of an instance; the names of its tools begin with it."""
TOOL_LIMIT = 64


def instance(operations: Sequence[Operation], name: str) -> list[Operation]:
    """The operations of a platform as those of another server of its kind.

    Their operationIds stay. `depot` and `east` give tools `east_...` and variables `DEPOT_EAST_...`.

    Args:
        operations: all of the platform.
        name: of the instance, as NAME says.
    """
    kind = operations[0].platform
    variable = _variable(kind, name)
    platform = kind._replace(
        name=name,
        title=f"{kind.title} ({name})",
        url_env=variable(kind.url_env),
        variables={part: variable(env) for part, env in kind.variables.items()},
        keys=tuple(key._replace(env=variable(key.env)) for key in kind.keys),
        listed_always=False,
    )
    return renamed([_of(platform, each, variable) for each in operations])


def _variable(kind: Platform, name: str) -> Callable[[str], str]:
    """A function that returns the instance's variable for a variable of its kind."""
    prefix = re.compile(rf"(?:PULLCORD_PLATFORM_)?{_capitals(kind.name)}_")
    return lambda env: prefix.sub(lambda match: f"{match[0]}{_capitals(name)}_", env, count=1)


def _capitals(name: str) -> str:
    return name.upper().replace("-", "_")


def _of(platform: Platform, operation: Operation, variable: Callable[[str], str]) -> Operation:
    listing = operation.listing
    if listing and listing.places:
        listing = listing._replace(places=listing.places._replace(env=variable(listing.places.env)))
    return replace(
        operation,
        platform=platform,
        tool=operation.tool and f"{platform.name}_{operation.tool}",
        title=f"{operation.title} ({platform.name})",
        description=f"{platform.name}: {operation.description}",
        parameters=tuple(each._replace(env=each.env and variable(each.env)) for each in operation.parameters),
        listing=listing,
    )


def instance_faults(operations: Sequence[Operation], name: str) -> list[str]:
    """Why a platform can't have an instance of this name, and what to write instead; empty if it can.

    Args:
        operations: all of the platform.
        name: of the instance.
    """
    if not NAME.fullmatch(name):
        return [f"{name!r} is no name; write a short one of a-z 0-9 _ -, which begins with a letter"]
    longest = max((each.tool or "" for each in operations), key=len)
    if len(f"{name}_{longest}") > TOOL_LIMIT:
        return [f"the tool {name}_{longest} would be longer than {TOOL_LIMIT} characters; write a shorter name"]
    return []
