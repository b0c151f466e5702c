"""docs/manifest.md: each example in it is read as a manifest's part is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pullcord.manifest.document import parse
from pullcord.manifest.openapi import SUBSET
from pullcord.model.value import Json

TEXT = (Path(__file__).parents[2] / "docs" / "manifest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
KEYWORDS = {key.rstrip("!") for keys in SUBSET.values() for key in keys.split()}


def keys(value: Json) -> Iterator[str]:
    """Every key of a value, at any depth."""
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        case list():
            for inner in value:
                yield from keys(inner)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_uses_keywords_that_are_read(example: str) -> None:
    found = set(keys(parse("docs/manifest.md", example).value))
    assert found
    assert {key for key in found if key.startswith("x-")} <= KEYWORDS
