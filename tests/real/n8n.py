"""n8n: a server with workflows of one node each, which calls another server, waits, or runs code."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from tests.environment import UNTIL, made
from tests.real.server import FIXTURES, Running, Server, free_ports, process, ready, until
from tests.real.story import BRIEF, MISTAKES, Ask, Must, Platform, Step, Story
from tests.real.witness import Truth

OWNER = {"email": "owner@example.com", "firstName": "A", "lastName": "B", "password": "Passw0rd12"}
SCOPES = ["workflow:create", "workflow:read", "workflow:activate", "workflow:list"]
LEAST = ["execution:read", "execution:list", "execution:stop"]
"""What pullcord's key may do."""
SETTINGS = {
    "N8N_HOST": "127.0.0.1",
    "N8N_LISTEN_ADDRESS": "127.0.0.1",
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_HIRING_BANNER_ENABLED": "false",
    "EXTERNAL_FRONTEND_HOOKS_URLS": "",
    "N8N_SECURE_COOKIE": "false",
    "N8N_LICENSE_AUTO_RENEW_ENABLED": "false",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "NODE_OPTIONS": "--max-old-space-size=2048",
}
CODE = """
const { file, seconds } = $input.first().json.body;
for (let tick = 0; tick < 5 * seconds; tick++) {
  await this.helpers.httpRequest({ url: 'PEER/tick?file=' + encodeURIComponent(file) });
  await new Promise((resolve) => setTimeout(resolve, 200));
}
return [{ json: { done: true } }];
"""


def install(*packages: str) -> Path:
    """Make the environment: node first, without what packages do when they are installed; then what n8n needs compiled.

    Raises:
        RuntimeError: there is no node with its headers to compile with.
        subprocess.CalledProcessError: something can't be installed or compiled; its tool has said why.
    """
    node = Path(shutil.which("node") or "/nowhere/bin/node").resolve()
    headers = node.parents[1]
    if not (headers / "include" / "node" / "node.h").exists():
        raise RuntimeError("n8n's sqlite3 must be compiled, and node's headers are missing: install node with them")
    options = ["--no-audit", "--no-fund", "--silent", "--prefix", ".", "--before", UNTIL]
    sqlite = ["--directory", "node_modules/sqlite3", "--nodedir", str(headers), "--silent"]
    commands = [
        ["npm", "init", "--yes", "--silent"],
        ["npm", "pkg", "set", "name=server", "overrides.xlsx=0.18.5"],  # n8n's own is no package of the registry
        ["npm", "install", *options, "--ignore-scripts", *packages],
        ["npm", "rebuild", "--silent", "node"],
        ["node_modules/.bin/node-gyp", "rebuild", *sqlite],
    ]
    return made("real/n8n", packages, commands)


@asynccontextmanager
async def running(home: Path, folder: Path) -> AsyncIterator[Running]:
    """Both."""
    port, broker, other = free_ports(3)
    address, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}"
    modules = home / "node_modules"
    server: list[str | Path] = [modules / "node" / "bin" / "node", modules / "n8n" / "bin" / "n8n", "start"]
    settings = {
        **SETTINGS,
        "N8N_PORT": str(port),
        "N8N_RUNNERS_BROKER_PORT": str(broker),
        "N8N_USER_FOLDER": str(folder / "home"),
        "PATH": f"{modules / 'node' / 'bin'}:/usr/bin:/bin",
    }
    async with (
        process(
            [shutil.which("python3") or "python3", FIXTURES / "n8n" / "peer.py", str(other)], folder / "peer.log", {}
        ),
        process(server, folder / "server.log", settings),
        httpx2.AsyncClient(base_url=address, trust_env=False, timeout=30) as client,
    ):
        await ready(client, "/healthz/readiness")
        (await client.post("/rest/owner/setup", json=OWNER)).raise_for_status()
        login = {"emailOrLdapLoginId": OWNER["email"], "password": OWNER["password"]}
        (await client.post("/rest/login", json=login)).raise_for_status()
        maker, key = [await _key(client, scopes) for scopes in (SCOPES, LEAST)]
        for name, node in _nodes(peer).items():
            await _workflow(client, maker, name, node)
        start = partial(_start, client, key, count(1))
        yield Running({"N8N_API_URL": address, "N8N_API_KEY": key}, start, wrong_key={"N8N_API_KEY": "no-key-of-n8ns"})


async def _key(client: httpx2.AsyncClient, scopes: list[str]) -> str:
    asked = {"label": scopes[0], "expiresAt": None, "scopes": scopes}
    answer = await client.post("/rest/api-keys", json=asked)
    return str(answer.raise_for_status().json()["data"]["rawApiKey"])


