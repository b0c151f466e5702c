"""Conditions: what fits, what doesn't, and what is shown of it."""

import pytest

from pullcord.model.condition import Clause, Comparison, Context, fill, fits
from pullcord.model.expression import Source
from pullcord.model.outcome import Phase
from pullcord.model.value import Json


def test_a_condition_reads_only_what_is_there() -> None:
    bodies: list[Json] = [None, [], "x", 1, {"a": []}, {"a": {"b": "y"}}, [{"a": {"b": "x"}}]]
    for body in bodies:
        assert not fits((Clause("/a/b", ("x",)),), body)
    assert fits((Clause("/a/b", ("x",)),), {"a": {"b": "x"}})


def test_all_clauses_must_hold_and_none_always_do() -> None:
    both = (Clause("/a", (1,)), Clause("/b", (2,)))
    assert fits(both, {"a": 1, "b": 2})
    assert not fits(both, {"a": 1, "b": 3})
    assert fits((), None)


@pytest.mark.parametrize("body", [{}, {"a": None}, None, "text"])
def test_what_is_absent_counts_as_null(body: Json) -> None:
    assert fits((Clause("/a", (None,)),), body)
    assert not fits((Clause("/a", (None,), comparison=Comparison.NOT),), body)
    assert fits((Clause("/a", ("x",), comparison=Comparison.NOT),), body)


def test_true_is_not_one() -> None:
    assert not fits((Clause("/a", (1,)),), {"a": True})
    assert fits((Clause("/a", (1,), comparison=Comparison.NOT),), {"a": True})


def test_an_empty_pointer_reads_the_whole_body() -> None:
    whole = (Clause("", (True,)),)
    assert fits(whole, True)  # noqa: FBT003 - a body
    assert not fits(whole, {"": True})


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("already ended", "The run has already ended.", True),
        ("^already", "The run has already ended.", False),
        ("(?i)ENDED", "The run has already ended.", True),
        ("x", None, False),
        ("1", 1, False),
        ("x", ["x"], False),
    ],
)
def test_a_pattern_is_searched_for_in_a_text(pattern: str, value: Json, *, expected: bool) -> None:
    assert fits((Clause("/a", (pattern,), comparison=Comparison.MATCH),), {"a": value}) is expected


def test_a_pattern_takes_no_longer_than_the_text_is_long() -> None:
    """With a backtracking engine this would take years."""
    assert not fits((Clause("", ("^(a+)+$",), comparison=Comparison.MATCH),), "a" * 60 + "b")


def test_a_header_is_read_by_its_lower_case_name() -> None:
    clause = (Clause("x-state", ("done",), Source.HEADER),)
    assert fits(clause, None, Context(headers={"x-state": "done"}))
    assert not fits(clause, {"x-state": "done"})


def test_the_look_before_is_read_by_its_phase_and_by_its_body() -> None:
    before = Context(phase=Phase.ENDED, before={"state": "done"})
    assert fits((Clause("", ("ended",), Source.PHASE),), None, before)
    assert fits((Clause("/state", ("done",), Source.BEFORE),), None, before)
    assert not fits((Clause("", ("active",), Source.PHASE), Clause("/state", ("done",), Source.BEFORE)), None, before)


def test_where_no_look_succeeded_the_phase_before_is_null() -> None:
    assert fits((Clause("", (None,), Source.PHASE),), {"state": "done"})
    assert fits((Clause("", ("active",), Source.PHASE, Comparison.NOT),), None)


def test_an_argument_may_stand_in_a_pointer() -> None:
    busy = (Clause("/{session_id}/type", ("busy",)),)
    body: Json = {"s/1": {"type": "busy"}, "s2": {"type": "idle"}}
    assert fits(busy, body, Context({"session_id": "s/1"}))
    assert not fits(busy, body, Context({"session_id": "s2"}))
    assert not fits(busy, body), "an argument that wasn't given names nothing"


@pytest.mark.parametrize(
    ("value", "arguments", "given", "expected"),
    [
        ("{run_id}", {"run_id": "r1"}, "r1", True),
        ("{run_id}", {"run_id": "r1"}, "r2", False),
        ("No run {run_id}.", {"run_id": "r1"}, "No run r1.", True),
        ("{number}", {"number": 7}, "7", True),
        ("{number}", {"number": "7"}, 7, True),
        ("{number}", {"number": "7"}, 8, False),
        ("{late}", {"late": True}, "true", True),
        ("{run_id}", {}, None, False),
        ("{run_id}", {}, "", False),
    ],
)
def test_an_argument_may_stand_in_a_value(
    value: str, arguments: dict[str, Json], given: Json, *, expected: bool
) -> None:
    assert fits((Clause("/a", (1.5, value)),), {"a": given}, Context(arguments)) is expected


def test_a_pointer_is_filled_with_what_was_given() -> None:
    assert fill("/a/{x}/{y}", {"x": "~/", "y": 3}) == "/a/~0~1/3"
    assert fill("/a/{x}", {}) == "/a/{x}"
