"""The faults of a file, told for who must mend it."""

from pullcord.manifest.faults import Fault, lines


def test_faults_are_told_in_the_order_of_their_lines() -> None:
    assert lines("a.yaml", [Fault(30, "/b", "write x"), Fault(4, "/a", "write y")]) == [
        "a.yaml:4 /a: write y",
        "a.yaml:30 /b: write x",
    ]


def test_one_habit_is_told_once_with_all_its_lines() -> None:
    faults = [Fault(line, f"/{line}", "leave it out") for line in (12, 4, 30, 12)]
    assert lines("a.yaml", [*faults, Fault(5, "/x", "write x")]) == [
        "a.yaml:4 /4: leave it out (also in lines 12, 30)",
        "a.yaml:5 /x: write x",
    ]
    assert lines("a.yaml", faults[:2]) == ["a.yaml:4 /4: leave it out (also in line 12)"]


def test_a_habit_at_very_many_places_is_still_one_line() -> None:
    (line,) = lines("a.yaml", [Fault(number, "", "leave it out") for number in range(1, 501)])
    assert line.startswith("a.yaml:1 /: leave it out (also in lines 2, 3,")
    assert line.endswith(" 20, 21 and 479 more)")


def test_what_a_ref_names_is_told_once() -> None:
    assert lines("a.yaml", [Fault(4, "/a", "write y"), Fault(4, "/a", "write y")]) == ["a.yaml:4 /a: write y"]


def test_what_an_alias_names_is_told_once_at_the_first_place() -> None:
    faults = [Fault(4, "/a", "write y"), Fault(4, "/b", "write y"), Fault(4, "/b", "write z")]
    assert lines("a.yaml", faults) == ["a.yaml:4 /a: write y", "a.yaml:4 /b: write z"]
