"""The operations of a manifest's file, each with its place, and what the bodies of its answers are like. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pullcord.manifest import shapes
from pullcord.manifest.node import Node
from pullcord.manifest.shapes import Shape
from pullcord.model.operation import Operation, Response
from pullcord.model.value import Json


class Answer(NamedTuple):
    """A response of an operation, and what its body is like."""

    status: str
    response: Response
    node: Node
    shape: Shape

    @property
    def is_success(self) -> bool:
        """Whether its status says success."""
        return self.status.startswith("2")


class Entry(NamedTuple):
    """An operation of the file, its place, its responses, and all operations of the file."""

    operation: Operation
    node: Node
    answers: Sequence[Answer]
    file: "Mapping[str, Entry]"

    @property
    def root(self) -> Json:
        """The document, which references lead into."""
        return self.node.document.value

    @property
    def success(self) -> Shape:
        """What the body of a success is like."""
        successes = [answer.shape for answer in self.answers if answer.is_success]
        return shapes.union(*successes) if successes else None

    @property
    def item(self) -> Shape:
        """What an item of its list is like."""
        listing = self.operation.listing
        container = shapes.at(self.root, self.success, listing.items) if listing else None
        return shapes.items(self.root, container) if container else None

    @property
    def before(self) -> Shape:
        """What the body of the look before it is sent is like."""
        cancel = self.operation.cancel
        link = self.operation.link(cancel.before.look) if cancel and cancel.before else None
        return self.file[link.operation_id].success if link else []


def entries(operations: Iterable[tuple[Operation, Node]]) -> dict[str, Entry]:
    """The operations of a file, by their ids.

    Args:
        operations: each with its place.
    """
    file: dict[str, Entry] = {}
    for operation, node in operations:
        responses = node.members("operation")["responses"].named()
        answers = [
            Answer(status, operation.responses[status], each.resolved(), _shape(each.resolved()))
            for status, each in responses.items()
        ]
        file[operation.id] = Entry(operation, node, answers, file)
    return file


def _shape(response: Node) -> Shape:
    """What the body of an answer is like."""
    members = response.members("response")
    if "content" not in members:
        return None
    media = [each.value for each in members["content"].named().values()]
    return shapes.union(*([each["schema"]] if isinstance(each, dict) and "schema" in each else None for each in media))
