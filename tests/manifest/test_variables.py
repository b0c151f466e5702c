"""Which environment variables a manifest may have its platform read."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.depot import changed, own

from pullcord.manifest import loading
from pullcord.model.errors import ManifestError


def written(place: Path, text: str) -> Path:
    """A manifest as a file."""
    path = place / f"{len(list(place.iterdir()))}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(paths: Sequence[Path], given: Sequence[Path] = ()) -> list[str]:
    """What is wrong with manifests, each fault from its pointer on."""
    with pytest.raises(ManifestError) as caught:
        loading.load(paths, given)
    return [fault.partition(" ")[2] for fault in caught.value.faults]


def test_a_users_own_manifest_reads_only_variables_that_are_called_so(tmp_path: Path) -> None:
    mine = written(tmp_path, own())
    assert {key.env for each in loading.load([], [mine]).values() for key in each.platform.keys} == {
        "PULLCORD_PLATFORM_DEPOT_KEY"
    }
    rule = "write PULLCORD_PLATFORM_DEPOT_..., since a platform reads only variables of its own"
    assert refused([], [written(tmp_path, changed())]) == [
        f"/servers/0/x-env: DEPOT_URL may be somebody else's; {rule}",
        f"/servers/0/variables/tenant/x-env: DEPOT_TENANT may be somebody else's; {rule}",
        f"/paths/~1runs~1{{run_id}}~1cancel/parameters/2/x-env: DEPOT_YARD may be somebody else's; {rule}",
        f"/components/securitySchemes/key/x-env: DEPOT_KEY may be somebody else's; {rule}",
    ]


def test_where_the_platforms_name_has_a_fault_its_variables_are_told_only_whose_they_must_be(tmp_path: Path) -> None:
    misnamed = own(("x-platform: depot", "x-platform: De Pot")).replace("PULLCORD_PLATFORM_DEPOT_URL", "DEPOT_URL")
    name, variable = refused([], [written(tmp_path, misnamed)])
    assert name.endswith("'De Pot' does not fit; write a short name of a-z 0-9 _ -, a letter first, such as acme")
    assert variable.startswith("/servers/0/x-env: DEPOT_URL may be somebody else's; write PULLCORD_PLATFORM_..., since")


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "DEPOTKEY", "DEPOT_", "ADEPOT_KEY", "PULLCORD_STATE_KEY", "PULLCORD_PLATFORM_DEPOT_KEY"]
)
def test_a_shipped_manifest_reads_only_variables_of_its_platform(name: str, tmp_path: Path) -> None:
    (fault,) = refused([written(tmp_path, changed(("x-env: DEPOT_KEY", f"x-env: {name}")))])
    assert fault.startswith("/components/securitySchemes/key/x-env: ")
    assert fault.endswith(
        f"{name} may be somebody else's; write DEPOT_..., since a platform reads only variables of its own"
    )


def test_no_variable_is_read_by_two_platforms(tmp_path: Path) -> None:
    """The names of both may begin alike."""
    first = written(tmp_path, own(("x-env: DEPOT_KEY", "x-env: DEPOT_OLD_KEY")))
    text = changed(("x-platform: depot", "x-platform: depot-old")).replace("DEPOT_", "PULLCORD_PLATFORM_DEPOT_OLD_")
    second = written(tmp_path, re.sub(r"(get|list|cancel|halt)_(run|line)", r"\1_old_\2", text))
    (fault,) = refused([], [first, second])
    shared = "the platform depot reads PULLCORD_PLATFORM_DEPOT_OLD_KEY, too; write another name"
    assert fault == f"/components/securitySchemes/key/x-env: {shared}"


def test_the_value_of_a_variable_goes_to_one_place(tmp_path: Path) -> None:
    """Else a key could stand in the URL, or an address be sent as a key."""
    (fault,) = refused([written(tmp_path, changed(("x-env: DEPOT_KEY", "x-env: DEPOT_TENANT")))])
    places = "the header Authorization and {tenant} of the URL"
    assert fault == (
        "/servers/0/variables/tenant/x-env:"
        f" the value of DEPOT_TENANT would go into {places}; write a variable for each"
    )


def test_a_variable_is_not_called_as_the_file_of_another(tmp_path: Path) -> None:
    (fault,) = refused([written(tmp_path, changed(("x-env: DEPOT_TENANT", "x-env: DEPOT_KEY_FILE")))])
    file = "DEPOT_KEY_FILE names a file that holds the value of DEPOT_KEY; write another name"
    assert fault == f"/servers/0/variables/tenant/x-env: {file}"
