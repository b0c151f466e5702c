"""The README and docs/ say what the code does: their tables are made from the code, and held to it here.

PULLCORD_GOLDEN=write writes them anew.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from tests.documents import README, doc, hold
from tests.environment import ROOT
from tests.real.transcript import kept
from tests.support import Answer, shipped, stage
from tests.vendors.rows import VENDORS

from pullcord.commands import hosts
from pullcord.config import settings
from pullcord.manifest import loading
from pullcord.manifest.index import index
from pullcord.manifest.openapi import SUBSET
from pullcord.model.operation import Operation
from pullcord.model.outcome import MEANINGS
from pullcord.model.running import callables

CATALOGUE = shipped()
TOOLS = sorted(callables(CATALOGUE).values(), key=lambda each: not each.cancel)
TEXT = README.read_text(encoding="utf-8")

pytestmark = pytest.mark.anyio


def table(*rows: Iterable[str]) -> str:
    head, *body = (f"| {' | '.join(row)} |\n" for row in rows)
    return "".join([head, re.sub(r"[^|\n]+", " --- ", head), *body])


def tools(operations: Iterable[Operation]) -> str:
    rows = []
    for operation in operations:
        aim = {"task": "cancel, aimed at a task", "current": "cancel, aimed at whatever runs"}
        kind = aim[operation.cancel.aim] if operation.cancel else "observe"
        sent = f"{operation.method} {operation.path}" if operation.path else "what shows it on all platforms"
        rows.append([f"`{operation.id}`", operation.platform.title, sent, kind])
    return table(["tool", "platform", "HTTP", "kind"], *rows)


def proofs() -> str:
    titles = {name: each.title for name, each in index().items()}
    known = [name for name, each in index().items() if each.listed_always]
    real = {each.platform: ", ".join(f"{name} {version}" for name, version in each.versions.items()) for each in kept()}
    assert sorted([*known, *real, *VENDORS]) == sorted(titles), "each platform is proved in one way"
    return table(
        ["platforms", "how each was proved"],
        [listed(titles[each] for each in known), "on a sandbox, made from what their references say, traps included"],
        [
            listed(f"{titles[each]} ({versions})" for each, versions in real.items()),
            "on real servers: work that can be seen is cancelled, and what is said compared with what is true",
        ],
        [listed(titles[each] for each in VENDORS), "by what their vendors publish; nothing was measured"],
    )


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, key=str.casefold))


def outcomes() -> str:
    rows = ([f"`{word}`", "yes" if meaning.is_error else "no", meaning.when] for word, meaning in MEANINGS.items())
    return table(["outcome", "error", "when"], *rows)


def variables() -> str:
    rows = []
    for platform in settings.platforms(CATALOGUE).values():
        rows += [[f"`{key.env}`", platform.title, key.description] for key in platform.keys]
        rows.extend(
            [f"`{env}`", platform.title, f"The {name} in `{platform.url}`."] for name, env in platform.variables.items()
        )
        rows.append([f"`{platform.url_env}`", platform.title, f"Replaces `{platform.url}`."])
        headers = {
            parameter.env: parameter.description
            for operation in CATALOGUE.values()
            if operation.platform.name == platform.name
            for parameter in operation.parameters
            if parameter.env
        }
        rows.extend([f"`{env}`", platform.title, what] for env, what in headers.items())
    return table(["variable", "platform", "what"], *rows)


def named() -> str:
    rows = (
        [f"`{name}`", each.title, ", ".join(f"`{variable}`" for variable in each.variables)]
        for name, each in index().items()
        if not each.listed_always
    )
    return table(["`--platform`", "platform", "its variables"], *rows)


def subset() -> str:
    rows = ([kind, " ".join(f"`{key}`" for key in keys.split())] for kind, keys in SUBSET.items())
    return table(["object", "keys"], *rows)


def clients() -> str:
    rows = ([f"`{name}`", client.title, client.where] for name, client in hosts.CLIENTS.items())
    return table(["client", "is", "where its snippet goes"], *rows)


BLOCKS: dict[str, tuple[Path, Callable[[], str]]] = {
    "cancels": (README, lambda: tools(each for each in TOOLS if each.cancel)),
    "platforms": (README, proofs),
    "tools": (doc("answers"), lambda: tools(TOOLS)),
    "outcomes": (doc("answers"), outcomes),
    "settings": (doc("settings"), variables),
    "named": (doc("settings"), named),
    "subset": (doc("manifest"), subset),
    "hosts": (doc("clients"), clients),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    document, block = BLOCKS[name]
    hold(document, name, block())


@pytest.fixture(name="answer", scope="module")
async def _answer() -> Answer:
    async with stage("auto") as on:
        ids = on.sandbox.everruns.ids
        answer = await on.call("cancel_task", {"session_id": ids.active_session, "task_id": ids.subagent_task})
    answer["evidence"]["request_id"] = "0199aa00000070008000000000000001"
    return answer


async def test_the_example_is_the_sandboxs_real_answer(answer: Answer) -> None:
    hold(doc("answers"), "example", f"```json\n{json.dumps(answer, indent=2, ensure_ascii=False)}\n```\n")


async def test_the_readmes_example_is_its_most_telling_members(answer: Answer) -> None:
    (cancel,) = (each for each in answer["allowed_actions"] if each["rel"] == "cancel")
    action = json.dumps({name: cancel[name] for name in ("rel", "hint", "tool", "arguments")}, indent=2)
    members = [
        f'"{name}": {json.dumps(answer[name])}' for name in ("outcome", "message", "work_stopped", "may_go_on", "state")
    ]
    shown = ",\n  ".join([*members, f'"allowed_actions": [{action}]'.replace("\n", "\n  ")])
    hold(README, "example", f"```json\n{{\n  {shown}\n}}\n```\n")


def test_every_link_relation_has_its_row() -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", doc("answers").read_text(encoding="utf-8"), re.MULTILINE))
    used = {
        link.rel
        for operation in loading.load(loading.shipped()).values()
        for links in (*(each.links for each in operation.responses.values()), getattr(operation.listing, "links", ()))
        for link in links
    }
    assert used | {"next", "retry", "retry-later", "authorize"} <= rows


def test_every_variable_of_pullcords_own_is_in_the_settings() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    read = set(re.findall(r"\bPULLCORD_[A-Z_]*[A-Z]\b", source)) - {hosts.TOKEN}
    rows = set(re.findall(r"^\| `(PULLCORD_[A-Z_]+)` \|", doc("settings").read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == read


def test_the_two_commands_are_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^make (\w+)", TEXT, re.MULTILINE)
    assert lines == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in lines)


async def test_the_readmes_client_configuration_starts_a_server() -> None:
    snippet = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)[0])
    server = snippet["mcpServers"]["pullcord"]
    assert server["command"] == "pullcord"
    how = StdioServerParameters(
        command=sys.executable,
        args=["-m", "pullcord", *server["args"]],
        env={**os.environ, **{name: value.replace("...", "0123") for name, value in server["env"].items()}},
    )
    with anyio.fail_after(300):
        async with Client(how) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools}
    assert offered == set(callables(CATALOGUE))
