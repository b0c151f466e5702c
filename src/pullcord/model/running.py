"""find_running, the operation that is pullcord's own, and the lists of the platforms that it begins with. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pullcord.model.listing import Listing
from pullcord.model.operation import Catalogue, Operation, Parameter, Place, Platform
from pullcord.model.value import Arguments, Json

FIND_RUNNING = "find_running"

PLATFORM = "platform"
CONTAINS = "contains"
AFTER = "after"

_PULLCORD = Platform("pullcord", "pullcord", url="", url_env="", variables={}, keys=())
_DESCRIPTION = (
    "What is running now? What can be stopped? One look at every platform that is reached here: the tasks, jobs, runs,"
    " sessions and turns that are active, queued, paused or waiting, oldest first, each with its name, state, start and"
    " the call that stops it. To find what to cancel when no id is known, and to check whether anything still runs."
    " Takes up to 5 s; what could not be seen is told. Reads only. What has ended stands in the platforms' own lists."
)


class Start(NamedTuple):
    """A request to begin with."""

    operation: Operation
    listing: Listing
    arguments: Arguments
    """All that must be given, but for what places to look in fill."""


def starts(catalogue: Catalogue) -> dict[str, list[Start]]:
    """What each platform is asked for first to learn what runs there, by the platform's name.

    Its manifest says it (`running`). Where none of its lists does: each that can be asked for as it is and whose items
    have a state.
    """
    found: dict[str, list[Start]] = {}
    for operation in catalogue.values():
        found.setdefault(operation.platform.name, []).extend(_starts(operation))
    return {name: [each for each in own if each.listing.running] or own for name, own in found.items()}


def _starts(operation: Operation) -> Iterator[Start]:
    listing = operation.listing
    if listing is None or not (listing.running or listing.state):
        return
    filled = listing.places.fills if listing.places else ()
    needed = {each.name for each in operation.arguments if each.required and each.name not in filled}
    for given in listing.running or ({},):
        if needed <= given.keys():
            yield Start(operation, listing, given)


def callables(catalogue: Catalogue) -> Catalogue:
    """All that may be called: the catalogue's operations, and find_running where a list of theirs shows what runs."""
    names = [name for name, own in starts(catalogue).items() if own]
    return {FIND_RUNNING: _find_running(names), **catalogue} if names else catalogue


def _find_running(platforms: Sequence[str]) -> Operation:
    return Operation(
        id=FIND_RUNNING,
        operation_id=FIND_RUNNING,
        tool=FIND_RUNNING,
        platform=_PULLCORD,
        title="pullcord - find what is running",
        description=_DESCRIPTION,
        method="GET",
        path="",
        parameters=(
            _parameter(PLATFORM, "Only on this platform.", enum=[*platforms]),
            _parameter(CONTAINS, "Only what has this in its name or ids, in small or capital letters."),
            _parameter(AFTER, "Go on behind this, as the action next gives it."),
        ),
        responses={},
    )


def _parameter(name: str, description: str, **schema: Json) -> Parameter:
    return Parameter(name, Place.LOCAL, False, description, {"type": "string", **schema}, name)  # noqa: FBT003
