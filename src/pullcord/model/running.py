"""find_running, pullcord's own operation, and the lists that it reads first on each platform. Pure."""

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
    "What is running right now, everywhere? Find all running work, and what can be stopped: list active agents, jobs,"
    " runs, tasks and sessions in progress, queued, paused or waiting, on all platforms, oldest first, each with the"
    " call that stops it. Which agents are still working? Begin here to stop, kill, cancel or abort everything, all"
    " agents, or a job whose id is not known. What could not be seen within 5 s is told. Reads only."
)


class Start(NamedTuple):
    """A list that find_running reads first."""

    operation: Operation
    listing: Listing
    arguments: Arguments
    """All required arguments, except those that the places to look in give."""


def starts(catalogue: Catalogue) -> dict[str, list[Start]]:
    """The lists that find_running reads first, by the platform's name.

    They are those whose manifest has `running`. Where a platform has none of these: each list without required
    arguments whose items have a state.
    """
    lists: dict[str, list[Start]] = {}
    for operation in catalogue.values():
        lists.setdefault(operation.platform.name, []).extend(_starts(operation))
    return {
        name: [each for each in starts_of if each.listing.running] or starts_of for name, starts_of in lists.items()
    }


def _starts(operation: Operation) -> Iterator[Start]:
    listing = operation.listing
    if listing is None or not (listing.running or listing.state):
        return
    place_names = listing.places.fills if listing.places else ()
    required = {each.name for each in operation.arguments if each.required and each.name not in place_names}
    for arguments in listing.running or ({},):
        if required <= arguments.keys():
            yield Start(operation, listing, arguments)


def callables(catalogue: Catalogue) -> Catalogue:
    """The operations that may be called: those of the catalogue, and find_running where a list shows what runs."""
    names = [name for name, lists in starts(catalogue).items() if lists]
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
