"""What is known of the shipped platforms without reading their manifests, from a small file beside them.

A start that names few platforms reads the manifests of these alone. A test holds the file against the manifests.
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
    """Whether its tools are listed although nobody named it."""
    variables: tuple[str, ...]
    """The environment variables that it reads."""


def index() -> dict[str, Entry]:
    """The shipped platforms, by name."""
    found = json.loads((folder() / NAME).read_text(encoding="utf-8"))
    return {name: Entry(each["title"], each["listed_always"], tuple(each["variables"])) for name, each in found.items()}


def manifest(name: str) -> Traversable:
    """The manifest of a shipped platform: the JSON that the package's build made of it, or else the YAML."""
    compiled = folder() / f"{name}.json"
    return compiled if compiled.is_file() else folder() / f"{name}.yaml"
