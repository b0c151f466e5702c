"""The sample that a manifest begins with."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from pullcord.manifest import loading
from pullcord.manifest.document import parse
from pullcord.manifest.sample import sample
from pullcord.model.errors import ManifestError


@pytest.mark.parametrize("name", ["acme", "acme-2", "a", "name"])
def test_the_start_is_a_manifest_of_that_platform(name: str) -> None:
    text = sample(name)
    operations = loading.read(f"{name}.yaml", text)
    assert {operation.platform.name for operation in operations} == {name}
    assert [operation.id for operation in operations] == [
        f"cancel_{name}_run",
        f"get_{name}_run",
        f"list_{name}_runs",
    ]
    assert operations[0].platform.keys[0].env == f"PULLCORD_PLATFORM_{name.upper().replace('-', '_')}_API_KEY"
    OpenAPIV31SpecValidator(parse(name, text).value).validate()  # type: ignore[arg-type]  # any JSON may be asked about


@pytest.mark.parametrize("name", ["", "Acme", "2acme", "ac me", "x" * 33, "acmé"])
def test_what_is_no_platforms_name_has_no_start(name: str) -> None:
    with pytest.raises(ManifestError, match="is no platform's name; write a short one of a-z 0-9 _ -, such as acme"):
        sample(name)
