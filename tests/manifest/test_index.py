"""The file that tells of shipped platforms before their manifests are read; PULLCORD_GOLDEN=write writes it anew."""

import json
import os
from pathlib import Path

from pullcord.manifest import loading
from pullcord.manifest.index import NAME, Entry, index, manifest

UPDATE = os.environ.get("PULLCORD_GOLDEN") == "write"  # read here: no test sees settings of the machine's own


def entries() -> dict[str, Entry]:
    """What the manifests themselves say."""
    found: dict[str, Entry] = {}
    for path in loading.shipped():
        operations = loading.load([path]).values()
        (platform,) = {id(each.platform): each.platform for each in operations}.values()
        variables = [platform.url_env, *platform.variables.values(), *(key.env for key in platform.keys)]
        variables += [each.env for operation in operations for each in operation.parameters if each.env]
        variables += [each.listing.places.env for each in operations if each.listing and each.listing.places]
        found[platform.name] = Entry(platform.title, platform.listed_always, tuple(sorted({*variables})))
    return found


def test_the_index_says_what_the_manifests_say() -> None:
    path = Path(str(loading.folder())) / NAME
    if UPDATE:
        said = {name: entry._asdict() for name, entry in entries().items()}
        path.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert index() == entries()


def test_each_entry_names_its_manifest() -> None:
    assert [manifest(name) for name in index()] == loading.shipped()


def test_the_first_three_are_always_listed() -> None:
    assert [name for name, entry in index().items() if entry.listed_always] == ["everruns", "evershell", "xpander"]
