"""Whether a rule can be reached, or the rules before it always fit first. Pure."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from pullcord.model.condition import NAMED, Clause, Comparison, Condition, holds, same
from pullcord.model.expression import Source
from pullcord.model.value import Json

LIMIT = 10_000
"""Replies that are tried at most, in search of one that reaches a rule."""

_Place: TypeAlias = tuple[Source, str]


class _Named(NamedTuple):
    """A value that a rule names."""

    value: Json

    @property
    def is_open(self) -> bool:
        """Whether it holds an argument, so that it is known only when a call is made."""
        return isinstance(self.value, str) and bool(NAMED.search(self.value))


class _Unnamed(NamedTuple):
    """All values that no rule names, and in which just these patterns are found."""

    patterns: frozenset[str]


def is_covered(condition: Condition, earlier: Sequence[Condition]) -> bool:
    """Whether every reply that fits a condition also fits an earlier one.

    Each place is tried with every value that a rule names there, and with the values that none names. The answer is no
    where that can't be decided, or would take more than LIMIT tries.

    Args:
        condition: of the rule.
        earlier: the conditions of the rules before it.
    """
    if () in earlier or not earlier:
        return bool(earlier)
    values_at = {
        (clause.source, clause.at): clause.values for clause in condition if clause.comparison is Comparison.IS
    }
    # As most are: whatever fits it fits none of those before it.
    if not (earlier := [each for each in earlier if not _excludes(values_at, each)]):
        return False
    if _share_place([condition, *earlier]):  # as most do: nothing needs to be tried
        values = [value for (clause,) in earlier for value in clause.values]
        return all(any(same(value, each) for each in values) for value in condition[0].values)
    clauses_at: dict[_Place, list[Clause]] = {}
    for clause in itertools.chain(condition, *earlier):
        clauses_at.setdefault((clause.source, clause.at), []).append(clause)
    if math.prod(map(_count, clauses_at.values())) > LIMIT:
        return False
    condition_at = {(clause.source, clause.at): clause for clause in condition}
    kinds = [
        [kind for kind in _kinds(clauses) if place not in condition_at or _may_fit(condition_at[place], kind)]
        for place, clauses in clauses_at.items()
    ]
    replies = (dict(zip(clauses_at, each, strict=True)) for each in itertools.product(*kinds))
    return all(
        any(all(_surely_fits(clause, reply[clause.source, clause.at]) for clause in other) for other in earlier)
        for reply in replies
    )


def _excludes(values_at: Mapping[_Place, Sequence[Json]], condition: Condition) -> bool:
    """Whether a condition names values of a place of which none stands among those, so that hardly a reply fits both.

    An argument in a value could make it the same, but never surely.
    """
    for clause in condition:
        if clause.comparison is Comparison.IS:
            values = values_at.get((clause.source, clause.at))
            if values is not None and not any(value in values for value in clause.values):
                return True
    return False


def _share_place(conditions: Sequence[Condition]) -> bool:
    """Whether all conditions do no more than name values of one place, the same for all."""
    return all(len(each) == 1 and each[0].comparison is Comparison.IS for each in conditions) and (
        len({(each[0].source, each[0].at) for each in conditions}) == 1
    )


def _count(clauses: Sequence[Clause]) -> int:
    """How many kinds of values there are at most for the clauses of one place."""
    patterns = sum(clause.comparison is Comparison.MATCH for clause in clauses)
    return sum(len(clause.values) for clause in clauses) + (1 << min(patterns, LIMIT.bit_length()))


def _kinds(clauses: Sequence[Clause]) -> Iterator[_Named | _Unnamed]:
    values: list[Json] = []
    patterns: list[str] = []
    for clause in clauses:
        if clause.comparison is Comparison.MATCH:
            patterns.extend(map(str, clause.values))
        else:
            values.extend(value for value in clause.values if not any(same(value, each) for each in values))
    yield from map(_Named, values)
    for flags in itertools.product([True, False], repeat=len(patterns)):
        yield _Unnamed(frozenset(itertools.compress(patterns, flags)))


def _may_fit(clause: Clause, kind: _Named | _Unnamed) -> bool:
    if isinstance(kind, _Named) and kind.is_open and clause.comparison is Comparison.MATCH:
        return True
    return _fits(clause, kind)


def _surely_fits(clause: Clause, kind: _Named | _Unnamed) -> bool:
    if isinstance(kind, _Named) and kind.is_open and clause.comparison is not Comparison.IS:
        return False
    if clause.comparison is Comparison.NOT and any(_Named(value).is_open for value in clause.values):
        return False
    return _fits(clause, kind)


def _fits(clause: Clause, kind: _Named | _Unnamed) -> bool:
    if isinstance(kind, _Named):
        return holds(clause.comparison, clause.values, kind.value)
    if clause.comparison is Comparison.MATCH:
        return str(clause.values[0]) in kind.patterns
    return clause.comparison is Comparison.NOT
