"""The snippets for the settings of clients, with which they start or reach pullcord. Pure; no snippet holds a key."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

TOKEN = "PULLCORD_TOKEN"  # noqa: S105 - the name of a variable
"""The variable that holds a caller's token for `serve --http`."""

PATIENCE = 330
"""Seconds that a call may take, wait_seconds included; written for clients that have a setting for it."""

_NONE: Mapping[str, str] = {}


class Client(NamedTuple):
    """The form of a client's settings, and how it keeps a secret.

    keeps is "elsewhere": `value` says how its settings refer to a variable; "forwards": it hands on variables of its
    own environment, by name; or "nowhere": pullcord must read each secret from a file.
    """

    title: str
    where: str
    """The file that the snippet belongs into; of a connector the place where the address is typed."""
    keeps: Literal["elsewhere", "forwards", "nowhere"] = "elsewhere"
    value: str = ""
    asks: bool = False
    """Whether it asks a person for the values, with questions that stand in its settings."""
    servers: str = "mcpServers"
    """The member that holds the servers."""
    starts: bool = True
    """Whether it can start a program."""
    address: str | None = "url"
    """The member that holds a server's address; None: it is typed, since the client's vendor makes the calls."""
    local: Mapping[str, str] = _NONE
    """Further members of a server that it starts."""
    remote: Mapping[str, str] = _NONE
    """Further members of a server that it reaches by its address."""
    is_array: bool = False
    """Whether "command" holds the arguments, too."""
    env: str = "env"
    """The member that holds the variables of a server that it starts."""
    limit: tuple[str, int] | None = None
    """The member that limits the time of a call, and its units in a second; None: there is none."""


CLIENTS: Mapping[str, Client] = {
    "claude-desktop": Client(
        "Claude Desktop",
        "claude_desktop_config.json: Settings, Developer, Edit Config opens it",
        keeps="nowhere",
        address=None,
    ),
    # Without a default a variable that isn't set arrives as it is written.
    "claude-code": Client(
        "Claude Code",
        ".mcp.json of the project",
        value="${{{name}:-}}",
        local={"type": "stdio"},
        remote={"type": "http"},
        limit=("timeout", 1000),
    ),
    "cursor": Client("Cursor", "~/.cursor/mcp.json, or .cursor/mcp.json of the project", value="${{env:{name}}}"),
    "vscode": Client(
        "VS Code",
        ".vscode/mcp.json of the workspace; for Copilot's own sessions take pullcord config copilot",
        value="${{input:{name}}}",
        asks=True,
        servers="servers",
        local={"type": "stdio"},
        remote={"type": "http"},
    ),
    "copilot": Client(
        "GitHub Copilot",
        ".mcp.json of the project, or ~/.copilot/mcp-config.json",
        value="${{{name}:-}}",
        local={"type": "stdio"},
        remote={"type": "http"},
        limit=("timeout", 1000),
    ),
    "codex": Client(
        "Codex",
        "~/.codex/config.toml, or .codex/config.toml of the project",
        keeps="forwards",
        servers="mcp_servers",
        limit=("tool_timeout_sec", 1),
    ),
    "gemini": Client(
        "Gemini CLI",
        "~/.gemini/settings.json, or .gemini/settings.json of the project",
        value="${{{name}}}",
        address="httpUrl",
        limit=("timeout", 1000),
    ),
    "antigravity": Client("Antigravity", "~/.gemini/config/mcp_config.json", keeps="nowhere", address="serverUrl"),
    "devin-desktop": Client(
        "Devin Desktop (was Windsurf)",
        "~/.config/devin/mcp_config.json, or .devin/mcp_config.json of the project",
        value="${{env:{name}}}",
        remote={"transport": "http"},
    ),
    "opencode": Client(
        "opencode",
        "opencode.json of the project, or ~/.config/opencode/opencode.json",
        value="{{env:{name}}}",
        servers="mcp",
        local={"type": "local"},
        remote={"type": "remote"},
        is_array=True,
        env="environment",
        limit=("timeout", 1000),
    ),
    "zed": Client(
        "Zed",
        "settings.json: the action zed: open settings file opens it",
        keeps="nowhere",
        servers="context_servers",
        limit=("timeout", 1),
    ),
    "claude-ai": Client("claude.ai", "Customize, Connectors, Add custom connector", starts=False, address=None),
    "chatgpt": Client("ChatGPT", "Settings, Connectors, in developer mode", starts=False, address=None),
    "generic": Client("An MCP client", "the client's settings, if it reads the form of most", keeps="nowhere"),
}


class Variable(NamedTuple):
    """A variable that pullcord reads."""

    name: str
    """NAME, or NAME_FILE where a file holds the value."""
    description: str
    is_secret: bool
    file: str | None = None
    """The path of that file; None: no file holds the value."""


class Snippet(NamedTuple):
    """A piece of a client's settings."""

    text: str
    notes: list[str]
    """Sentences that say where it belongs, and what is still to do."""


