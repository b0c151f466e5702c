"""Reads the ways to authenticate: the document's security schemes (OpenAPI 3.1.1, 4.8.27 and 4.8.30)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pullcord.manifest.node import Node
from pullcord.manifest.servers import env
from pullcord.model.operation import Key
from pullcord.model.pointer import escape, look_up

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class _Way(NamedTuple):
    """How a scheme writes a key into a header."""

    prefix: str
    basic: bool = False


_WAYS: Mapping[str, _Way] = {
    "http bearer": _Way("Bearer "),
    "http basic": _Way("Basic ", basic=True),
    "apiKey header": _Way(""),
}
"""The supported schemes, by their type and their scheme or place."""


def keys(root: Node, security: Node) -> tuple[tuple[Key, ...], bool]:
    """Read the keys that the document asks for.

    Args:
        root: the document, whose components describe the schemes.
        security: its list of requirements.

    Returns:
        The keys, of which one is enough; and whether the platform may also be called without any.
    """
    keys_by_variable: dict[str, Key] = {}
    requirements = security.items()
    for requirement in requirements:
        names = list(requirement.named())
        if len(names) > 1:
            requirement.fault("two keys at once are not supported; write alternatives as items of their own: - key: []")
        for name in names[:1]:
            pointer = f"/components/securitySchemes/{escape(name)}"
            scheme = look_up(root.document.value, pointer)
            if scheme is None:
                requirement.fault(f"{name or repr(name)} is no security scheme of this file; describe it in components")
                continue
            key = _key(root.at(pointer, scheme))
            if keys_by_variable.setdefault(key.env, key) != key:
                requirement.fault(f"{key.env} gives another scheme's key, too; give each a variable of its own")
    return tuple(keys_by_variable.values()), any(requirement.value == {} for requirement in requirements)


def _key(scheme: Node) -> Key:
    node = scheme.resolved()
    kind = look_up(node.value, "/type")
    way = _WAYS.get(f"{kind} {look_up(node.value, '/in' if kind == 'apiKey' else '/scheme')}")
    if way is None:
        node.fault(
            "this scheme is not supported; write type http with scheme bearer or basic,"
            " or type apiKey with in header and a name"
        )
        return Key("", "", "", "")
    members = node.members("security scheme")
    if kind == "apiKey" and "name" not in members:
        node.fault("name is missing; an apiKey needs the name of its header")
    header = members["name"].text(HEADER, "a header's name") if "name" in members else "Authorization"
    return Key(env(members["x-env"]), header, way.prefix, members["description"].text(), way.basic)
