"""The documents: their links lead somewhere, and their commands are ones that there are."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.documents import DOCUMENTS, README, put
from tests.environment import ROOT

import pullcord
from pullcord.commands.hosts import CLIENTS
from pullcord.commands.options import COMMANDS, parsers
from pullcord.commands.usage import read

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
PAGES = {f"{PROJECT}/{path}" for path in ("issues", "security/advisories/new")}
"""What a project has at GitHub without a file of its own."""
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS = {"bash", "docker", "kubectl", "mcp-publisher", "pip", "pipx", "python", "twine", "uv"}
"""Programs that aren't ours: what they are told can only be tried by running them."""


def prose(text: str) -> str:
    """A document without its blocks of code, and without code in its lines."""
    return re.sub(r"`[^`]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [
    (name, link) for name, text in TEXTS.items() for link in sorted(set(re.findall(r"\]\(([^)\s]+)\)", prose(text))))
]


@pytest.mark.parametrize(("name", "link"), LINKS, ids=[f"{name}->{link}" for name, link in LINKS])
def test_a_link_leads_to_a_file_and_to_a_heading_of_it(name: str, link: str) -> None:
    if link.startswith(("https://", "http://")):
        assert not link.startswith(PROJECT) or link in PAGES, "a file of the project is named by its path"
        return
    path, _, anchor = link.partition("#")
    target = (ROOT / name).parent / path if path else ROOT / name
    assert target.exists()
    assert not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_table_ends_before_the_text_below_it_begins(name: str) -> None:
    assert re.findall(r"^\|.*\n([^|<\n].*)$", FENCE.sub("", TEXTS[name]), re.MULTILINE) == []


def test_the_readme_leads_to_every_document() -> None:
    targets = {(ROOT / link.partition("#")[0]).resolve() for name, link in LINKS if name == README.name}
    assert targets >= set(DOCUMENTS) - {README}


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len(TEXTS[README.name].split()) <= 1300


def test_the_newest_versions_are_those_that_are_mended() -> None:
    minor = pullcord.__version__.rpartition(".")[0]
    assert f"| {minor} | yes |" in TEXTS["SECURITY.md"]


def lines(text: str) -> Iterator[str]:
    """The commands of a document's consoles: lines behind a $, or where there is none all of them."""
    for language, block in FENCE.findall(text):
        if language == "console":
            shown = block.splitlines()
            yield from [line.removeprefix("$ ") for line in shown if line.startswith("$ ")] or shown


def mentions(text: str) -> Iterator[str]:
    """The calls of pullcord in a document's sentences; a command's name alone is none."""
    for code in re.findall(r"`([^`]+)`", FENCE.sub("", text)):
        words = code.split()
        if words[0] == "pullcord" and len(words) > 2:
            yield " ".join(words)


CALLS = [(name, line) for name, text in TEXTS.items() for line in sorted({*lines(text), *mentions(text)})]


@pytest.mark.parametrize(("name", "line"), CALLS, ids=[f"{name}: {line}" for name, line in CALLS])
def test_a_command_is_one_that_there_is(name: str, line: str) -> None:  # noqa: ARG001 - for the report
    program, *words = shlex.split(line, comments=True)
    if program == "pullcord":
        read(*parsers(), [next(iter(CLIENTS)) if word == "CLIENT" else word for word in words])
    elif program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[0]}:", makefile, re.MULTILINE)
    else:
        assert program in OTHERS


def named() -> dict[str, set[str]]:
    """The options that the documents name, by the command that they name before them."""
    found: dict[str, set[str]] = {}
    for text in TEXTS.values():
        for command, rest in re.findall(r"\bpullcord ([a-z]+)\b([^`\n]*)", text):
            found.setdefault(command, set()).update(re.findall(r"--[a-z-]+", rest))
    return found


def test_the_documents_name_every_command() -> None:
    assert named().keys() >= COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_is_named_with_a_command_is_one_of_its(command: str) -> None:
    _, commands = parsers()
    assert named()[command] <= set(re.findall(r"--[a-z-]+", commands[command].format_help()))


def test_every_option_of_serve_is_in_the_settings() -> None:
    _, commands = parsers()
    options = set(re.findall(r"--[a-z-]+", commands["serve"].format_help())) - {"--help"}
    assert options <= set(re.findall(r"--[a-z-]+", TEXTS["docs/settings.md"]))


def test_a_block_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# a\n<!-- x -->\nold\n<!-- /x -->\nb\n", encoding="utf-8")
    put(document, "x", "| new |\n")
    assert document.read_text(encoding="utf-8") == "# a\n<!-- x -->\n| new |\n<!-- /x -->\nb\n"


def test_a_document_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# a\n<!-- x -->\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no <!-- x -->"):
        put(document, "x", "| new |\n")
    assert document.read_text(encoding="utf-8") == "# a\n<!-- x -->\n"
