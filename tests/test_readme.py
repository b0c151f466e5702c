"""The README says what the code does: its tables are made from the code, and held to it here.

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
from tests.support import shipped, stage

from pullcord.commands.main import main
from pullcord.config import settings
from pullcord.manifest import loading
from pullcord.manifest.openapi import SUBSET
from pullcord.model.outcome import MEANINGS
from pullcord.model.running import callables

README = Path(__file__).parents[1] / "README.md"
UPDATE = os.environ.get("PULLCORD_GOLDEN") == "write"  # read here: no test sees settings of the machine's own
CATALOGUE = shipped()
COMMANDS = {"serve", "demo", "ps", "stop", "wait", "tools", "check", "config", "journal", "token", "sandbox"}

pytestmark = pytest.mark.anyio


def table(*rows: Iterable[str]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, re.sub(r"[^|]+", " --- ", head), *body])


def tools() -> str:
    rows = []
    for operation in sorted(callables(CATALOGUE).values(), key=lambda each: not each.cancel):
        aim = {"task": "cancel, aimed at a task", "current": "cancel, aimed at whatever runs"}
        kind = aim[operation.cancel.aim] if operation.cancel else "observe"
        sent = f"{operation.method} {operation.path}" if operation.path else "what shows it on all platforms"
        rows.append([f"`{operation.id}`", operation.platform.title, sent, kind])
    return table(["tool", "platform", "HTTP", "kind"], *rows)


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


def subset() -> str:
    rows = ([kind, " ".join(f"`{key}`" for key in keys.split())] for kind, keys in SUBSET.items())
    return table(["object", "keys"], *rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "tools": tools,
    "outcomes": outcomes,
    "settings": variables,
    "subset": subset,
}


def block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


def hold(name: str, text: str) -> None:
    readme = README.read_text(encoding="utf-8")
    if UPDATE:
        README.write_text(block(name).sub(lambda _: f"{text}\n", readme), encoding="utf-8")
        return
    found = block(name).search(readme)
    assert found, f"README.md has no block {name}"
    assert found[0] == f"{text}\n", f"the block {name} is out of date: run the tests with PULLCORD_GOLDEN=write"


@pytest.mark.parametrize("name", BLOCKS)
def test_the_readmes_tables_are_those_of_the_catalogue(name: str) -> None:
    hold(name, BLOCKS[name]())


async def test_the_readmes_example_is_the_sandboxs_real_answer() -> None:
    async with stage("auto") as on:
        ids = on.sandbox.everruns.ids
        answer = await on.call("cancel_task", {"session_id": ids.active_session, "task_id": ids.subagent_task})
    answer["evidence"]["request_id"] = "0199aa00000070008000000000000001"
    hold("example", f"```json\n{json.dumps(answer, indent=2, ensure_ascii=False)}\n```")


def test_every_link_relation_has_its_row() -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE))
    used = {
        link.rel
        for operation in loading.load(loading.shipped()).values()
        for links in (*(each.links for each in operation.responses.values()), getattr(operation.listing, "links", ()))
        for link in links
    }
    assert used | {"next", "retry", "retry-later", "authorize"} <= rows


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}


def test_every_command_and_option_that_the_readme_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    named = re.findall(r"\bpullcord ([a-z]+)\b([^`\n]*)", README.read_text(encoding="utf-8"))
    commands = [(command, set(re.findall(r"--[a-z-]+", rest))) for command, rest in named if command in COMMANDS]
    assert {command for command, _ in commands} == COMMANDS
    for command, options in commands:
        assert options <= help_of(command, capsys), command


def test_every_option_of_serve_is_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    assert help_of("serve", capsys) <= set(re.findall(r"--[a-z-]+", README.read_text(encoding="utf-8")))


def test_the_two_commands_are_targets_of_make() -> None:
    lines = re.findall(r"^make (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    makefile = README.with_name("Makefile").read_text(encoding="utf-8")
    assert lines == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in lines)


async def test_the_readmes_client_configuration_starts_a_server() -> None:
    snippet = json.loads(re.findall(r"```json\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0])
    server = snippet["mcpServers"]["pullcord"]
    assert server["command"] == "pullcord"
    how = StdioServerParameters(
        command=sys.executable,
        args=["-m", "pullcord", *server["args"]],
        env={**os.environ, **{name: value.replace("...", "0123") for name, value in server["env"].items()}},
    )
    with anyio.fail_after(300):
        async with Client(how) as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
    assert listed == set(callables(CATALOGUE))
