"""How a platform is told who asks: the document's security schemes."""

import re

from pullcord.manifest.node import Node
from pullcord.manifest.servers import env
from pullcord.model.operation import Key
from pullcord.model.pointer import escape, look_up

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def key(root: Node, security: Node) -> Key:
    """The scheme that the document asks for.

    Args:
        root: the document, whose components describe the scheme.
        security: its list of requirements.
    """
    names = [name for requirement in security.items() for name in requirement.named()]
    pointer = f"/components/securitySchemes/{escape(names[0])}" if names else ""
    if len(names) != 1 or look_up(root.document.value, pointer) is None:
        security.fault("one security scheme is expected, and it must stand in components; write - key: []")
        return Key("", "", "", "")
    node = root.at(pointer, look_up(root.document.value, pointer)).resolved()
    members = node.named()
    if "type" in members and members["type"].value not in ("http", "apiKey"):
        members["type"].fault(f"{members['type'].value} is not supported; write http (with scheme bearer) or apiKey")
        return Key("", "", "", "")
    members = node.members("security scheme")
    kind = members["type"].value
    header, prefix = "Authorization", "Bearer "
    if [kind, members.get("in", node).value] == ["apiKey", "header"] and "name" in members:
        header, prefix = members["name"].text(HEADER, "a header's name"), ""
    elif [kind, members.get("scheme", node).value] != ["http", "bearer"]:
        node.fault(
            "this scheme is not supported; write type http with scheme bearer, or type apiKey with in header and a name"
        )
    return Key(env(members["x-env"]), header, prefix, members["description"].text())
