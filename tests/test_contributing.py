"""CONTRIBUTING.md and docs/architecture.md: a newcomer finds the packages, the walk of a call, and what to change."""

import ast
import re
from pathlib import Path

import pytest
from tests.documents import doc
from tests.test_conventions import EVERYTHING, MAY_IMPORT, ROOT

PROJECT = Path(__file__).parents[1]
CONTRIBUTING, ARCHITECTURE = (
    path.read_text(encoding="utf-8") for path in (PROJECT / "CONTRIBUTING.md", doc("architecture"))
)


def rows(text: str) -> list[list[str]]:
    """The rows of a document's tables, as their cells."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]


PACKAGES = [row for row in rows(ARCHITECTURE) if row[0].endswith("/`")]
PLACES = [row for row in rows(CONTRIBUTING) if row[2].startswith("`")]


def test_the_table_of_packages_says_what_the_packages_and_the_tests_say() -> None:
    assert {
        name.strip("`/"): (rule, {each for each in imports.split(", ") if each}) for name, rule, imports in PACKAGES
    } == {
        name: ((ast.get_docstring(EVERYTHING[f"{name}.__init__"]) or "").splitlines()[0], imports)
        for name, imports in MAY_IMPORT.items()
    }


@pytest.mark.parametrize("row", PLACES, ids=[row[0] for row in PLACES])
def test_each_place_is_where_it_is_said_to_be(row: list[str]) -> None:
    _, name, path = (cell.strip("`") for cell in row)
    assert name in defined(EVERYTHING[path.removesuffix(".py").replace("/", ".")])


def defined(tree: ast.Module) -> set[str]:
    """The names that a module defines at its top."""
    named = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    assigned = {
        each.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for each in ast.walk(target)
        if isinstance(each, ast.Name)
    }
    return named | assigned


@pytest.mark.parametrize("path", sorted(set(re.findall(r"[\w./-]+\.py\b", CONTRIBUTING + ARCHITECTURE))))
def test_each_module_that_is_named_exists(path: str) -> None:
    assert any((folder / path).is_file() for folder in (PROJECT, ROOT))
