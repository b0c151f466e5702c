"""The environment variables that platforms read, what they may be called, and where the value of each goes. Pure.

A manifest names the variables that its platform reads, and the address that their values are sent to. The name of each
variable begins with the platform's own: so a stranger's manifest can't have another platform's key sent to itself.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pullcord.model.operation import Operation, Platform

USER_PREFIX = "PULLCORD_PLATFORM_"
"""What the variables of a user's own manifests begin with; none of pullcord's own does."""


class Variable(NamedTuple):
    """An environment variable that a platform reads."""

    name: str
    goes: str
    """Where its value goes, such as "the header Authorization"."""
    description: str


def variables(platform: Platform, operations: Iterable[Operation]) -> list[Variable]:
    """All variables of a platform, each once.

    Args:
        platform: the one that reads them.
        operations: of any platforms; those of others are passed over.
    """
    operations = [operation for operation in operations if operation.platform.name == platform.name]
    return list({variable.name: variable for variable in _all(platform, operations)}.values())


def ambiguous(platform: Platform, operations: Iterable[Operation]) -> dict[str, list[str]]:
    """The variables whose value would go to several places of the request, such as a key into the URL, each with these.

    Args:
        platform: the one that reads them.
        operations: of the platform.
    """
    uses: dict[str, list[str]] = {}
    for name, goes, _ in _all(platform, operations):
        uses.setdefault(name, []).append(goes)
    places = {each.listing.places.env for each in operations if each.listing and each.listing.places}
    unique = {name: list(dict.fromkeys(goes)) for name, goes in uses.items() if name not in places}
    return {name: goes for name, goes in unique.items() if len(goes) > 1}


def _all(platform: Platform, operations: Iterable[Operation]) -> Iterator[Variable]:
    for key in platform.keys:
        yield Variable(key.env, f"the header {key.header}", key.description)
    for name, env in platform.variables.items():
        yield Variable(env, f"{{{name}}} of the URL", f"The {name} in `{platform.url}`.")
    yield Variable(platform.url_env, "the whole URL", f"Replaces `{platform.url}`.")
    for operation in operations:
        for parameter in operation.parameters:
            if parameter.env:
                yield Variable(parameter.env, f"the header {parameter.wire}", parameter.description)
        if operation.listing and operation.listing.places:
            env, fills = operation.listing.places
            place_form = "/".join(f"{{{name}}}" for name in fills)
            yield Variable(env, f"{place_form} of {operation.id}", f"Where {operation.title} looks, with commas.")


def prefix(platform: str, *, of_user: bool) -> str:
    """What the names of a platform's variables begin with.

    Args:
        platform: its name.
        of_user: whether its manifest is a user's own.
    """
    return f"{USER_PREFIX if of_user else ''}{platform.upper().replace('-', '_')}_"


def name_fault(name: str, required: str) -> str | None:
    """Why a manifest may not name a variable so, and what to write instead; None if it may.

    Args:
        name: the variable's.
        required: what `prefix` says.
    """
    if not name.startswith(required) or name == required:
        return f"{name} may be somebody else's; write {required}..., since a platform reads only variables of its own"
    if name.endswith("_FILE"):
        return f"{name} names a file that holds the value of {name.removesuffix('_FILE')}; write another name"
    return None
