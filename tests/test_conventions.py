"""What the source as a whole keeps to, held against its syntax trees."""

import ast
import graphlib
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import pullcord
from pullcord.manifest.index import index
from pullcord.model.listing import PageStyle
from pullcord.serving.identity import WEBSITE

ROOT = Path(pullcord.__file__).parent
EVERYTHING = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}
"""The syntax tree of each module, by its name below pullcord."""
MODULES = {name: tree for name, tree in EVERYTHING.items() if not name.startswith("sandbox.")}
PURE = [name for name, tree in MODULES.items() if re.search(r"\bPure\b", ast.get_docstring(tree) or "")]
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "manifest": {"model"},
    "config": {"model"},
    "upstream": {"model", "config"},
    "flow": {"model", "config", "upstream"},
    "serving": {"model", "config", "flow"},
    "assembly": {"model", "manifest", "config", "upstream", "flow", "serving", "sandbox"},
    "commands": {"model", "manifest", "config", "upstream", "flow", "serving", "assembly"},
    "sandbox": set(),
}
"""Which other packages each package may import."""
NO_NOUNS = {
    *("added", "asked", "became", "called", "came", "chosen", "done", "fitting", "found", "given", "gone", "heard"),
    *("judged", "kept", "known", "led", "learnt", "looked", "made", "marked", "meant", "mine", "named", "needed"),
    *("offered", "reached", "said", "seen", "shown", "showed", "taken", "theirs", "there", "told", "wanted", "written"),
}
"""Words that tell a reader of a function nothing of what a name stands for."""
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
LATE = {
    "__init__": "a public name is imported when it is first used",
    "commands.serve": "elicitation is imported only with --confirm",
    "serving.server": "elicitation is imported only with --confirm",
    "upstream.gateway": "what speaks HTTP is imported by the first call",
}
"""Modules that need a type for annotations alone, and why a start must not import it."""


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
    found = {name.removeprefix("pullcord.") for name in imported(tree) if name.startswith("pullcord.")}
    return {name if name in EVERYTHING else name.rpartition(".")[0] or name for name in found}


def package(name: str) -> str:
    """The package that a module is in."""
    return name.partition(".")[0]


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"commands.hosts"}))  # some hosts are platforms, too
def test_no_module_outside_of_the_sandbox_names_a_platform(name: str) -> None:
    entries = index().items()
    words = {word for each, entry in entries for word in (each, *(env.split("_")[0] for env in entry.variables))}
    platforms = {word.lower() for word in words} - {*PageStyle}  # a cursor is also how a list goes on
    text = (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8").lower()
    text = text.replace(WEBSITE, "")  # a project may have its page on a platform
    assert len(platforms) >= 3
    assert [word for word in platforms if re.search(rf"(?<![a-z]){word}(?![a-z])", text)] == []


def test_every_package_says_whom_it_may_import() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == MAY_IMPORT.keys(), "a package has a row in MAY_IMPORT, and in docs/architecture.md"


@pytest.mark.parametrize("name", [name for name in EVERYTHING if "." in name])
def test_a_module_imports_only_packages_that_its_own_may(name: str) -> None:
    packages = {package(each) for each in ours(EVERYTHING[name])} - {package(name), "__version__"}
    allowed = MAY_IMPORT.get(package(name), set())
    assert packages <= allowed, "move what is shared down, to a package that both may import"


def test_imports_go_one_way() -> None:
    graph = {name: ours(tree) & EVERYTHING.keys() for name, tree in EVERYTHING.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError with the circle in it


def test_packages_import_one_way() -> None:
    assert list(graphlib.TopologicalSorter(MAY_IMPORT).static_order())


@pytest.mark.parametrize("name", [name for name in MODULES if "." in name])
def test_a_folder_bans_what_it_may_not_speak(name: str) -> None:
    """No file is exempt from all bans: each package has its own, and ruff reads them."""
    bans = tomllib.loads((ROOT / package(name) / "ruff.toml").read_text(encoding="utf-8"))
    assert bans["lint"]["flake8-tidy-imports"]["banned-api"]
    assert all(ban["msg"] for ban in bans["lint"]["flake8-tidy-imports"]["banned-api"].values())


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_module_is_of_readable_length(name: str) -> None:
    text = (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, "split it by what it does"


def test_the_vocabulary_imports_nothing_of_ours() -> None:
    assert ours(MODULES["model.errors"]) == set()


def test_the_command_line_is_imported_by_nobody_but_the_start() -> None:
    assert {name for name, tree in MODULES.items() if "commands.main" in ours(tree)} == {"__main__"}


def test_these_modules_call_themselves_pure() -> None:
    assert {
        "config.surface",
        "flow.actions",
        "flow.listing",
        "flow.render",
        "flow.verdict",
        "model.arguments",
        "serving.tools",
        "upstream.problem",
        "upstream.request",
    } <= set(PURE)


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_opens_no_door(name: str) -> None:
    tree = MODULES[name]
    doors = {each for each in imported(tree) for door in DOORS if each == door or each.startswith(f"{door}.")}
    assert doors == set()
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global)]
    now = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"now", "today", "utcnow"}
    assert not now or name == "upstream.problem", "it looks at the clock only where a reply has no Date"


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_public_name_says_what_it_is(name: str) -> None:
    tree = EVERYTHING[name]
    assert ast.get_docstring(tree), "the module"
    for node, public in walk(tree):
        if public and isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            assert ast.get_docstring(node), node.name


