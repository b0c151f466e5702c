"""An index of the shipped platforms, in a small file beside their manifests.

So a start reads the manifests of the named platforms only. A test compares the file with the manifests.
"""

import json
from importlib.resources.abc import Traversable
from typing import NamedTuple

from pullcord.manifest.loading import folder

NAME = "index.json"


class Entry(NamedTuple):
    """A shipped platform."""

    title: str
    listed_always: bool
    """Whether its tools are listed although the operator did not name it."""
    variables: tuple[str, ...]
    """The environment variables that it reads."""


def index() -> dict[str, Entry]:
    """The shipped platforms, by name."""
    entries = json.loads((folder() / NAME).read_text(encoding="utf-8"))
    return {
        name: Entry(each["title"], each["listed_always"], tuple(each["variables"])) for name, each in entries.items()
    }


def manifest(name: str) -> Traversable:
    """The manifest file of a shipped platform: the JSON that the build of the package made, or else the YAML."""
    compiled = folder() / f"{name}.json"
    return compiled if compiled.is_file() else folder() / f"{name}.yaml"
