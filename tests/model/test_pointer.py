"""RFC 6901, with the examples of its chapter 5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.model.pointer import escape, look_up, tokens
from pullcord.model.value import Json

RFC: dict[str, Json] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_rfcs_examples_hold(pointer: str, value: Json) -> None:
    assert look_up(RFC, pointer) == value


@pytest.mark.parametrize(
    "pointer", ["/none", "/foo/2", "/foo/-1", "/foo/-", "/foo/x", "/foo/²", "/foo/\u0660", "/foo/0/0", "/a~1b/0", "//x"]
)
def test_what_is_not_there_is_null(pointer: str) -> None:
    assert look_up(RFC, pointer) is None


@pytest.mark.parametrize("document", [None, "text", 1, True, [], {}])
def test_any_document_can_be_asked(document: Json) -> None:
    assert look_up(document, "/a/0") is None
    assert look_up(document, "") == document


@given(st.lists(st.text()))
def test_a_written_token_is_read_back(names: list[str]) -> None:
    pointer = "".join(f"/{escape(name)}" for name in names)
    assert tokens(pointer) == tuple(names)
    document: Json = "here"
    for name in reversed(names):
        document = {name: document}
    assert look_up(document, pointer) == "here"
