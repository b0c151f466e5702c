"""What a platform wrote, before an agent sees it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.model import sanitize
from pullcord.model.value import Json

ANY: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(), inner, max_size=30),
    max_leaves=60,
)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Plain text.", "Plain text."),
        ("naïve 日本語 🙂", "naïve 日本語 🙂"),
        ("  around \n", "around"),
        ("two\nlines\tand\x0bmore\u2028still", "two lines and more still"),
        ("bell\x07 null\x00 escape\x1b[31m", "bell null escape[31m"),
        ("\x9b31m and \x85next", "31m and  next"),
        ("right-to-left \u202eevil\u202c \u2066isolate\u2069", "right-to-left evil isolate"),
        ("zero\u200bwidth\u200d \ufeffmark \u00adhyphen", "zerowidth mark hyphen"),
        ("tags \U000e0041\U000e0042", "tags"),
        ("variation\ufe0f selectors\U000e0100\U000e01ef", "variation selectors"),
        ("fillers \u3164\u115f\u1160\uffa0\u034f\u180e", "fillers"),
        ("surrogate \ud800 private \ue000 unassigned \U000378ff", "surrogate  private  unassigned"),
        ("", ""),
    ],
)
def test_only_what_can_be_seen_is_left(given: str, shown: str) -> None:
    assert sanitize.text(given) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert sanitize.text("x" * 500) == "x" * 500
    assert sanitize.text("x" * 501) == "x" * 499 + "…"
    assert sanitize.text("abcdef", 3) == "ab…"


def test_a_text_whose_end_was_never_looked_at_says_so_too() -> None:
    assert sanitize.text("ab" + "\x00" * 5000 + "c") == "ab…"


@given(st.text(), st.integers(2, 30))
def test_no_text_is_longer_than_its_limit_or_holds_what_cannot_be_seen(given: str, limit: int) -> None:
    shown = sanitize.text(given, limit)
    assert len(shown) <= limit
    assert not [char for char in shown if unicodedata.category(char)[0] == "C"]
    assert sanitize.text(shown, limit) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (-(2**63), None),
        (float("inf"), None),
        (float("nan"), None),
        (["a\n", 1], ["a", 1]),
        ({"k\x00": "v\x00"}, {"k": "v"}),
        ([[[[["too deep"]]]]], [[[[None]]]]),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": {"b": {"c": {"d": None}}}}),
        (list(range(30)), list(range(20))),
        ({str(n): n for n in range(30)}, {str(n): n for n in range(20)}),
        ({"k" * 100: 1}, {"k" * 63 + "…": 1}),
    ],
)
def test_a_value_is_cleaned_and_bounded(given: Json, shown: Json) -> None:
    assert sanitize.value(given) == shown


@given(ANY)
def test_any_value_becomes_small_and_strict_json(given: Json) -> None:
    shown = sanitize.value(given)
    json.dumps(shown, allow_nan=False).encode()
    assert sanitize.value(shown) == shown


BODY: Json = {
    "id": "a\n",
    "state": None,
    "links": {"child": "c", "other": "o"},
    "error": "flat",
    "parts": [{"id": 1}],
    "token": "secret",
}


@pytest.mark.parametrize(
    ("pointers", "selected"),
    [
        ((), {}),
        (("/id",), {"id": "a"}),
        (("/state", "/none", "/links/none"), {}),
        (("/links/child",), {"links": {"child": "c"}}),
        (("/links/child", "/links/other"), {"links": {"child": "c", "other": "o"}}),
        (("/links", "/links/child"), {"links": {"child": "c", "other": "o"}}),
        (("/error/message", "/error"), {"error": "flat"}),
        (("/parts/0/id",), {"parts": {"0": {"id": 1}}}),
    ],
)
def test_only_the_named_parts_of_a_body_are_taken(pointers: tuple[str, ...], selected: dict[str, Json]) -> None:
    assert sanitize.select(BODY, pointers) == selected


def test_a_part_inside_what_was_taken_as_a_text_is_not_lost_on_the_text() -> None:
    body: Json = {"a": {"b": {"c": {"d": {"e": 1}}}}}
    assert sanitize.select(body, ("/a/b/c/d", "/a/b/c/d/e")) == {"a": {"b": {"c": {"d": {"e": 1}}}}}


@pytest.mark.parametrize("body", [None, [], "text", 1, True])
def test_a_body_of_another_shape_holds_none_of_them(body: Json) -> None:
    assert sanitize.select(body, ("/id", "/links/child")) == {}
