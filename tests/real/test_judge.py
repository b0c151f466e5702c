from typing import Any

import pytest
from tests.real.__main__ import PLATFORMS
from tests.real.judge import SPEAKS_OF_THE_WORK, faults
from tests.real.story import Ask, Must, Platform, Step
from tests.real.witness import Truth

from pullcord.model.outcome import MEANINGS

CANCEL = Step(Ask.CANCEL, "stopped stopping", may_go_on="children processes")


def answer(**said: object) -> dict[str, Any]:
    return {
        "outcome": "stopped",
        "message": "It stopped.",
        "work_stopped": "unknown",
        "may_go_on": ["processes"],
        **said,
    }


def judged(step: Step, true: Truth | None, **said: object) -> list[str]:
    return list(faults(step, answer(**said), true))


def judged_beside(left: Truth, step: Step, true: Truth, **said: object) -> list[str]:
    return list(faults(step, answer(**said), true, left))


@pytest.mark.parametrize(
    ("true", "said"),
    [
        (Truth.ENDED, {"work_stopped": "yes", "may_go_on": []}),
        (Truth.ENDED, {}),
        (Truth.ENDED, {"may_go_on": []}),
        (Truth.RUNS, {}),
        (Truth.RUNS, {"outcome": "stopping", "work_stopped": "no", "may_go_on": []}),
        (Truth.NEVER_BEGAN, {"work_stopped": "yes"}),
        (Truth.NEVER_BEGAN, {"work_stopped": "no"}),
        (None, {"may_go_on": []}),
    ],
)
def test_an_answer_that_is_true_and_names_what_may_go_on_holds(true: Truth | None, said: dict[str, object]) -> None:
    assert judged(CANCEL, true, **said) == []


def test_yes_while_the_work_runs_is_a_fault() -> None:
    assert judged(CANCEL, Truth.RUNS, work_stopped="yes") == ["work_stopped is yes, and the work runs"]


def test_no_when_the_work_has_ended_is_a_fault() -> None:
    assert judged(CANCEL, Truth.ENDED, work_stopped="no") == ["work_stopped is no, and the work has ended"]


def test_silence_about_work_that_runs_is_a_fault() -> None:
    (fault,) = judged(CANCEL, Truth.RUNS, may_go_on=[])
    assert fault == "the work runs, and neither work_stopped nor may_go_on tells"


def test_what_left_the_work_is_no_part_of_it_and_must_be_named_while_it_runs() -> None:
    assert judged_beside(Truth.RUNS, CANCEL, Truth.ENDED, work_stopped="yes") == []
    assert judged_beside(Truth.ENDED, CANCEL, Truth.ENDED, work_stopped="yes", may_go_on=[]) == []
    assert judged_beside(Truth.RUNS, CANCEL, Truth.RUNS, work_stopped="no", may_go_on=[]) == []
    (fault,) = judged_beside(Truth.RUNS, CANCEL, Truth.ENDED, work_stopped="yes", may_go_on=[])
    assert fault == "what left the work runs, and may_go_on doesn't name it"
    step = CANCEL._replace(may_go_on="current_step")
    assert judged_beside(Truth.RUNS, step, Truth.ENDED, may_go_on=["current_step"]) == [fault]


def test_an_answer_that_claims_to_know_nothing_of_the_work_may_be_silent() -> None:
    denied = Step(Ask.CANCEL, "denied")
    assert judged(denied, Truth.RUNS, outcome="denied", may_go_on=[]) == []


def test_a_word_that_the_facts_do_not_carry_is_a_fault() -> None:
    (fault,) = judged(CANCEL, Truth.ENDED, may_go_on=["requests", "processes"])
    assert fault == "may_go_on names requests, which the platform's facts don't carry"


def test_an_outcome_that_does_not_fit_is_a_fault_that_tells_the_message() -> None:
    (fault,) = judged(CANCEL, Truth.ENDED, outcome="unknown")
    assert fault == "the outcome is unknown, not stopped or stopping: It stopped."


def test_what_must_be_true_afterwards_is_looked_at() -> None:
    step = CANCEL._replace(leaves=Truth.ENDED)
    assert judged(step, Truth.ENDED) == []
    assert judged(step, Truth.RUNS) == ["the work runs, and must be work that has ended"]


@pytest.mark.parametrize(
    ("must", "held"),
    [(Must.SAY_YES, {"yes"}), (Must.SAY_NO, {"no"}), (Must.NOT_SAY_YES, {"no", "unknown"})],
)
def test_what_a_sign_shows_must_be_said_and_nothing_beyond_it(must: Must, held: set[str]) -> None:
    step = CANCEL._replace(must=must)
    told = {said: judged(step, None, work_stopped=said) for said in ("yes", "no", "unknown")}
    assert {said for said, each in told.items() if not each} == held
    assert {fault for each in told.values() for fault in each} == {
        f"work_stopped is {said}, and {must}" for said in told.keys() - held
    }


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_each_story_is_one_of_a_kind_and_speaks_pullcords_words(platform: Platform) -> None:
    works = [story.work for story in platform.stories]
    outcomes = {word for story in platform.stories for step in story.steps for word in step.outcomes.split()}
    assert len(works) == len(set(works))
    assert outcomes <= set(MEANINGS)


def test_the_outcomes_that_speak_of_the_work_are_pullcords() -> None:
    assert set(MEANINGS) >= SPEAKS_OF_THE_WORK
