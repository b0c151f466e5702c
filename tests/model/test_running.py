"""find_running, and the lists that it begins with."""

from tests.depot import depot
from tests.mill import RUNNING, mill
from tests.support import shipped

from pullcord.model.operation import Catalogue
from pullcord.model.running import FIND_RUNNING, callables, starts


def _starts(catalogue: Catalogue) -> list[tuple[str, object]]:
    return [(start.operation.id, start.arguments) for own in starts(catalogue).values() for start in own]


def test_what_a_manifest_says_is_asked_for_and_nothing_else() -> None:
    assert _starts(mill(wheels=True)) == [
        ("list_jobs", {"state": "running"}),
        ("list_jobs", {"state": "queued"}),
        ("list_wheels", {}),
    ], "a list that needs what nothing gives is no place to begin"


def test_where_it_says_nothing_each_list_that_can_be_asked_for_as_it_is_and_tells_states() -> None:
    assert _starts(mill((RUNNING, ""))) == [("list_jobs", {})]


def test_a_list_without_states_shows_nothing_of_what_runs() -> None:
    assert starts(depot()) == {"depot": []}
    assert FIND_RUNNING not in callables(depot())


def test_it_comes_first_and_takes_the_platforms_that_have_such_a_list() -> None:
    first, *rest = callables({**mill(), **depot()}).values()
    assert first.id == FIND_RUNNING
    assert [each.name for each in first.arguments] == ["platform", "contains", "after"]
    assert first.arguments[0].schema["enum"] == ["mill"]
    assert FIND_RUNNING not in [each.id for each in rest]


def test_every_shipped_platform_can_be_asked_what_runs() -> None:
    assert all(starts(shipped()).values())
