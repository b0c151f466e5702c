"""The documents, and the blocks in them that are made from the code, each between its marks.

PULLCORD_GOLDEN=write, in the environment of the tests that hold a block, writes it anew.
"""

import os
import re
from pathlib import Path

from tests.environment import ROOT

README = ROOT / "README.md"
DOCS = tuple(sorted((ROOT / "docs").glob("*.md")))
DOCUMENTS = (README, *DOCS, *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")))
UPDATE = os.environ.get("PULLCORD_GOLDEN") == "write"  # read here: no test sees settings of the machine's own


def doc(name: str) -> Path:
    """A document of docs/, by its name without the ending."""
    return ROOT / "docs" / f"{name}.md"


def put(document: Path, name: str, block: str) -> None:
    """Write a block anew.

    Args:
        document: the file.
        name: the block's, as its marks have it.
        block: its lines; the last one ends, too.

    Raises:
        ValueError: the document has no such marks.
    """
    text = document.read_text(encoding="utf-8")
    if not _between(name).search(text):
        raise ValueError(f"{document} has no <!-- {name} --> and <!-- /{name} --> to write between")
    document.write_text(_between(name).sub(lambda _: block, text), encoding="utf-8")


def hold(document: Path, name: str, block: str) -> None:
    """Hold a block to what it should be, or write it anew where that is asked for.

    Args:
        document: the file.
        name: the block's, as its marks have it.
        block: its lines; the last one ends, too.
    """
    if UPDATE:
        put(document, name, block)
    assert _between(name).findall(document.read_text(encoding="utf-8")) == [block], (
        f"the block {name} of {document.name} is out of date: run the tests with PULLCORD_GOLDEN=write"
    )


def _between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
