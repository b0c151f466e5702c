"""The keys that a document asks for."""

import pytest
from tests.depot import changed, depot

from pullcord.manifest import loading
from pullcord.model.errors import ManifestError
from pullcord.model.operation import Key

SCHEMES = "  securitySchemes:\n"
LOGIN = "    login: {type: http, scheme: basic, description: A login., x-env: DEPOT_LOGIN}\n"
ASKED = "security:\n  - key: []"


def test_alternatives_are_read_in_their_order() -> None:
    platform = depot((SCHEMES, SCHEMES + LOGIN), (ASKED, "security: [login: [], key: []]"))["get_run"].platform
    assert platform.keys == (
        Key("DEPOT_LOGIN", "Authorization", "Basic ", "A login.", basic=True),
        Key("DEPOT_KEY", "Authorization", "Bearer ", "A key."),
    )
    assert not platform.key_optional


@pytest.mark.parametrize("asked", ["[key: [], {}]", "[{}, key: []]"])
def test_an_empty_requirement_says_that_no_key_will_do(asked: str) -> None:
    platform = depot((ASKED, f"security: {asked}"))["get_run"].platform
    assert [key.env for key in platform.keys] == ["DEPOT_KEY"]
    assert platform.key_optional


def test_no_requirement_says_that_no_key_is_asked_for() -> None:
    assert depot((ASKED, "security: []"))["get_run"].platform.keys == ()


def test_two_schemes_have_a_variable_each() -> None:
    text = changed((SCHEMES, SCHEMES + LOGIN.replace("DEPOT_LOGIN", "DEPOT_KEY")), (ASKED, ASKED + "\n  - login: []"))
    with pytest.raises(ManifestError) as caught:
        loading.read("depot.yaml", text)
    told = "/security/1: DEPOT_KEY gives another scheme's key, too; give each a variable of its own"
    assert caught.value.faults == (f"depot.yaml:13 {told}",)
