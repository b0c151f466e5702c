"""Which characters a value may hold."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.model.arguments import fault_of, pattern_fault
from pullcord.model.pattern import may_hold


@pytest.mark.parametrize(
    ("pattern", "char", "may"),
    [
        ("^[0-9A-Za-z._~-]{1,256}$", ":", False),
        ("^[0-9A-Za-z._~-]{1,256}$", "~", True),
        ("^[^:]+$", ":", False),
        ("^[^a]+$", ":", True),
        ("^[]:]+$", ":", True),
        ("^inv_[0-9A-Za-z]{1,60}$", "'", False),
        ("^inv_[0-9A-Za-z]{1,60}$", "v", True),
        ("^inv_[0-9A-Za-z]{1,60}$", ",", False),
        ("^(?:a|b:)+$", ":", True),
        ("^(a|b)?c*$", ":", False),
        (r"^\d+$", "5", True),
        (r"^\d+$", "x", False),
        (r"^a\.b$", ".", True),
        (r"^a\.b$", "c", False),
        ("^a.b$", ":", True),
        (r"^[\w\]]+$", "'", False),
        # What can't be told for sure, they may hold.
        ("", ":", True),
        ("^a", ":", True),
        ("a$", ":", True),
        (r"^a\$", ":", True),
        ("^a|b$", ":", True),
        ("^(?i)a$", ":", True),
        ("^(?P<x>a)$", ":", True),
        ("^[a[b]]$", ":", True),
        (r"^\p{L}$", ":", True),
        ("^a^b$", ":", True),
        ("^*$", ":", True),
    ],
)
def test_a_pattern_tells_which_characters_fit(pattern: str, char: str, *, may: bool) -> None:
    assert pattern_fault(pattern) is None
    assert may_hold({"type": "string", "pattern": pattern} if pattern else {"type": "string"}, char) is may


def test_so_do_words_and_types() -> None:
    assert may_hold({"type": "string", "enum": ["a:b", "c"]}, ":")
    assert not may_hold({"type": "string", "enum": ["a", "c"]}, ":")
    assert may_hold({"type": "integer"}, "-")
    assert not may_hold({"type": "integer"}, ":")
    assert not may_hold({"type": "boolean"}, ":")


ATOMS = st.sampled_from(["a", "'", "[a-c]", "[^a]", "[^']", ".", r"\d", r"\.", "^", "$", "(?i)"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3).map("".join)
        | st.builds("{}|{}".format, inner, inner)
        | st.builds("{}{}{}".format, st.sampled_from(["(", "(?:"]), inner, st.just(")"))
        | st.builds("{}{}".format, inner, st.sampled_from(["*", "+", "?", "{1,2}"]))
    ),
    max_leaves=5,
).map("^{}$".format)
VALUES = ["".join(value) for size in range(4) for value in itertools.product("ab'5.", repeat=size)]


@given(PATTERNS)
def test_no_value_that_fits_holds_what_is_said_not_to_fit(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern}
    excluded = [char for char in "ab'5." if not may_hold(schema, char)]
    if pattern_fault(pattern) is None:
        assert [value for value in VALUES if {*excluded} & {*value} and fault_of(schema, value) is None] == []
