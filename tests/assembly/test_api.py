"""The public names: what each takes and gives changes only in a diff that somebody reads, and a start imports none.

PULLCORD_GOLDEN=write pytest tests/assembly/test_api.py writes the listing anew.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import pullcord

GOLDEN = Path(__file__).parent / "golden" / "api.txt"
REWRITE = os.environ.get("PULLCORD_GOLDEN") == "write"  # read here: no test sees settings of the machine's own
ROOT = Path(pullcord.__file__).parent
HOMES = {
    alias.name: node.module or ""
    for node in ast.walk(ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
    if (node.module or "").startswith("pullcord.")
}
"""The module of each public name, as type checkers see it."""


def listing() -> Iterator[str]:
    """A line for each public name and each public member, as the source has them."""
    for name in sorted(HOMES):
        tree = ast.parse((ROOT.parent / f"{HOMES[name].replace('.', '/')}.py").read_text(encoding="utf-8"))
        (node,) = (each for each in tree.body if name in defined(each))
        yield from lines(node, "")


def defined(node: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Assign():
            return [ast.unparse(target) for target in node.targets]
        case ast.AnnAssign():
            return [ast.unparse(node.target)]
    return []


def lines(node: ast.stmt, indent: str) -> Iterator[str]:
    """The lines about a definition."""
    match node:
        case ast.ClassDef():
            yield f"{indent}class {node.name}({', '.join(map(ast.unparse, [*node.bases, *node.keywords]))})"
            for each in node.body:
                if all(name == "__init__" or not name.startswith("_") for name in defined(each)):
                    yield from lines(each, f"{indent}    ")
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            words = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
            for decorator in node.decorator_list:
                yield f"{indent}@{ast.unparse(decorator)}"
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            yield f"{indent}{words} {node.name}({ast.unparse(node.args)}){returns}"
        case ast.Assign() | ast.AnnAssign():
            yield f"{indent}{ast.unparse(node)}"


def test_the_public_names_are_the_golden_ones() -> None:
    text = "\n".join(listing()) + "\n"
    if REWRITE:
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text


def test_every_public_name_is_there_and_comes_from_the_module_that_type_checkers_see() -> None:
    assert {*pullcord.__all__} == {*HOMES, "__version__"}
    for name, home in HOMES.items():
        assert getattr(pullcord, name) is getattr(import_module(home), name)
    with pytest.raises(AttributeError, match="module 'pullcord' has no attribute 'nothing'"):
        getattr(pullcord, "nothing")  # noqa: B009 - mypy would refuse the plain name


def run(code: str) -> list[str]:
    """What another Python prints, whose warnings are errors."""
    process = subprocess.run(  # noqa: S603 - this Python, and code of this file
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


def test_importing_pullcord_imports_nothing_of_it() -> None:
    assert run("import sys, pullcord; print(*(name for name in sys.modules if 'pullcord' in name))") == ["pullcord"]


@pytest.mark.parametrize("name", sorted(HOMES))
def test_a_name_is_imported_without_a_warning(name: str) -> None:
    assert run(f"from pullcord import {name} as it; print(it is not None)") == ["True"]


def test_a_cord_needs_neither_mcp_nor_a_web_server() -> None:
    modules = run("import sys, pullcord; pullcord.Cord(); print(*sys.modules)")
    assert {"mcp", "starlette", "uvicorn"} & {*modules} == set()
