"""What `make mutants` changes, and the survivors that it takes for known."""

from tests.environment import ROOT
from tests.mutants import KNOWN, MODULES


def test_each_module_that_is_changed_has_tests_that_exist() -> None:
    for module, tests in MODULES.items():
        assert (ROOT / "src" / "pullcord" / module).is_file()
        assert tests
        assert [each for each in tests if not (ROOT / "tests" / each).is_file()] == []


def test_at_most_ten_survivors_are_known_each_with_its_reason() -> None:
    assert sum(map(len, KNOWN.values())) <= 10
    assert KNOWN.keys() <= MODULES.keys()
    assert all(reason.endswith(".") for reasons in KNOWN.values() for reason in reasons.values())


def test_a_known_survivor_is_no_line_of_its_module() -> None:
    for module, reasons in KNOWN.items():
        text = (ROOT / "src" / "pullcord" / module).read_text(encoding="utf-8")
        assert [line for line in reasons if line in text] == []