def local(
    name: str, command: Sequence[str], variables: Sequence[Variable], keys: str, values: Mapping[str, str] = _NONE
) -> Snippet | None:
    """The snippet with which a client starts pullcord.

    Args:
        name: of the client, in CLIENTS.
        command: the program and arguments that start pullcord, the program by its absolute path.
        variables: that pullcord is to read.
        keys: the path of a folder for files with keys, for a client that keeps no secret.
        values: of further variables, which are no secret and stand in the snippet, by their names.

    Returns:
        The snippet; None: the client starts no program.
    """
    client = CLIENTS[name]
    if not client.starts:
        return None
    start = {"command": list(command)} if client.is_array else {"command": command[0], "args": list(command[1:])}
    server: dict[str, Any] = {**client.local, **start}
    notes = [_place_note(client)]
    if client.keeps == "forwards":
        if variables:
            server["env_vars"] = [each.name for each in variables]
            notes.append(_variables_note(variables))
    elif client.keeps == "nowhere":
        files = {each.name: each.file for each in variables if each.file}
        new = {f"{each.name}_FILE": f"{keys}/{each.name.lower()}" for each in variables if not each.file}
        values = {**files, **new, **values}
        if new:
            notes.append(f"Write each value into its file, for your eyes only (chmod 600): {', '.join(new.values())}")
    elif variables:
        values = {**{each.name: client.value.format(name=each.name) for each in variables}, **values}
        notes.append(_variables_note(variables))
    if values:
        server[client.env] = values
    return _snippet(client, server, variables, notes)


def remote(name: str, url: str) -> Snippet:
    """The snippet with which a client reaches a `pullcord serve --http`; for a connector its address alone.

    Args:
        name: of the client, in CLIENTS.
        url: of that server's MCP.
    """
    client = CLIENTS[name]
    if client.address is None:
        return _connector(client, url)
    token = Variable(TOKEN, "A token that pullcord token made", is_secret=True)
    server: dict[str, Any] = {**client.remote, client.address: url}
    notes = [_place_note(client)]
    if client.keeps == "forwards":
        server["bearer_token_env_var"] = TOKEN
        notes.append(_variables_note([token]))
    elif client.keeps == "nowhere":
        server["headers"] = {"Authorization": f"Bearer {TOKEN}"}
        notes.append(f"Write a token that pullcord token made instead of {TOKEN}; then keep others from the file")
    else:
        server["headers"] = {"Authorization": f"Bearer {client.value.format(name=TOKEN)}"}
        notes.append(_variables_note([token]))
    return _snippet(client, server, [token], notes)


def _connector(client: Client, url: str) -> Snippet:
    """The address of a server that a client's vendor calls, and what that takes."""
    place = "Customize, Connectors, Add custom connector" if client.starts else client.where
    steps = (
        f"Type this address in {client.title}: {place}.",
        "Its vendor's machines call the address: it must be reached from the internet, by https, and no token of",
        "pullcord token can be given. People sign in by OAuth 2.1 instead.",
        f"Start that pullcord with: pullcord serve --http --host 0.0.0.0 --issuer ISSUER --resource {url}, and",
        "--tls-cert and --tls-key, or the --trusted-proxy that ends TLS.",
        "ISSUER is your authorization server: it publishes its metadata (RFC 8414), takes PKCE with S256, lets",
        "clients register (client ID metadata documents, or RFC 7591), and issues access tokens that are JWTs for",
        "that resource, with the scopes observe and cancel.",
    )
    return Snippet(url, [" ".join(steps)])


def _place_note(client: Client) -> str:
    return f"This belongs into {client.where}"


def _variables_note(variables: Sequence[Variable]) -> str:
    return f"Set where the client starts: {', '.join(each.name for each in variables)}"


def _snippet(client: Client, server: dict[str, Any], variables: Sequence[Variable], notes: list[str]) -> Snippet:
    """The snippet for a server, in the client's own format; a client that asks gets its questions."""
    if client.limit:
        member, units = client.limit
        server[member] = PATIENCE * units
    if client.keeps == "forwards":
        lines = [f"{name} = {_toml(value)}" for name, value in server.items()]
        return Snippet("\n".join([f"[{client.servers}.pullcord]", *lines]), notes)
    servers = {client.servers: {"pullcord": server}}
    if not client.asks or not variables:
        return Snippet(_json(servers), notes)
    questions = [
        {"type": "promptString", "id": each.name, "description": each.description, "password": each.is_secret}
        for each in variables
    ]
    note = f"{client.title} asks for the values once, and keeps them safe"
    return Snippet(_json({"inputs": questions, **servers}), [notes[0], note])


def _toml(value: str | int | Sequence[str] | Mapping[str, str]) -> str:
    """A value as TOML, in one line: its strings, numbers and lists of them are written as in JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{name} = {_toml(text)}' for name, text in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
