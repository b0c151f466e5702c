"""The packages: what is in them, that they start, and that all of them say the same of pullcord.

The tests that start packages take what these need from Python's index, and a vendor's tool from npm's.
"""

import email
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from tests.bundle import lay_out, pack
from tests.environment import CACHE, ROOT
from tests.support import shipped

import pullcord
from pullcord.config import settings
from pullcord.manifest.document import parse
from pullcord.model.running import callables
from pullcord.serving.identity import WEBSITE

VERSION = pullcord.__version__
CATALOGUE = shipped()
PLATFORMS = settings.platforms(CATALOGUE).values()
KEYS = {key.env for platform in PLATFORMS for key in platform.keys}
NEEDED = KEYS | {env for platform in PLATFORMS for env in platform.variables.values()}
SETTINGS = (
    NEEDED
    | {platform.url_env for platform in PLATFORMS}
    | {parameter.env for each in CATALOGUE.values() for parameter in each.parameters if parameter.env}
    | {"PULLCORD_JOURNAL"}
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CONSTRAINTS = ROOT / "constraints.txt"
STARTING = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": "",
    "PIPX_HOME": str(CACHE / "pipx"),
    "PIP_CONSTRAINT": str(CONSTRAINTS),
    "UV_CACHE_DIR": str(CACHE / "uv"),
    "UV_CONSTRAINT": str(CONSTRAINTS),
    "UV_PYTHON": sys.executable,
}
"""What a starter is told: where its things are, and which versions to take."""
MANIFESTS = sorted((ROOT / "manifests" / "platforms").glob("*.yaml"))
NAME = "io.github.pullcord/pullcord"
HOME = PROJECT["urls"]["Homepage"]


class Built(NamedTuple):
    """The packages, built from the checkout."""

    wheel: Path
    sdist: Path


