"""What is kept of a value: whatever is read of it later is the same."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pullcord.model import sanitize
from pullcord.model.pointer import escape, look_up
from pullcord.model.projection import TEXT_KEPT, WHOLE, Projection, project, union
from pullcord.model.value import Json

NAMES = ("a", "b", "0", "1", "7", "a/b")
SHOWN = Projection(shown=True)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))


def values() -> st.SearchStrategy[Json]:
    """JSON values whose names and lengths make paths meet."""
    return st.recursive(
        PLAIN,
        lambda inner: st.one_of(st.lists(inner, max_size=9), st.dictionaries(st.sampled_from(NAMES), inner)),
        max_leaves=30,
    )


def kept_at(*path: str | None, leaf: Projection = WHOLE) -> Projection:
    """A projection that keeps what stands at a path; None: each."""
    projection = leaf
    for name in reversed(path):
        projection = Projection(each=projection) if name is None else Projection(members={name: projection})
    return projection


PATHS = st.lists(st.sampled_from(NAMES), max_size=4)


@given(values(), st.lists(PATHS, max_size=4))
def test_what_is_read_at_a_kept_place_is_what_stood_there(value: Json, paths: list[list[str]]) -> None:
    projection = Projection()
    for path in paths:
        projection = union(projection, kept_at(*path))
    part = project(value, projection)
    for path in paths:
        pointer = "".join(f"/{escape(name)}" for name in path)
        assert look_up(part, pointer) == look_up(value, pointer)
        assert type(look_up(part, pointer)) is type(look_up(value, pointer))


@given(values(), PATHS, PATHS)
def test_of_a_place_that_is_shown_as_much_is_kept_as_is_shown(value: Json, path: list[str], other: list[str]) -> None:
    projection = union(kept_at(*path, leaf=SHOWN), kept_at(*other))
    pointer = "".join(f"/{escape(name)}" for name in path)
    part = project(value, projection)
    assert sanitize.value(look_up(part, pointer)) == sanitize.value(look_up(value, pointer))


@given(values(), st.sampled_from(NAMES))
def test_of_each_item_the_same_is_kept(value: Json, name: str) -> None:
    part = project(value, union(kept_at(None, name), kept_at("0", "b", leaf=SHOWN)))
    if isinstance(value, list):
        assert isinstance(part, list)
        pointer = f"/{escape(name)}"
        assert [look_up(each, pointer) for each in part] == [look_up(each, pointer) for each in value]
    if isinstance(value, dict):
        assert isinstance(part, dict)
        assert list(part) == list(value)


def test_what_nobody_reads_is_gone() -> None:
    value: Any = {"a": {"b": 1, "c": [[], []]}, "d": ["x"] * 9, "e": "text"}
    assert project(value, kept_at("a", "b")) == {"a": {"b": 1}}
    assert project(value, kept_at("d", "1")) == {"d": ["x", "x"]}
    assert project(value, Projection()) == {}
    assert project([[]] * 50_000, Projection()) == []
    assert project([[1]] * 3, kept_at(None, leaf=Projection())) == [[], [], []]


def test_of_what_is_shown_only_the_first_items_levels_and_characters_are_kept() -> None:
    assert project([1] * 50, SHOWN) == [1] * sanitize.ITEMS_LIMIT
    assert project({str(number): 1 for number in range(50)}, SHOWN) == {str(number): 1 for number in range(20)}
    deep: Any = [[[[[[["x"]]]]]]]
    assert project(deep, SHOWN) == [[[[[]]]]]
    assert project("x" * 5000, SHOWN) == "x" * TEXT_KEPT
    assert sanitize.text("x" * TEXT_KEPT) == sanitize.text("x" * 5000)
