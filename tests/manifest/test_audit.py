"""What a manifest says in vain.

One mistake, one note: vain.txt makes one mistake at a time in a manifest that says nothing in vain.
"""

import re
from pathlib import Path

import pytest
from tests.manifest.blocks import blocks

from pullcord.manifest import loading
from pullcord.manifest.audit import audit
from pullcord.manifest.sample import sample
from pullcord.model.errors import ManifestError

FINE = sample("acme")
OPERATIONS = {
    "cancel": "/paths/~1runs~1{run_id}~1cancel/post",
    "look": "/paths/~1runs~1{run_id}/get",
    "list": "/paths/~1runs/get",
}


@pytest.mark.parametrize(("change", "told"), blocks("vain.txt"))
def test_what_is_said_in_vain_is_told_with_its_place_and_why(change: tuple[str, str], told: list[str]) -> None:
    old, new = change
    assert old in FINE
    notes = audit("acme.yaml", FINE.replace(old, new, 1))
    found = [re.sub(r"^acme\.yaml:\d+ ", "", note) for note in notes]
    for name, place in OPERATIONS.items():
        found = [f"{name}{note.removeprefix(place)}" if note.startswith(place) else note for note in found]
    assert found == told


def test_the_start_says_nothing_in_vain() -> None:
    assert audit("acme.yaml", FINE) == []


@pytest.mark.parametrize("path", loading.shipped(), ids=lambda path: path.name)
def test_a_shipped_manifest_says_nothing_in_vain(path: Path) -> None:
    assert audit(path.name, path.read_text(encoding="utf-8")) == []


def test_without_any_place_no_error_that_is_json_counts_and_other_errors_need_none() -> None:
    place = FINE[FINE.index("x-problem:") : FINE.index("paths:")]
    bare = FINE.replace(place, "")
    (note,) = audit("acme.yaml", bare)
    assert note.startswith("acme.yaml:5 /: no JSON counts as an error here")
    for media in ("application/problem+json", "text/plain"):
        assert audit("acme.yaml", bare.replace("&error {application/json: {", f"&error {{{media}: {{")) == []


def test_a_manifest_with_faults_is_told_those() -> None:
    with pytest.raises(ManifestError, match="x is not supported in a document"):
        audit("acme.yaml", "x: 1")


def test_of_a_parameter_that_names_nothing_no_name_is_proposed() -> None:
    broken = FINE.replace("#/components/parameters/run_id", "#/components/parameters/none", 1)
    with pytest.raises(ManifestError, match="which cancel_acme_run doesn't take; write one of wait_seconds, reason"):
        audit("acme.yaml", broken)
