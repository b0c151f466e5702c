"""Reads where a platform is reached: the document's one server, and the variables that change its URL."""

import re

from pullcord.manifest.node import Node
from pullcord.model.operation import PATH_NAMES
from pullcord.model.url import url_faults

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def server(node: Node) -> tuple[str, str, dict[str, str]]:
    """Read the one server of a document.

    Returns:
        The base URL; the environment variable that replaces it; and by the name of each {variable} in the URL the
        environment variable that fills it.
    """
    servers = node.items()
    if len(servers) != 1:
        node.fault("one server is expected; x-env lets users name another")
        return "", "", {}
    members = servers[0].members("server")
    url = members["url"].text()
    names = PATH_NAMES.findall(url)
    # OpenAPI's own default, "/", names no host: each user has one of their own.
    if url not in {"", "/"}:
        slash_faults = ["the URL ends with a slash; leave it out"] if url.endswith("/") else []
        for fault in url_faults(PATH_NAMES.sub("name", url)) or slash_faults:
            members["url"].fault(f"{fault}. Where each user has a server of their own, write /")
    variables: dict[str, str] = {}
    for name, variable in members["variables"].named().items() if "variables" in members else ():
        variables[name] = env(variable.members("server variable")["x-env"])
        if name not in names:
            variable.fault(f"the url has no {{{name}}}; write it there, or leave the variable out")
    for name in names:
        if name not in variables:
            members["url"].fault(f"{{{name}}} is no variable; describe it under variables")
    return url, env(members["x-env"]), variables


def env(node: Node) -> str:
    """Read the name of an environment variable."""
    return node.text(_VARIABLE, "an environment variable's name in capitals")
