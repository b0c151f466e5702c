"""Reads a request body as parameters: each constant and scalar of its schema is one, named by its JSON Pointer."""

from collections.abc import Iterator

from pullcord.manifest.node import Node
from pullcord.manifest.parameters import ARGUMENT, Described, argument, described
from pullcord.manifest.schemas import schema
from pullcord.model.operation import TEXT_NAMES, Parameter, Place
from pullcord.model.pattern import may_hold
from pullcord.model.pointer import escape, look_up

MEDIA = "application/json"
_DEPTH_LIMIT = 8
_QUOTES = "\"'`\\"


def body(node: Node) -> Iterator[Described]:
    """Read the parameters that make up a request's content."""
    content = node.members("request body")["content"]
    nodes = content.named()
    for media, each in nodes.items():
        if media != MEDIA:
            each.fault(f"{media or repr(media)} is not sent; write {MEDIA}")
    if not nodes:
        content.fault(f"no media type is described; write {MEDIA}")
    if MEDIA in nodes:
        yield from _object(nodes[MEDIA].members("media type")["schema"], "", required=True)


def _object(node: Node, pointer: str, *, required: bool) -> Iterator[Described]:
    members = node.members("object")
    members["type"].choice(["object"])
    properties = members["properties"].named() if "properties" in members else {}
    if pointer.count("/") >= _DEPTH_LIMIT:
        node.fault(f"objects stand more than {_DEPTH_LIMIT} levels deep, or in each other; write them flatter")
        properties = {}
    required_names = [item.text() for item in members["required"].items()] if "required" in members else []
    for name in required_names:
        if name and name not in properties:
            members["required"].fault(f"{name} is no property here; describe it, or leave it out")
    for name, each in properties.items():
        value = each.resolved().value
        is_required, place = required and name in required_names, f"{pointer}/{escape(name)}"
        if look_up(value, "/properties") is not None:
            yield from _object(each, place, required=is_required)
        elif look_up(value, "/x-template") is not None:
            yield from _template(each, place)
        else:
            yield _property(each, name, place, required=is_required)


def _property(node: Node, name: str, pointer: str, *, required: bool) -> Described:
    members = node.members("property")
    values = schema(node, members)
    return Parameter(
        name=argument(node, members, name or repr(name), values),
        place=Place.BODY,
        required=required,
        description=described(node, members, values),
        schema=values,
        wire=pointer,
    ), node


def _template(node: Node, pointer: str) -> Iterator[Described]:
    """Read a text that has arguments in it: a parameter for the text, and one for each argument."""
    members = node.members("property with x-template")
    members["type"].choice(["string"])
    template = members["x-template"].members("x-template")
    text = template["text"].text()
    arguments = template["arguments"].named()
    names = dict.fromkeys(TEXT_NAMES.findall(text))
    for name in names:
        if name not in arguments:
            template["text"].fault(f"{{{name}}} is no argument; describe it under arguments")
    parameter = Parameter(pointer, Place.BODY, required=True, description="", schema={"type": "string"}, wire=pointer)
    yield parameter._replace(template=text), node
    for name, each in arguments.items():
        argument_members = each.members("argument of x-template")
        values = schema(each, argument_members)
        if name not in names or not ARGUMENT.fullmatch(name):
            each.fault(f"the text has no {{{name}}}; write it there, or leave the argument out")
        if any(may_hold(values, quote) for quote in _QUOTES):
            each.fault(
                "it may hold quotes or backslashes, which would end the text around it;"
                " write a pattern without them, such as ^[0-9A-Za-z_-]+$"
            )
        description = argument_members["description"].text()
        yield Parameter(name, Place.TEXT, required=True, description=description, schema=values, wire=name), each