def _nodes(peer: str) -> dict[str, dict[str, Any]]:
    """The node that works in each workflow, by the workflow's name."""
    query = "{{ $json.body.file }}&seconds={{ $json.body.seconds }}"
    return {
        "request": _node("httpRequest", 4.2, url=f"={peer}/work?file={query}", options={}),
        "code": _node("code", 2, jsCode=CODE.replace("PEER", peer)),
        "wait": _node("wait", 1.1, amount=300, unit="seconds"),
    }


def _node(kind: str, version: float, **parameters: object) -> dict[str, Any]:
    return {"type": f"n8n-nodes-base.{kind}", "typeVersion": version, "parameters": parameters}


async def _workflow(client: httpx2.AsyncClient, key: str, name: str, node: dict[str, Any]) -> None:
    hook = {"path": name, "httpMethod": "POST", "responseMode": "onReceived"}
    nodes = [
        {"id": "1", "name": "Hook", "position": [0, 0], "webhookId": name, **_node("webhook", 1.1, **hook)},
        {"id": "2", "name": "Work", "position": [200, 0], **node},
        {"id": "3", "name": "After", "position": [400, 0], **_node("noOp", 1)},
    ]
    leads = {a: {"main": [[{"node": b, "type": "main", "index": 0}]]} for a, b in (("Hook", "Work"), ("Work", "After"))}
    headers = {"X-N8N-API-KEY": key}
    body = {"name": name, "settings": {}, "connections": leads, "nodes": nodes}
    made = (await client.post("/api/v1/workflows", json=body, headers=headers)).raise_for_status().json()
    (await client.post(f"/api/v1/workflows/{made['id']}/activate", headers=headers)).raise_for_status()


async def _start(
    client: httpx2.AsyncClient, key: str, numbers: "count[int]", kind: str, file: Path, seconds: float
) -> dict[str, str]:
    """Start an execution. What starts one doesn't name it; they are numbered."""
    (await client.post(f"/webhook/{kind}", json={"file": str(file), "seconds": seconds})).raise_for_status()
    number, headers = next(numbers), {"X-N8N-API-KEY": key}
    state = "waiting" if kind == "wait" else ""

    async def known() -> bool:
        answer = await client.get(f"/api/v1/executions/{number}", headers=headers)
        return answer.is_success and state in answer.json()["status"]

    await until(known, f"execution {number}")
    return {"id": str(number)}


GOES_ON = "children current_step requests"
"""What may go on after a stop: the record is changed at once, whatever the node does."""
RUNS = (
    Step(Ask.FIND, "observed"),
    Step(Ask.FIND_RUNNING, "observed"),
    Step(Ask.LOOK, "observed", Must.SAY_NO),
)
CANCEL = Step(Ask.CANCEL, "stopped", Must.NOT_SAY_YES, GOES_ON)
LOOK = Step(Ask.LOOK, "observed", Must.NOT_SAY_YES, GOES_ON)
AGAIN = Step(Ask.CANCEL, "already_finished", Must.NOT_SAY_YES, GOES_ON)

PLATFORM = Platform(
    server=Server(("n8n",), install, running),
    instances=("n8n",),
    lists=(("list_n8n_executions", {"status": "running"}),),
    look="get_n8n_execution",
    cancel="stop_n8n_execution",
    unknown={"id": "99999"},
    malformed={"id": "nope"},
    stories=(
        Story(
            "two executions, found and stopped by an agent that knows nothing",
            "request",
            (Step(Ask.EVERYTHING, "stopped", Must.NOT_SAY_YES, GOES_ON, leaves=Truth.RUNS),),
            seconds=60,
            beside=("code",),
        ),
        Story(
            "a node that waits for another server",
            "request",
            (
                *RUNS,
                *MISTAKES,
                Step(Ask.WRONG_KEY, "denied"),
                CANCEL._replace(leaves=Truth.RUNS),
                LOOK,
                AGAIN,
            ),
            seconds=120,
        ),
        Story("a node that runs code", "code", (*RUNS, CANCEL, LOOK, AGAIN), seconds=120),
        Story(
            "an execution that waits, put away",
            "wait",
            (
                Step(Ask.LOOK, "observed"),
                Step(Ask.CANCEL, "stopped", Must.SAY_YES),
                AGAIN,
            ),
            begins=Truth.NEVER_BEGAN,
        ),
        Story(
            "an execution that ended by itself",
            "request",
            (
                Step(Ask.LOOK, "observed", Must.SAY_YES, arguments={"wait_seconds": 10}),
                Step(Ask.CANCEL, "already_finished", Must.SAY_YES),
            ),
            begins=Truth.ENDED,
            seconds=BRIEF,
        ),
    ),
)
