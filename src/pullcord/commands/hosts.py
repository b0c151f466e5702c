"""What to write into a client's settings so that it starts, or reaches, pullcord. Pure; a key never stands in it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pullcord.config.settings import platforms
from pullcord.config.surface import Surface

TOKEN = "PULLCORD_TOKEN"  # noqa: S105 - the name of a variable
"""The variable that holds a caller's token for `serve --http`."""

PATIENCE = 330
"""Seconds that a call may take: wait_seconds, and a little. A client whose own default is less must be told."""


class Client(NamedTuple):
    """How a client is told of a server, and how it keeps a secret.

    keeps is "elsewhere": `value` says how it takes a variable from there; "forwards": it hands on variables of its own
    environment, by name; or "nowhere": pullcord must read each from a file.
    """

    title: str
    where: str
    """The file that the snippet belongs into."""
    keeps: Literal["elsewhere", "forwards", "nowhere"] = "elsewhere"
    value: str = ""
    asks: bool = False
    """Whether it asks a person for the values, and must be told the questions."""
    servers: str = "mcpServers"
    """The member that holds the servers."""
    address: str | None = "url"
    """The member that holds a server's address; None: it takes no address there."""
    typed: bool = False
    """Whether a server must say how it is reached."""


CLIENTS: Mapping[str, Client] = {
    "claude-desktop": Client(
        "Claude Desktop",
        "claude_desktop_config.json: Settings, Developer, Edit Config opens it",
        keeps="nowhere",
        address=None,
    ),
    # Without a default it refuses the whole file where a variable isn't set.
    "claude-code": Client("Claude Code", ".mcp.json of the project", value="${{{name}:-}}", typed=True),
    "cursor": Client("Cursor", "~/.cursor/mcp.json, or .cursor/mcp.json of the project", value="${{env:{name}}}"),
    "vscode": Client(
        "VS Code",
        ".vscode/mcp.json of the workspace",
        value="${{input:{name}}}",
        asks=True,
        servers="servers",
        typed=True,
    ),
    "codex": Client("Codex", "~/.codex/config.toml", keeps="forwards", servers="mcp_servers"),
    "gemini": Client(
        "Gemini CLI",
        "~/.gemini/settings.json, or .gemini/settings.json of the project",
        value="${{{name}}}",
        address="httpUrl",
    ),
    "windsurf": Client("Windsurf", "~/.codeium/windsurf/mcp_config.json", value="${{env:{name}}}", address="serverUrl"),
}


class Snippet(NamedTuple):
    """A piece of a client's settings."""

    text: str
    notes: list[str]
    """Where it goes, and what is still to do."""


def local(name: str, command: Sequence[str], scope: Surface, keys: str) -> Snippet:
    """The snippet with which a client starts pullcord.

    Args:
        name: the client, of CLIENTS.
        command: how pullcord is started, by absolute paths.
        scope: its platforms are the ones that need a key.
        keys: the folder of files with keys, for a client that has no way of its own to keep a secret.
    """
    client = CLIENTS[name]
    secrets = {key.env: f"Key for {each.title}" for each in platforms(scope.catalogue).values() for key in each.keys}
    missing = [names.partition(" or ")[0] for each in scope.settings.values() for names in each.missing]
    needed = {variable: secrets.get(variable, variable) for variable in missing}
    server: dict[str, Any] = {"command": command[0], "args": list(command[1:])}
    if client.keeps == "forwards":
        return _toml(client, {**server, "env_vars": list(needed)}, needed)
    if client.keeps == "nowhere":
        files = {f"{variable}_FILE": f"{keys}/{variable.lower()}" for variable in needed}
        note = f"Write each value into its file, for your eyes only (chmod 600): {', '.join(files.values())}"
        return Snippet(_json({client.servers: {"pullcord": {**server, "env": files}}}), [_goes(client), note])
    env = {variable: client.value.format(name=variable) for variable in needed}
    return _asking(client, {**_typed(client, "stdio"), **server, "env": env}, needed, secrets)


def remote(name: str, url: str) -> Snippet | None:
    """The snippet with which a client reaches a `pullcord serve --http`; None if the client takes no address there."""
    client = CLIENTS[name]
    token = {TOKEN: "A token that pullcord token made"}
    if client.address is None:
        return None
    if client.keeps == "forwards":
        return _toml(client, {client.address: url, "bearer_token_env_var": TOKEN}, token)
    headers = {"Authorization": "Bearer " + client.value.format(name=TOKEN)}
    return _asking(client, {**_typed(client, "http"), client.address: url, "headers": headers}, token, token)


def _typed(client: Client, kind: str) -> dict[str, str]:
    return {"type": kind} if client.typed else {}


def _goes(client: Client) -> str:
    return f"This belongs into {client.where}"


def _wanted(needed: Mapping[str, str]) -> str:
    return f"Set where the client starts, as far as you use them: {', '.join(needed)}"


def _asking(
    client: Client, server: Mapping[str, Any], needed: Mapping[str, str], secrets: Mapping[str, str]
) -> Snippet:
    """The snippet for a client that takes values from its environment, or asks for them."""
    servers = {client.servers: {"pullcord": server}}
    if not client.asks:
        return Snippet(_json(servers), [_goes(client), _wanted(needed)])
    questions = [
        {"type": "promptString", "id": variable, "description": what, "password": variable in secrets}
        for variable, what in needed.items()
    ]
    note = f"{client.title} asks for the values once, and keeps them safe"
    return Snippet(_json({"inputs": questions, **servers}), [_goes(client), note])


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _toml(client: Client, server: Mapping[str, Any], needed: Mapping[str, str]) -> Snippet:
    # A JSON string, number or list of them is also TOML's.
    told = {**server, "tool_timeout_sec": PATIENCE}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in told.items()]
    return Snippet("\n".join([f"[{client.servers}.pullcord]", *lines]), [_goes(client), _wanted(needed)])
