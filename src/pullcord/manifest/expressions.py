"""Reads OpenAPI's runtime expressions (3.1.1, 4.8.20.4), which name a value of a call or its reply."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pullcord.manifest.node import POINTER, Node, suggestion
from pullcord.model.cancel import Cancel
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.operation import Parameter
from pullcord.model.pointer import Pointer

_EXPRESSION = re.compile(
    r"\$(?:request\.(?P<place>path|query|header|argument)\.(?P<argument>[^#]+)"
    r"|response\.header\.(?P<header>[^#]+)|response\.body#(?P<body>.*)|item#(?P<item>.*)|target\.(?P<target>.+))"
)


class Lead(NamedTuple):
    """A call that a manifest leads to, and the place that leads there."""

    node: Node
    operation_id: str
    arguments: tuple[tuple[str, Expression], ...]
    link: Link | None = None
    """The link that leads there; None: a cancel's target does."""


class Scope(NamedTuple):
    """The operation that keywords stand in: what its expressions may name, and where they lead."""

    name: str
    leads: list[Lead]
    """Those found so far; reading adds to them."""
    parameters: Sequence[Parameter] = ()
    reads: bool = True
    """Whether the operation changes nothing."""
    cancel: Cancel | None = None
    """Its x-cancel."""


def expression(node: Node, scope: Scope, *, of_items: bool = False) -> Expression:
    """Read a runtime expression or a constant.

    Args:
        node: the expression's place.
        scope: the operation that it may name the parameters of.
        of_items: whether it may name an item of an array.
    """
    if not isinstance(node.value, str) or not node.value.startswith("$"):
        return Expression(Source.CONSTANT, node.value)
    match = _EXPRESSION.fullmatch(node.value)
    if match is None or (match["item"] is not None and not of_items):
        node.fault(
            f"{node.value!r} is no expression that pullcord reads; write $request.path.NAME, $request.query.NAME,"
            " $request.argument.NAME, $response.body#/POINTER or $response.header.NAME"
            + (", or $item#/POINTER" if of_items else "")
        )
        return Expression(Source.CONSTANT, None)
    if match["argument"] is not None:
        return Expression(Source.ARGUMENT, _argument(node, scope, match["place"], match["argument"]))
    if match["header"] is not None:
        return Expression(Source.HEADER, match["header"].lower())
    if match["target"] is not None:
        target = scope.cancel.target if scope.cancel else None
        if target is None or match["target"] != target.name:
            remedy = f"write $target.{target.name}" if target else "describe the look-up as target in x-cancel"
            node.fault(f"{scope.name} looks up no target {match['target']} before it is sent; {remedy}")
        return Expression(Source.TARGET, match["target"])
    source, pointer = (Source.BODY, match["body"]) if match["body"] is not None else (Source.ITEM, match["item"])
    if not POINTER.fullmatch(pointer):
        node.fault(f"{pointer!r} is no JSON Pointer; write #/name")
    return Expression(source, pointer)


def _argument(node: Node, scope: Scope, place: str, name: str) -> str | None:
    """The argument that fills a parameter, which is named by its place and name there, or by the argument's own."""
    arguments = [each for each in scope.parameters if each.is_argument]
    names = (
        {each.name: each.name for each in arguments}
        if place == "argument"
        else {each.wire: each.name for each in arguments if each.place == place}
    )
    if name not in names:
        kind = "argument" if place == "argument" else f"{place} parameter"
        remedy = suggestion(name, list(names)) if names else "read it from the body"
        node.fault(f"{scope.name} has no {kind} {name}; {remedy}")
    return names.get(name)


def arguments(node: Node, scope: Scope, *, of_items: bool = False) -> tuple[tuple[str, Expression], ...]:
    """Read the arguments of a call, each with the expression that gives its value.

    Args:
        node: an object of expressions.
        scope: the operation that leads to the call.
        of_items: whether the call belongs to an item of an array.
    """
    return tuple((name, expression(value, scope, of_items=of_items)) for name, value in node.named().items())


def expressions(node: Node, scope: Scope) -> tuple[Expression, ...]:
    """Read one expression, or a list of expressions that are tried in turn.

    Args:
        node: their place.
        scope: the operation that they may name the parameters of.
    """
    items = node.items() if isinstance(node.value, list) else [node]
    if not items:
        node.fault("no place is named; write an expression, or leave this out")
    for item in items:
        if not str(item.value).startswith("$"):
            item.fault("this is no place; write where it stands, such as $response.body#/message")
    return tuple(expression(item, scope) for item in items)


def in_body(node: Node, name: str) -> Pointer:
    """Read an expression that names a part of the reply's body.

    Args:
        node: the expression's place.
        name: an example of a pointer's last part, for the fault.

    Returns:
        The pointer; "" where the expression names something else.
    """
    place = expression(node, Scope(node.pointer, []))
    if place.source is Source.BODY:
        return str(place.value)
    node.fault(f"write where they stand in a body, such as $response.body#/{name}")
    return ""
