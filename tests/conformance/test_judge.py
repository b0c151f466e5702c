"""A run of the conformance suite is judged by checks: each failure needs a reason, each reason a failure."""

from tests.conformance.judge import HELD_ENOUGH, Check, baseline, judge

HELD = [Check("ping", f"ping-{n}", "SUCCESS") for n in range(HELD_ENOUGH)]
PROMPTS = Check("prompts-list", "prompts-list", "FAILURE", "Method not found")
EXCUSED = {"prompts-*/prompts-*": "there are none"}


def test_a_run_in_which_only_excused_checks_fail_is_good() -> None:
    assert judge([*HELD, PROMPTS, Check("sse", "priming", "WARNING")], EXCUSED) == []


def test_a_failure_without_a_reason_is_told_with_its_message() -> None:
    broken = Check("ping", "ping", "FAILURE", "no pong")
    assert judge([*HELD, PROMPTS, broken], EXCUSED) == ["ping/ping failed: no pong"]


def test_a_message_that_breaks_the_protocols_schema_is_never_excused_by_its_scenario() -> None:
    broken = Check("prompts-list", "wire-schema-valid", "FAILURE", "state is no string")
    assert judge([*HELD, PROMPTS, broken], EXCUSED) == ["prompts-list/wire-schema-valid failed: state is no string"]
    assert not [pattern for pattern in baseline() if pattern.endswith("/*")]


def test_a_reason_that_nothing_needs_any_more_is_told() -> None:
    assert judge(HELD, EXCUSED) == ["prompts-*/prompts-*: nothing of this failed; take it out of the baseline"]


def test_a_suite_that_hardly_ran_is_no_good_run() -> None:
    assert judge([PROMPTS], EXCUSED) == ["only 0 checks held; the suite did not really run"]


def test_every_line_of_the_baseline_has_a_reason() -> None:
    assert all(baseline().values())
