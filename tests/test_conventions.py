"""What the source as a whole keeps to, held against its syntax trees."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import shipped

import pullcord

ROOT = Path(pullcord.__file__).parent
MODULES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("*.py"))}
EVERYTHING = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}
PURE = [name for name, tree in MODULES.items() if re.search(r"\bPure\b", ast.get_docstring(tree) or "")]
DOORS = {
    "anyio",
    "asyncio",
    "ctypes",
    "datetime.datetime.now",
    "http",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "yaml",
}
"""Modules that lead out of the process, or to what differs from call to call."""


def imported(tree: ast.AST) -> Iterator[str]:
    """The full names that a module imports, also inside of its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(tree: ast.AST) -> set[str]:
    """The modules of ours that a module imports."""
    names = {name.split(".")[1] for name in imported(tree) if name.startswith("pullcord.")}
    return names & {*MODULES, "sandbox"}


@pytest.mark.parametrize("name", MODULES)
def test_no_module_outside_of_the_sandbox_names_a_platform(name: str) -> None:
    platforms = {
        word for each in shipped().values() for word in (each.platform.name, each.platform.key.env.split("_")[0])
    }
    text = (ROOT / f"{name}.py").read_text(encoding="utf-8").lower()
    assert len(platforms) >= 3
    assert [word for word in platforms if word.lower() in text] == []


def test_the_sandbox_is_known_to_those_only_who_start_it() -> None:
    assert {name for name, tree in MODULES.items() if "sandbox" in ours(tree)} == {"cli"}


def test_imports_go_one_way() -> None:
    graph = {name: ours(tree) - {"sandbox"} for name, tree in MODULES.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError with the circle in it


@pytest.mark.parametrize("name", ["errors", "operation"])
def test_the_vocabulary_imports_nothing_of_ours(name: str) -> None:
    assert ours(MODULES[name]) == set()


def test_the_command_line_is_imported_by_nobody_but_the_start() -> None:
    assert {name for name, tree in MODULES.items() if "cli" in ours(tree)} == {"__main__"}


def test_the_server_is_imported_by_nobody_but_those_who_serve() -> None:
    assert {name for name, tree in MODULES.items() if "server" in ours(tree)} <= {"cli", "http"}


def test_the_loader_knows_nothing_of_calls() -> None:
    """What a manifest may say is known without HTTP, MCP or a running call."""
    seen = {"manifest"}
    while more := {name for each in seen for name in ours(MODULES[each])} - seen:
        seen |= more
    assert seen == {
        "arguments",
        "clean",
        "document",
        "errors",
        "keywords",
        "listing",
        "manifest",
        "operation",
        "pointer",
        "settings",
        "spot",
    }


def test_these_modules_call_themselves_pure() -> None:
    assert {"actions", "arguments", "listing", "outcome", "problem", "request", "result", "scope", "tools"} <= set(PURE)


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_opens_no_door(name: str) -> None:
    tree = MODULES[name]
    doors = {each for each in imported(tree) for door in DOORS if each == door or each.startswith(f"{door}.")}
    assert doors == set()
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global)]
    now = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"now", "today", "utcnow"}
    assert not now or name == "problem", "it looks at the clock only where a reply has no Date"


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_name_says_what_it_is(path: Path) -> None:
    tree = EVERYTHING[path]
    assert ast.get_docstring(tree), "the module"
    for node, public in walk(tree):
        if public and isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            assert ast.get_docstring(node), f"{path.name}: {node.name}"


def walk(node: ast.AST, *, public: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """The definitions of a module and of its classes; those inside of functions are nobody else's."""
    for child in ast.iter_child_nodes(node):
        shown = public and not getattr(child, "name", "").startswith("_")
        yield child, shown
        if isinstance(child, ast.ClassDef):
            yield from walk(child, public=shown)


def test_the_environment_is_read_in_one_place() -> None:
    reading = {
        path.name
        for path, tree in EVERYTHING.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert reading == {"cli.py"}
