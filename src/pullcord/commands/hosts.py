"""The snippets for the settings of clients, with which they start or reach pullcord. Pure; no snippet holds a key."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pullcord.config.settings import platforms
from pullcord.config.surface import Surface

TOKEN = "PULLCORD_TOKEN"  # noqa: S105 - the name of a variable
"""The variable that holds a caller's token for `serve --http`."""

PATIENCE = 330
"""Seconds that a call may take, wait_seconds included; written for clients whose own default is less."""


class Client(NamedTuple):
    """The form of a client's settings, and how it keeps a secret.

    keeps is "elsewhere": `value` says how its settings refer to a variable; "forwards": it hands on variables of its
    own environment, by name; or "nowhere": pullcord must read each secret from a file.
    """

    title: str
    where: str
    """The file that the snippet belongs into."""
    keeps: Literal["elsewhere", "forwards", "nowhere"] = "elsewhere"
    value: str = ""
    asks: bool = False
    """Whether it asks a person for the values, with questions that stand in its settings."""
    servers: str = "mcpServers"
    """The member that holds the servers."""
    address: str | None = "url"
    """The member that holds a server's address; None: it takes no address there."""
    typed: bool = False
    """Whether a server has a member "type": stdio or http."""


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
    """Sentences that say where it belongs, and what is still to do."""


def local(name: str, command: Sequence[str], offer: Surface, keys: str) -> Snippet:
    """The snippet with which a client starts pullcord.

    Args:
        name: of the client, in CLIENTS.
        command: the program and arguments that start pullcord, by absolute paths.
        offer: the platforms that need keys, and their settings.
        keys: the path of a folder for files with keys, for a client that keeps no secret.
    """
    client = CLIENTS[name]
    secrets = {key.env: f"Key for {each.title}" for each in platforms(offer.catalogue).values() for key in each.keys}
    missing = [names.partition(" or ")[0] for each in offer.settings.values() for names in each.missing]
    variables = {variable: secrets.get(variable, variable) for variable in missing}
    server: dict[str, Any] = {"command": command[0], "args": list(command[1:])}
    if client.keeps == "forwards":
        return _toml(client, {**server, "env_vars": list(variables)}, variables)
    if client.keeps == "nowhere":
        files = {f"{variable}_FILE": f"{keys}/{variable.lower()}" for variable in variables}
        note = f"Write each value into its file, for your eyes only (chmod 600): {', '.join(files.values())}"
        return Snippet(_json({client.servers: {"pullcord": {**server, "env": files}}}), [_place_note(client), note])
    env = {variable: client.value.format(name=variable) for variable in variables}
    return _snippet(client, {**_type(client, "stdio"), **server, "env": env}, variables, secrets)


def remote(name: str, url: str) -> Snippet | None:
    """The snippet with which a client reaches a `pullcord serve --http`.

    Args:
        name: of the client, in CLIENTS.
        url: of that server's MCP.

    Returns:
        The snippet; None: the settings of the client take no address.
    """
    client = CLIENTS[name]
    token = {TOKEN: "A token that pullcord token made"}
    if client.address is None:
        return None
    if client.keeps == "forwards":
        return _toml(client, {client.address: url, "bearer_token_env_var": TOKEN}, token)
    headers = {"Authorization": "Bearer " + client.value.format(name=TOKEN)}
    return _snippet(client, {**_type(client, "http"), client.address: url, "headers": headers}, token, token)


def _type(client: Client, kind: str) -> dict[str, str]:
    return {"type": kind} if client.typed else {}


def _place_note(client: Client) -> str:
    return f"This belongs into {client.where}"


def _variables_note(variables: Mapping[str, str]) -> str:
    return f"Set where the client starts, as far as you use them: {', '.join(variables)}"


def _snippet(
    client: Client, server: Mapping[str, Any], variables: Mapping[str, str], secrets: Mapping[str, str]
) -> Snippet:
    """The snippet for a client that takes values from its environment, or asks a person for them."""
    servers = {client.servers: {"pullcord": server}}
    if not client.asks:
        return Snippet(_json(servers), [_place_note(client), _variables_note(variables)])
    questions = [
        {"type": "promptString", "id": variable, "description": description, "password": variable in secrets}
        for variable, description in variables.items()
    ]
    note = f"{client.title} asks for the values once, and keeps them safe"
    return Snippet(_json({"inputs": questions, **servers}), [_place_note(client), note])


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _toml(client: Client, server: Mapping[str, Any], variables: Mapping[str, str]) -> Snippet:
    # A JSON string, number or list of them is also TOML's.
    members = {**server, "tool_timeout_sec": PATIENCE}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in members.items()]
    return Snippet(
        "\n".join([f"[{client.servers}.pullcord]", *lines]), [_place_note(client), _variables_note(variables)]
    )
