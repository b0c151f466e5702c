"""An overlay on a vendor's own document (OpenAPI Overlay 1.1, https://spec.openapis.org/overlay/v1.1.0.html).

A stated subset is read: update and remove. A target that names nothing is a fault: so it shows that a vendor has moved
something.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jsonpath_rfc9535 import JSONPathError, JSONPathNodeList, find

from pullcord.manifest.document import Document
from pullcord.manifest.faults import Fault, lines
from pullcord.manifest.node import Node
from pullcord.model.errors import ManifestError
from pullcord.model.value import Json

SUBSET: Mapping[str, str] = {
    "overlay": "overlay! info! actions! extends",
    "info": "title! version! description",
    "action": "target! description update remove",
}
"""What may stand where; ! marks what must."""


def apply(vendor: Json, overlay: Document) -> Json:
    """A vendor's document with an overlay's actions applied, in their order. What was given stays as it is.

    Args:
        vendor: the document.
        overlay: the overlay.

    Raises:
        ManifestError: the overlay can't be read, or a target of it names nothing; with every fault.
    """
    faults: list[Fault] = []
    members = Node(overlay, SUBSET, faults, overlay.value).members("overlay")
    members["info"].members("info")
    document = copy.deepcopy(vendor)
    for action in members["actions"].items():
        document = _act(document, action.members("action"), action)
    if faults:
        raise ManifestError(lines(overlay.name, faults))
    return document


def _act(document: Any, members: Mapping[str, Node], action: Node) -> Any:  # noqa: ANN401 - any JSON
    """A document after one action."""
    removes = "remove" in members and members["remove"].flag()
    if removes is ("update" in members):
        action.fault("write either update, or remove: true")
        return document
    nodes = _selected(document, members["target"])
    # From the last to the first: what goes out of a list moves nothing that is still to go.
    for location in reversed(nodes):
        if removes and not location:
            members["target"].fault("this is the whole document, which can't be removed; name a part of it")
        elif removes:
            del _at(document, location[:-1])[location[-1]]
        else:
            document = _updated(document, location, members["update"].value)
    return document


def _selected(document: Json, target: Node) -> Sequence[tuple[int | str, ...]]:
    """Where the nodes stand that a target names."""
    query = target.text()
    try:
        nodes = find(query, document) if query else JSONPathNodeList()
    except JSONPathError as error:
        target.fault(f"this is no JSONPath (RFC 9535): {str(error).splitlines()[0]}")
        return []
    if query and not nodes:
        target.fault("this names nothing in the vendor's document, which may have moved it; look there, and mend this")
    return [node.location for node in nodes]


def _at(document: Any, location: Iterable[int | str]) -> Any:  # noqa: ANN401 - any JSON
    for part in location:
        document = document[part]
    return document


def _updated(document: Any, location: Sequence[int | str], update: Json) -> Any:  # noqa: ANN401 - any JSON
    """A document in which an update is merged into one node."""
    merged = _merged(_at(document, location), update)
    if not location:
        return merged
    _at(document, location[:-1])[location[-1]] = merged
    return document


def _merged(old: Json, update: Json) -> Json:
    """Objects are merged, lists go on with what is new, and anything else is replaced."""
    match old, update:
        case dict(), dict():
            return {**old, **{name: _merged(old[name], each) if name in old else each for name, each in update.items()}}
        case list(), list():
            return [*old, *update]
        case list(), _:
            return [*old, update]
    return update
