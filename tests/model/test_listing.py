"""Where a list's items stand, and since when they have been running."""

from datetime import UTC, datetime

import pytest

from pullcord.model.listing import Listing, Pages, PageStyle, Since, begun, items_of
from pullcord.model.value import Json

ARRAY = Listing("/runs", (), Pages(PageStyle.WHOLE))
OBJECT = ARRAY._replace(key="uuid")


def test_items_stand_in_an_array() -> None:
    assert items_of(ARRAY, {"runs": [1, {"a": 1}]}) == [1, {"a": 1}]
    assert items_of(ARRAY, {"runs": []}) == []


def test_items_of_an_object_get_their_key() -> None:
    body: Json = {"runs": {"r1": {"state": "busy", "uuid": "other"}, "r2": "busy"}}
    assert items_of(OBJECT, body) == [{"state": "busy", "uuid": "r1"}, {"uuid": "r2"}]
    assert items_of(OBJECT, {"runs": {}}) == []


@pytest.mark.parametrize("body", [None, {}, {"runs": None}, {"runs": "x"}, []])
def test_what_is_no_list_has_no_items(body: Json) -> None:
    assert items_of(ARRAY, body) is None
    assert items_of(OBJECT, body) is None


def test_an_array_is_no_object_and_an_object_no_array() -> None:
    assert items_of(ARRAY, {"runs": {"r1": {}}}) is None
    assert items_of(OBJECT, {"runs": [{}]}) is None


SECONDS, MILLISECONDS, TEXT = Since("/at", "s"), Since("/at", "ms"), Since("/at")


@pytest.mark.parametrize(
    ("since", "given", "moment"),
    [
        (SECONDS, 1_790_000_000, datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)),
        (SECONDS, 1_790_000_000.5, datetime(2026, 9, 21, 14, 13, 20, 500_000, tzinfo=UTC)),
        (MILLISECONDS, 1_790_000_000_250, datetime(2026, 9, 21, 14, 13, 20, 250_000, tzinfo=UTC)),
        (TEXT, "2026-09-21T14:13:20Z", datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)),
        (TEXT, "2026-09-21T16:13:20.000001+02:00", datetime(2026, 9, 21, 14, 13, 20, 1, tzinfo=UTC)),
    ],
)
def test_since_when_an_item_runs_is_told_in_utc(since: Since, given: Json, moment: datetime) -> None:
    assert begun(since, {"at": given}) == moment


@pytest.mark.parametrize(
    ("since", "given"),
    [
        (None, 1),
        (SECONDS, None),
        (SECONDS, True),
        (SECONDS, "1790000000"),
        (SECONDS, 10**400),
        (MILLISECONDS, -(10**18)),
        (SECONDS, float("nan")),
        (TEXT, 1_790_000_000),
        (TEXT, "yesterday"),
        (TEXT, ""),
        (TEXT, "2026-09-21T14:13:20"),
        (TEXT, "0001-01-01T00:00:00+23:00"),
    ],
)
def test_what_is_no_time_tells_nothing(since: Since | None, given: Json) -> None:
    """Without an offset from UTC a time could be anywhere's."""
    assert begun(since, {"at": given}) is None
