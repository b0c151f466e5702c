"""The packages: what is in them, that they start, and that all of them say the same of pullcord.

The tests that start packages, or use a vendor's tool, take these from the registries of Python and npm.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.bundle import lay_out, pack
from tests.environment import CACHE, ROOT, venv

import pullcord
from pullcord.config import settings
from pullcord.manifest import loading

VERSION = pullcord.__version__
CATALOGUE = loading.load(loading.shipped())
PLATFORMS = settings.platforms(CATALOGUE).values()
KEYS = {key.env for platform in PLATFORMS for key in platform.keys}
NEEDED = KEYS | {env for platform in PLATFORMS for env in platform.variables.values()}
SETTINGS = (
    NEEDED
    | {platform.url_env for platform in PLATFORMS}
    | {parameter.env for each in CATALOGUE.values() for parameter in each.parameters if parameter.env}
    | {"PULLCORD_JOURNAL"}
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STARTERS = ("pipx==1.18.4", "uv==0.13.9")
NAME = "io.github.pullcord/pullcord"


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
            "pullcord/manifests/index.json",
            *(f"pullcord/manifests/{path.name}" for path in (ROOT / "manifests" / "platforms").glob("*.yaml")),
            *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")),
        }

    def test_the_sdist_holds_what_tests_and_packages_are_made_of_and_nothing_else(self, built: Built) -> None:
        with tarfile.open(built.sdist) as sdist:
            names = {name.removeprefix(f"pullcord-{VERSION}/") for name in sdist.getnames()}
        top = {"src", "tests", "manifests", "docs"}
        alone = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"}
        assert {name for name in names if name.partition("/")[0] not in top} == alone | {"PKG-INFO", ".gitignore"}
        assert names >= {f"src/pullcord/{name}" for name in files(ROOT / "src" / "pullcord", "*.py")}
        assert names >= {f"tests/{name}" for name in files(ROOT / "tests", "*.py")}
        assert not [name for name in names if re.search(r"__pycache__|\.pyc$|/\.", name)]

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
            ["uv", "tool", "run", "--quiet", "--python", sys.executable, "--from"],
        ],
    )
    def test_it_starts_from_the_wheel_with_all_its_manifests(self, built: Built, starter: list[str]) -> None:
        home = venv("starters", *STARTERS)
        places = {"PIPX_HOME": str(CACHE / "pipx"), "UV_CACHE_DIR": str(CACHE / "uv")}
        places |= {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": ""}
        start = [str(home / "bin" / starter[0]), *starter[1:], str(built.wheel), "pullcord"]
        assert run(*start, "--version", environ=places) == f"pullcord {VERSION}\n"
        told = json.loads(run(*start, "check", "--json", environ=places))
        assert {each["platform"] for each in told["platforms"]} == {platform.name for platform in PLATFORMS}


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
        assert self.bundle["tools"] == [{"name": each.id, "description": each.title} for each in CATALOGUE.values()]

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
        home = venv("starters", *STARTERS)
        started = self.bundle["server"]["mcp_config"]
        words = [word.replace("${__dirname}", str(tmp_path)) for word in started["args"]]
        assert words.pop() == "serve"
        places = {"UV_CACHE_DIR": str(CACHE / "uv"), "UV_PYTHON": sys.executable, "PYTHONPATH": ""}
        assert (
            run(str(home / "bin" / started["command"]), *words, "--version", environ=places) == f"pullcord {VERSION}\n"
        )
