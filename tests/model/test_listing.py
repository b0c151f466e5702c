"""Where a list's items stand."""

import pytest

from pullcord.model.listing import Listing, Pages, PageStyle, items_of
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