@pytest.fixture(name="built", scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return _build(ROOT, tmp_path_factory.mktemp("dist"))


def _build(source: Path, target: Path) -> Built:
    run(sys.executable, "-m", "hatchling", "build", "--directory", str(target), cwd=source)
    (wheel,) = target.glob("*.whl")
    (sdist,) = target.glob("*.tar.gz")
    return Built(wheel, sdist)


def run(*command: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(  # noqa: S603 - the tests' own commands
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path, pattern: str) -> set[str]:
    """The files of a folder, relative to it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern)}


class TestContents:
    def test_the_wheel_holds_the_modules_the_manifests_and_nothing_else(self, built: Built) -> None:
        info = f"pullcord-{VERSION}.dist-info"
        names = set(zipfile.ZipFile(built.wheel).namelist())
        assert names == {
            *(f"pullcord/{name}" for name in files(ROOT / "src" / "pullcord", "*.py")),
            "pullcord/py.typed",
            "pullcord/serving/panel.html",
            "pullcord/serving/skills/stop-agent-work/SKILL.md",
            "pullcord/manifests/index.json",
            *(f"pullcord/manifests/{path.name}" for path in MANIFESTS),
            *(f"pullcord/manifests/{path.stem}.json" for path in MANIFESTS),
            *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")),
        }

    def test_the_wheels_manifests_are_compiled_too(self, built: Built) -> None:
        with zipfile.ZipFile(built.wheel) as wheel:
            for path in MANIFESTS:
                compiled = wheel.read(f"pullcord/manifests/{path.stem}.json").decode()
                source = parse(path.name, path.read_text(encoding="utf-8"))
                assert json.loads(compiled) == parse("compiled.json", compiled).value == source.value

    def test_the_sdist_holds_what_tests_and_packages_are_made_of_and_nothing_else(self, built: Built) -> None:
        with tarfile.open(built.sdist) as sdist:
            names = {name.removeprefix(f"pullcord-{VERSION}/") for name in sdist.getnames()}
        top = {"src", "tests", "manifests", "docs"}
        alone = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile"}
        alone |= {"constraints.txt", "constraints-oldest.txt", "hatch_build.py"}
        assert {name for name in names if name.partition("/")[0] not in top} == alone | {"PKG-INFO", ".gitignore"}
        assert names >= {f"src/pullcord/{name}" for name in files(ROOT / "src" / "pullcord", "*.py")}
        assert names >= {f"tests/{name}" for name in files(ROOT / "tests", "*.py")}
        assert not [name for name in names if re.search(r"__pycache__|\.pyc$|/\.", name)]

    def test_the_readmes_links_lead_to_the_files_of_this_version(self, built: Built) -> None:
        with zipfile.ZipFile(built.wheel) as wheel:
            metadata = email.message_from_bytes(wheel.read(f"pullcord-{VERSION}.dist-info/METADATA"))
        assert metadata["Description-Content-Type"] == "text/markdown"
        links = re.findall(r"(!?)\[[^]]*\]\(([^)]+)\)", str(metadata.get_payload()))
        ours = {(mark, link.removeprefix(HOME)) for mark, link in links if link.startswith(HOME)}
        assert all(link.startswith("https://") for _, link in links)
        assert ("!", f"/raw/v{VERSION}/tests/recordings/demo.svg") in ours
        assert ("", f"/blob/v{VERSION}/docs/platforms.md") in ours

    def test_a_wheel_of_the_sdist_is_the_same_wheel(self, built: Built, tmp_path: Path) -> None:
        with tarfile.open(built.sdist) as sdist:
            sdist.extractall(tmp_path, filter="data")
        again = _build(tmp_path / f"pullcord-{VERSION}", tmp_path / "dist")

        def content(wheel: Path) -> dict[str, int]:
            return {each.filename: each.CRC for each in zipfile.ZipFile(wheel).infolist()}

        assert content(again.wheel) == content(built.wheel)


class TestStart:
    """As people start it who install nothing: from the wheel, in an environment that the starter makes."""

    @pytest.mark.parametrize(
        "starter",
        [
            ["pipx", "run", "--no-cache", "--spec"],
            ["uv", "tool", "run", "--quiet", "--from"],
        ],
    )
    def test_it_starts_from_the_wheel_with_all_its_manifests(self, built: Built, starter: list[str]) -> None:
        start = [*starter, str(built.wheel), "pullcord"]
        assert run(*start, "--version", environ=STARTING) == f"pullcord {VERSION}\n"
        told = json.loads(run(*start, "check", "--json", environ=STARTING))
        assert {each["platform"] for each in told["platforms"]} == {platform.name for platform in PLATFORMS}


def versions(constraints: Path) -> dict[str, str]:
    """The versions that a constraints file names, by package: nothing else may stand in it."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    named = [re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if line[0] != "#"]
    assert all(named), lines
    return {canonicalize_name(each[1]): each[2] for each in named if each}


def _requirements(named: Iterable[str]) -> tuple[Requirement, ...]:
    return tuple(map(Requirement, named))


class TestConstraints:
    """What development, CI and the newcomer install: exact versions."""

    running = _requirements(PROJECT["dependencies"])
    developing = _requirements(PROJECT["optional-dependencies"]["dev"])
    building = _requirements(PYPROJECT["build-system"]["requires"])

    @pytest.mark.parametrize("name", ["constraints.txt", "constraints-oldest.txt"])
    def test_they_name_a_version_that_is_allowed_of_whatever_is_named(self, name: str) -> None:
        named = versions(ROOT / name)
        for each in (*self.running, *self.developing, *self.building):
            assert each.specifier.contains(named[canonicalize_name(each.name)]), each

    def test_the_oldest_are_the_lower_bounds_of_what_pullcord_runs_on(self) -> None:
        named = versions(ROOT / "constraints-oldest.txt")
        bounds = {canonicalize_name(each.name): _bound(each) for each in self.running}
        assert {name: Version(named[name]) for name in bounds} == bounds


def _bound(requirement: Requirement) -> Version:
    (bound,) = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
    return bound


def test_the_workflow_runs_on_every_python_that_the_package_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    named = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.[0-9]+$", each)]
    assert workflow["jobs"]["run"]["strategy"]["matrix"]["python"] == named
    assert workflow["jobs"]["run"]["steps"][-1] == {"run": "bash .ci/run"}


class TestRegistry:
    """server.json of the MCP registry, by the rules of its schema of 2025-12-11."""

    server: dict[str, Any] = json.loads((ROOT / "manifests" / "registry" / "server.json").read_text(encoding="utf-8"))

    def test_it_has_what_the_registry_wants_within_its_limits(self) -> None:
        server = self.server
        assert server["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
        assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", server["name"])
        assert 1 <= len(server["description"]) <= 100
        assert 1 <= len(server["title"]) <= 100
        assert not server.keys() - {"$schema", "name", "title", "description", "version", "packages"}

    def test_it_is_this_project_at_this_version(self) -> None:
        (package,) = self.server["packages"]
        assert (self.server["name"], self.server["version"]) == (NAME, VERSION)
        assert self.server["description"].lower() in PROJECT["description"].lower()
        assert package["registryType"] == "pypi"
        assert (package["identifier"], package["version"]) == (PROJECT["name"], VERSION)
        assert package["transport"] == {"type": "stdio"}
        assert package["packageArguments"] == [{"type": "positional", "value": "serve"}]
        assert f"<!-- mcp-name: {NAME} -->" in (ROOT / "README.md").read_text(encoding="utf-8")

    def test_it_names_every_variable_that_pullcord_reads_and_keeps_the_keys_secret(self) -> None:
        variables = self.server["packages"][0]["environmentVariables"]
        assert {each["name"]: each.get("isSecret", False) for each in variables} == {
            name: name in KEYS for name in SETTINGS
        }
        assert len(variables) == len(SETTINGS)
        for each in variables:
            assert each["description"]
            assert each["format"] in {"string", "filepath"}
            assert not each.keys() - {"name", "description", "isSecret", "format"}


class TestCatalogues:
    """What catalogues of MCP servers read in the project's root."""

    def test_smithery_asks_for_what_the_desktop_bundle_asks_for(self) -> None:
        start = yaml.safe_load((ROOT / "smithery.yaml").read_text(encoding="utf-8"))["startCommand"]
        questions = TestBundle.bundle["user_config"]
        assert start["type"] == "stdio"
        assert start["configSchema"]["properties"] == {
            name: {"type": "string", "title": each["title"], "description": each["description"], "default": ""}
            for name, each in questions.items()
        }
        assert "command: 'pullcord', args: ['serve']" in " ".join(start["commandFunction"].split())

    def test_glama_is_told_the_namespace_that_the_registry_knows(self) -> None:
        glama = json.loads((ROOT / "glama.json").read_text(encoding="utf-8"))
        assert glama["maintainers"] == [NAME.split("/", maxsplit=1)[0].removeprefix("io.github.")]

    def test_the_projects_pages_are_those_of_its_namespace(self) -> None:
        home = f"https://github.com/{NAME.removeprefix('io.github.')}"
        assert all(url.startswith(home) for url in PROJECT["urls"].values())
        assert PROJECT["urls"]["Homepage"] == home == WEBSITE


class TestBundle:
    """The desktop bundle."""

    bundle: dict[str, Any] = json.loads((ROOT / "manifests" / "mcpb" / "manifest.json").read_text(encoding="utf-8"))

    def test_it_is_this_project_at_this_version(self) -> None:
        bundle = self.bundle
        assert (bundle["name"], bundle["version"]) == (PROJECT["name"], VERSION)
        assert bundle["description"] == TestRegistry.server["description"]
        assert (bundle["license"], bundle["keywords"]) == (PROJECT["license"], PROJECT["keywords"])
        assert bundle["compatibility"]["runtimes"]["python"] == PROJECT["requires-python"]
        assert (ROOT / bundle["server"]["entry_point"]).exists()

    def test_it_lists_the_tools_of_the_catalogue(self) -> None:
        assert self.bundle["tools"] == [
            {"name": each.id, "description": each.title} for each in callables(CATALOGUE).values()
        ]

    def test_it_asks_for_what_is_needed_and_keeps_the_keys_secret(self) -> None:
        questions = self.bundle["user_config"]
        assert self.bundle["server"]["mcp_config"]["env"] == {
            name: f"${{user_config.{name.lower()}}}" for name in self.bundle["server"]["mcp_config"]["env"]
        }
        assert {name.upper() for name in questions} == set(self.bundle["server"]["mcp_config"]["env"]) == NEEDED
        assert {name.upper() for name, each in questions.items() if each.get("sensitive")} == KEYS
        # What is left empty must reach pullcord as empty, not as the placeholder.
        assert all(each["default"] == "" and each["required"] is False for each in questions.values())

    @pytest.mark.npm
    def test_the_official_tool_takes_it(self, tmp_path: Path) -> None:
        pack(tmp_path / "pullcord.mcpb")
        names = set(zipfile.ZipFile(tmp_path / "pullcord.mcpb").namelist())
        assert {
            "manifest.json",
            "pyproject.toml",
            "src/pullcord/__main__.py",
            "manifests/platforms/everruns.yaml",
        } <= names
        assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]

    def test_its_command_starts_where_the_bundle_is_unpacked(self, tmp_path: Path) -> None:
        lay_out(tmp_path)
        with (tmp_path / "pyproject.toml").open("a", encoding="utf-8") as project:
            pinned = json.dumps([f"{name}=={version}" for name, version in versions(CONSTRAINTS).items()])
            project.write(f"[tool.uv]\nconstraint-dependencies = {pinned}\n")
        started = self.bundle["server"]["mcp_config"]
        words = [word.replace("${__dirname}", str(tmp_path)) for word in started["args"]]
        assert words.pop() == "serve"
        assert run(started["command"], *words, "--version", environ=STARTING) == f"pullcord {VERSION}\n"
