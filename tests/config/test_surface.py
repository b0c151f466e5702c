"""Which operations are tools."""

import pytest
from tests.support import shipped

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.model.running import FIND_RUNNING

CANCELS = ["cancel_task", "cancel_turn", "cancel_workspace_task", "stop_task"]
EVERRUNS = ["cancel_task", "get_task", "cancel_turn", "get_session", "list_sessions", "list_org_tasks"]


def scope(only: tuple[str, ...] = (), **environ: str) -> Surface:
    return Surface.of(shipped(), settings.read(shipped(), environ), only)


def test_without_settings_the_look_at_all_platforms_and_the_cancels_are_tools_and_nothing_else() -> None:
    assert list(scope().tools) == [FIND_RUNNING, *CANCELS]


def test_a_platform_that_can_be_reached_offers_all_of_its_operations() -> None:
    assert [
        name for name, each in scope(EVERRUNS_API_KEY="k").tools.items() if each.platform.name == "everruns"
    ] == EVERRUNS
    assert set(scope(EVERRUNS_API_KEY="k").tools) == {FIND_RUNNING, *EVERRUNS, *CANCELS}


def test_a_platform_whose_address_is_not_complete_can_not_be_reached() -> None:
    assert list(scope(EVERSHELL_API_KEY="k").tools) == [FIND_RUNNING, *CANCELS]
    assert len(scope(EVERSHELL_API_KEY="k", EVERSHELL_SLUG="acme").tools) == 1 + len(CANCELS) + 3


@pytest.mark.parametrize(
    ("only", "tools"),
    [
        (("cancel_turn",), ["cancel_turn"]),
        (("get_session", "stop_task"), ["get_session", "stop_task"]),
        ((FIND_RUNNING,), [FIND_RUNNING]),
        (("get_execution",), []),  # that platform can't be reached
    ],
)
def test_only_what_was_asked_for_is_a_tool(only: tuple[str, ...], tools: list[str]) -> None:
    assert list(scope(only, EVERRUNS_API_KEY="k").tools) == tools


def test_every_loaded_operation_can_be_checked_and_reached_also_where_it_is_no_tool() -> None:
    narrow = scope(("cancel_turn",))
    assert narrow.catalogue.keys() == shipped().keys() == narrow.checks.keys() - {FIND_RUNNING}
    for name, operation in narrow.catalogue.items():
        assert narrow.checks[name]({"no such": 1})
        assert narrow.settings_of(operation).key_source == operation.platform.keys[0].env


@pytest.mark.parametrize(
    ("grants", "tools"),
    [
        (["observe", "cancel"], {FIND_RUNNING, *EVERRUNS, *CANCELS}),
        (["cancel"], {*CANCELS}),
        (["observe"], {FIND_RUNNING, *EVERRUNS} - {*CANCELS}),
        (["other"], set()),
        ([], set()),
    ],
)
def test_a_callers_grants_leave_only_their_tools(grants: list[str], tools: set[str]) -> None:
    whole = scope(EVERRUNS_API_KEY="k")
    granted = whole.granted(grants)
    assert granted.tools.keys() == tools
    assert granted.catalogue is whole.catalogue