def walk(node: ast.AST, *, public: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """The definitions of a module and of its classes, and whether each is public; not those inside of functions."""
    for child in ast.iter_child_nodes(node):
        is_public = public and not getattr(child, "name", "").startswith("_")
        yield child, is_public
        if isinstance(child, ast.ClassDef):
            yield from walk(child, public=is_public)


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_public_function_with_two_or_more_parameters_says_what_each_is(name: str) -> None:
    tree = EVERYTHING[name]
    inherited = {definition for each in classes(name) for definition in inherited_definitions(each)}
    lacking = [
        node.name
        for node, public in walk(tree)
        if public
        and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len(parameters(node)) > 1
        and (node.name, node.lineno) not in inherited
        and set(described(node)) != set(parameters(node))
    ]
    assert lacking == []


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The parameters that a caller gives; an underscore marks those that are not used."""
    arguments = node.args
    variadic = [each for each in (arguments.vararg, arguments.kwarg) if each]
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *variadic)]
    return [name for name in names if name not in {"self", "cls"} and not name.startswith("_")]


def described(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names in the section Args of a docstring (Google style)."""
    _, _, section = (ast.get_docstring(node) or "").partition("Args:\n")
    return re.findall(r"^    (\w+): ", section.partition("\n\n")[0], re.MULTILINE)


def classes(name: str) -> Iterator[type]:
    """The classes that a module defines; a module without any is not imported, since that may start a program."""
    if not any(isinstance(node, ast.ClassDef) for node in EVERYTHING[name].body):
        return
    module = importlib.import_module(f"pullcord.{name}".removesuffix(".__init__"))
    yield from (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__)


def inherited_definitions(owner: type) -> Iterator[tuple[str, int]]:
    """The name and line of each method that a class has from a base class, which describes it."""
    bases = [base for base in owner.__mro__[1:] if base is not object]
    for name, method in vars(owner).items():
        if inspect.isfunction(method) and any(name in vars(base) for base in bases):
            yield name, method.__code__.co_firstlineno


@pytest.mark.parametrize("name", EVERYTHING)
def test_locals_are_called_by_nouns(name: str) -> None:
    names = {
        each
        for node in ast.walk(EVERYTHING[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for each in local_names(node)
    }
    assert names & NO_NOUNS == set()


def local_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[str]:
    """The parameters of a function, and the names that it assigns."""
    yield from (each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg))
    yield from (each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    yield from (each.name for each in ast.walk(node) if isinstance(each, ast.MatchAs | ast.MatchStar) and each.name)


def test_annotations_are_written_in_one_style() -> None:
    """They are read at run time, and what they name is imported at the top, but where a start does without it."""
    names = {name: set(imported(tree)) for name, tree in EVERYTHING.items()}
    assert [name for name, each in names.items() if any(one.startswith("__future__.") for one in each)] == []
    assert {name for name, each in names.items() if "typing.TYPE_CHECKING" in each} == LATE.keys()


def test_the_environment_is_read_in_one_place() -> None:
    reading = {
        name
        for name, tree in EVERYTHING.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert reading == {"commands.main"}
