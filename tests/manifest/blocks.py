"""A mistake in each block: its name (#), the text that goes (-), the one that comes (+), and what is told (=)."""

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet


def blocks(*names: str) -> list[ParameterSet]:
    """Of each mistake the change, as the old text and the new one, and what is told of it.

    Args:
        names: of files beside this one. What stands in a file before its first empty line is said to people.
    """
    found: list[ParameterSet] = []
    for name in names:
        _, *rest = (Path(__file__).parent / name).read_text(encoding="utf-8").rstrip("\n").split("\n\n")
        for block in rest:
            lines: dict[str, list[str]] = {"#": [], "-": [], "+": [], "=": []}
            for line in block.splitlines():
                lines[line[0]].append(line[1:])
            change = "\n".join(lines["-"]), "\n".join(lines["+"])
            found.append(pytest.param(change, lines["="], id=lines["#"][0].strip()))
    return found
