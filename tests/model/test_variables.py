"""The variables that a manifest may name."""

import pytest
from tests.depot import depot

from pullcord.model.variables import name_fault, prefix, variables


@pytest.mark.parametrize(
    ("platform", "of_user", "begins"),
    [("depot", False, "DEPOT_"), ("my-depot", False, "MY_DEPOT_"), ("depot", True, "PULLCORD_PLATFORM_DEPOT_")],
)
def test_they_begin_with_the_platforms_name(platform: str, begins: str, *, of_user: bool) -> None:
    assert prefix(platform, of_user=of_user) == begins


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DEPOT_KEY", None),
        ("OTHER_KEY", "OTHER_KEY may be somebody else's; write DEPOT_..."),
        ("DEPOT_", "DEPOT_ may be somebody else's; write DEPOT_..."),
        ("DEPOT_KEY_FILE", "DEPOT_KEY_FILE names a file that holds the value of DEPOT_KEY; write another name"),
    ],
)
def test_another_name_is_a_fault(name: str, said: str | None) -> None:
    fault = name_fault(name, "DEPOT_")
    assert fault == said or (said is not None and fault is not None and fault.startswith(said))


def test_each_is_told_once_with_where_its_value_goes() -> None:
    operations = depot().values()
    (platform,) = {each.platform.name: each.platform for each in operations}.values()
    assert [(each.name, each.goes) for each in variables(platform, operations)] == [
        ("DEPOT_KEY", "the header Authorization"),
        ("DEPOT_TENANT", "{tenant} of the URL"),
        ("DEPOT_URL", "the whole URL"),
        ("DEPOT_YARD", "the header X-Yard"),
    ]
