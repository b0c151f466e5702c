"""One manifest for several servers of a kind."""

from dataclasses import replace

import pytest
from tests.depot import depot
from tests.yard import yard

from pullcord.config import settings
from pullcord.manifest.instances import instance, instance_faults
from pullcord.model.operation import Key, Operation

KIND = depot(("operationId: halt_line", "operationId: halt_line\n      x-tool: false"))
EAST = {each.id: each for each in instance(list(KIND.values()), "east-1")}


def leads(operation: Operation) -> set[str]:
    """The operations that an operation leads to."""
    links = [link for response in operation.responses.values() for link in response.links]
    links += operation.listing.links if operation.listing else ()
    target = operation.cancel.target if operation.cancel else None
    return {link.operation_id for link in links} | ({target.operation_id} if target else set())


def test_an_instance_has_tools_of_its_own_and_its_manifests_operation_ids() -> None:
    assert {name: (each.tool, each.operation_id) for name, each in EAST.items()} == {
        "east-1_cancel_run": ("east-1_cancel_run", "cancel_run"),
        "east-1_get_run": ("east-1_get_run", "get_run"),
        "east-1/halt_line": (None, "halt_line"),
        "east-1_list_runs": ("east-1_list_runs", "list_runs"),
    }


def test_what_an_instance_leads_to_is_its_own() -> None:
    assert leads(EAST["east-1_cancel_run"]) == {"east-1_get_run"}
    assert leads(EAST["east-1/halt_line"]) == {"east-1_get_run", "east-1_list_runs"}
    assert leads(EAST["east-1_list_runs"]) == {"east-1_get_run"}
    assert leads(KIND["list_runs"]) == {"get_run"}


def test_an_instance_is_a_platform_of_its_own_with_variables_of_its_own() -> None:
    platform = EAST["east-1_get_run"].platform
    assert all(each.platform is platform for each in EAST.values())
    assert (platform.name, platform.title) == ("east-1", "Depot (east-1)")
    assert platform.url_env == "DEPOT_EAST_1_URL"
    assert platform.variables == {"tenant": "DEPOT_EAST_1_TENANT"}
    assert platform.keys == (Key("DEPOT_EAST_1_KEY", "Authorization", "Bearer ", "A key."),)
    assert [each.env for each in EAST["east-1_cancel_run"].parameters if each.env] == ["DEPOT_EAST_1_YARD"]


def test_a_users_own_platform_has_instances_too() -> None:
    given = depot(("x-env: DEPOT_KEY", "x-env: PULLCORD_PLATFORM_DEPOT_KEY"))
    (one, *_) = instance(list(given.values()), "east")
    assert one.platform.keys[0].env == "PULLCORD_PLATFORM_DEPOT_EAST_KEY"


def test_places_to_look_in_are_an_instances_own() -> None:
    places = "      x-list:\n        places: {env: DEPOT_LINES, fills: [line]}\n        items: $response.body#/runs\n"
    given = depot(("      x-list:\n        items: $response.body#/runs\n", places))
    (found,) = [
        each.listing.places for each in instance(list(given.values()), "east") if each.listing and each.listing.places
    ]
    assert found.env == "DEPOT_EAST_LINES"


def test_an_agent_can_tell_an_instances_tools_from_others() -> None:
    assert EAST["east-1_get_run"].title == "Depot - look at a run (east-1)"
    assert EAST["east-1_get_run"].description == "east-1: Reads one run."


def test_two_instances_are_reached_each_in_its_own_way() -> None:
    both = {each.id: each for name in ("a", "b") for each in instance(list(yard().values()), name)}
    found = settings.read(both, {"YARD_A_URL": "https://a.example", "YARD_B_URL": "https://b.example"})
    assert {name: each.base_url for name, each in found.items()} == {"a": "https://a.example", "b": "https://b.example"}


@pytest.mark.parametrize("name", ["", "1a", "A", "a b", "x" * 21, "a:b"])
def test_an_instance_has_a_short_name(name: str) -> None:
    (fault,) = instance_faults(list(KIND.values()), name)
    assert fault == f"{name!r} is no name; write a short one of a-z 0-9 _ -, which begins with a letter"


def test_an_instances_tools_have_names_that_hosts_take() -> None:
    given = [replace(KIND["get_run"], tool="x" * 60), KIND["depot/halt_line"]]
    assert instance_faults(given, "abc") == []
    (fault,) = instance_faults(given, "abcd")
    assert fault == f"the tool abcd_{'x' * 60} would be longer than 64 characters; write a shorter name"
