"""What a call or its reply holds, named by OpenAPI's runtime expressions (3.1.1, 4.8.20.4), and calls made of that."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pullcord.manifest.node import POINTER, Node, nearest
from pullcord.model.expression import Expression, Source
from pullcord.model.operation import Parameter
from pullcord.model.pointer import Pointer

_EXPRESSION = re.compile(
    r"\$(?:request\.(?P<place>path|query|header)\.(?P<argument>[^#]+)"
    r"|response\.header\.(?P<header>[^#]+)|response\.body#(?P<body>.*)|item#(?P<item>.*)|target\.(?P<target>.+))"
)


class Lead(NamedTuple):
    """A call that a manifest leads to, and where it says so."""

    node: Node
    operation_id: str
    arguments: tuple[tuple[str, Expression], ...]


class Here(NamedTuple):
    """The operation that keywords stand in: what its expressions may name, and where they lead."""

    name: str
    leads: list[Lead]
    """Filled as they are read."""
    parameters: Sequence[Parameter] = ()
    target: str | None = None
    """What its cancel looks up."""


def expression(node: Node, here: Here, *, of_items: bool = False) -> Expression:
    """A runtime expression or a constant.

    Args:
        node: where it stands.
        here: the operation that it may name the parameters of.
        of_items: whether it may name an item of an array.
    """
    if not isinstance(node.value, str) or not node.value.startswith("$"):
        return Expression(Source.CONSTANT, node.value)
    match = _EXPRESSION.fullmatch(node.value)
    if match is None or (match["item"] is not None and not of_items):
        node.fault(
            f"{node.value!r} is no expression that pullcord reads; write $request.path.NAME, $request.query.NAME,"
            " $response.body#/POINTER or $response.header.NAME" + (", or $item#/POINTER" if of_items else "")
        )
        return Expression(Source.CONSTANT, None)
    if match["argument"] is not None:
        known = {each.wire: each.name for each in here.parameters if each.place == match["place"] and not each.env}
        if match["argument"] not in known:
            node.fault(
                f"{here.name} has no {match['place']} parameter {match['argument']}; "
                + (nearest(match["argument"], list(known)) if known else "read it from the body")
            )
        return Expression(Source.ARGUMENT, known.get(match["argument"]))
    if match["header"] is not None:
        return Expression(Source.HEADER, match["header"].lower())
    if match["target"] is not None:
        if match["target"] != here.target:
            what = f"write $target.{here.target}" if here.target else "describe the look-up as target in x-cancel"
            node.fault(f"{here.name} looks up no target {match['target']} before it is sent; {what}")
        return Expression(Source.TARGET, match["target"])
    source, pointer = (Source.BODY, match["body"]) if match["body"] is not None else (Source.ITEM, match["item"])
    if not POINTER.fullmatch(pointer):
        node.fault(f"{pointer!r} is no JSON Pointer; write #/name")
    return Expression(source, pointer)


def arguments(node: Node, here: Here, *, of_items: bool = False) -> tuple[tuple[str, Expression], ...]:
    """The arguments of a call, each with what gives its value.

    Args:
        node: an object of expressions.
        here: the operation that leads to the call.
        of_items: whether the call belongs to an item of an array.
    """
    return tuple((name, expression(value, here, of_items=of_items)) for name, value in node.named().items())


def in_body(node: Node, name: str) -> Pointer:
    """An expression that names a part of the reply's body."""
    found = expression(node, Here(node.pointer, []))
    if found.source is Source.BODY:
        return str(found.value)
    node.fault(f"write where they stand in a body, such as $response.body#/{name}")
    return ""
