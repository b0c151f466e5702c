"""Rules: which decides, and what it tells of what it read."""

from pullcord.model.condition import Clause, Comparison, Context
from pullcord.model.expression import Source
from pullcord.model.outcome import Outcome, Phase
from pullcord.model.rule import Rule, first
from pullcord.model.value import Json


def test_the_first_rule_that_fits_decides_and_tells_what_it_read() -> None:
    rules = (
        Rule(Outcome.STOPPED, (Clause("/a", ("x",)), Clause("/b/0", (True, None)))),
        Rule(Outcome.REFUSED, (Clause("/a", ("x", 1)),)),
    )
    assert first(rules, {"a": "x", "b": [True]}) == (rules[0], {"/a": "x", "/b/0": True})
    assert first(rules, {"a": 1}) == (rules[1], {"/a": 1})
    assert first(rules, {"a": 2}) == (None, {})


def test_what_was_read_is_told_by_where_it_stands() -> None:
    rule = Rule(
        Outcome.STOPPED,
        (
            Clause("/{id}/a", ("x",)),
            Clause("x-state", ("done",), Source.HEADER),
            Clause("", ("active",), Source.PHASE),
            Clause("/{id}", (None,), Source.BEFORE),
        ),
    )
    context = Context({"id": "r1"}, {"x-state": "done"}, Phase.ACTIVE, {"r2": 1})
    assert first([rule], {"r1": {"a": "x"}}, context)[1] == {
        "/r1/a": "x",
        "$response.header.x-state": "done",
        "$before": "active",
        "$before#/r1": None,
    }


def test_an_object_is_shown_only_if_the_rule_names_it() -> None:
    """The rest of a platform's answer may hold what nobody wanted shown."""
    secret: Json = {"a": {"token": "hush"}}
    unnamed = Rule(Outcome.STOPPED, (Clause("/a", (None,), comparison=Comparison.NOT),))
    assert first([unnamed], secret)[1] == {"/a": None}
    named = Rule(Outcome.STOPPED, (Clause("/a", ({"token": "hush"},)),))
    assert first([named], secret)[1] == {"/a": {"token": "hush"}}
